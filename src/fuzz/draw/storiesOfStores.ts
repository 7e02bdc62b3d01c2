/** Stories of a process and its destination: what is scarce, what is full, and what others do to it. */
import type { Fault } from '../schedule.ts';
import type { Story } from './stories.ts';

export const STORE_STORIES: readonly Story[] = [
  {
    // Each record wants a file of its own, few may be open, and the store is slow to close them.
    name: 'many files, few allowed',
    weight: 3,
    tell({ random, processes }) {
      const pattern = random.pick(['ss', 'mm', 'HH', 'yyyy-MM-dd--HH']);
      const slow = Array.from({ length: 1 + random.below(3) }, (): Fault => {
        return {
          ...{ type: 'store', process: random.below(processes), life: 0, nth: 1 + random.below(6) },
          point: random.pick([
            'store.create',
            'store.closeForCommit',
            'store.write',
            'store.persist',
          ] as const),
          fault: random.pick(['slow', 'lostReply', 'refused', 'late'] as const),
        };
      });
      return {
        faults: slow,
        config: {
          ...random.pick([{ openFilesMax: 2 }, { memoryBytes: 20 * 1024 }, { memoryBytes: 48 * 1024 }]),
          buckets: { by: 'record-time', pattern, timezone: 'UTC' },
          roll: { maxBytes: 1_000, maxAgeMs: 2_000, maxIdleMs: 400, atCheckpoint: false },
        },
      };
    },
  },
  {
    // The disk fills, the owner dies or is replaced at it, and what takes over finds no room for its copies.
    name: 'no room for a takeover',
    weight: 3,
    stores: ['file'],
    tell({ random, processes }, atMs) {
      const forMs = random.pick([600, 2_500, 6_000]);
      const process = random.below(processes);
      const full: Fault = {
        ...{ type: 'full', atMs, forMs, freeBytes: random.below(20), withJournal: random.percent(25) },
      };
      const loss = random.pick<Fault>([
        { type: 'kill', process, atMs: atMs + random.below(300) },
        { type: 'rebalance', atMs: atMs + random.below(300) },
        { type: 'freeze', process, atMs: atMs + random.below(200), forMs: 2_500 },
      ]);
      const unheard: Fault = { type: 'mute', atMs: atMs + random.below(150), forMs: 400 };
      return { faults: [full, loss, ...(random.percent(50) ? [unheard] : [])], config: { restartMs: 10 } };
    },
  },
];
