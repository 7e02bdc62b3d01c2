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
];
