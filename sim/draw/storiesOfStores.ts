/** Stories of a process and its destination: scarcity, a full disk, and what others do to the files. */
import type { Fault } from '../schedule.ts';
import type { Story } from './stories.ts';

/** More than there can be owners, for each of several files. */
const REFUSALS = 24;

export const STORE_STORIES: readonly Story[] = [
  {
    // Each record needs its own file, few may be open, and the store is slow to close them.
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
    // The disk fills, the owner dies or is replaced because of it, and its successor finds no room for its
    // copies.
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
  {
    // Owners die, and the destination repeatedly refuses the takeover of their files.
    name: 'refused what a takeover needs',
    weight: 2,
    stores: ['oss-hdfs', 'file'],
    tell({ random, store, processes }, atMs) {
      const process = random.below(processes);
      const point = store === 'file' ? ('store.finish' as const) : ('store.resume' as const);
      const first = random.below(4);
      // For the first and second life of every place.
      const refusals = Array.from({ length: 2 * REFUSALS }, (_, index) => index).flatMap((index) =>
        Array.from({ length: processes }, (_, place): Fault => {
          const nth = 1 + first + (index % REFUSALS);
          const life = Math.floor(index / REFUSALS);
          return { type: 'store', process: place, life, nth, point, fault: 'refused' };
        }),
      );
      const kills = Array.from({ length: processes }, (_, place): Fault => {
        return { type: 'kill', process: (process + place) % processes, atMs: atMs + random.below(100) };
      });
      const config = { roll: { maxBytes: 1_000, maxAgeMs: 4_000, maxIdleMs: 4_000, atCheckpoint: false } };
      return { faults: [...refusals, ...kills], config };
    },
  },
  {
    // A reader takes every file at once. Its publisher is asleep, and another may publish it again.
    name: 'taken from under a zombie',
    weight: 3,
    tell({ random, processes }, atMs) {
      const first = random.below(processes);
      const point = random.pick(['store.commit', 'journal.append', 'source.commitOffset'] as const);
      const sleep: Fault = {
        ...{ type: 'pause', process: first, life: 0, nth: random.pick([1, 2, 3, 4]), point },
        ...{ side: random.pick(['before', 'after'] as const), forMs: random.pick([2_500, 4_000]) },
      };
      const late: Fault = {
        ...{ type: 'store', process: (first + 1) % processes, life: 0, nth: 1 + random.below(3) },
        ...{ point: random.pick(['store.commit', 'store.commitAfterRecovery'] as const) },
        fault: random.pick(['late', 'lostReply', 'asleep'] as const),
      };
      const reader: Fault = { type: 'reader', atMs: 0, forMs: 12_000, everyMs: random.pick([1, 3, 20]) };
      const loss: Fault = { type: 'kill', process: random.below(processes), atMs };
      return { faults: [reader, sleep, late, ...(random.percent(50) ? [loss] : [])] };
    },
  },
  {
    // Backups of hard links are taken all the time, while owners die when they publish, or are refused.
    name: 'backed up by hard links',
    weight: 2,
    stores: ['file'],
    tell({ random, processes }, atMs) {
      const backup: Fault = { type: 'backup', atMs: 0, forMs: 8_000, everyMs: random.pick([3, 20, 150]) };
      const process = random.below(processes);
      const refused: Fault = {
        ...{ type: 'store', process, life: 0, nth: 1 + random.below(6) },
        ...{ point: random.pick(['store.commit', 'store.commitAfterRecovery'] as const) },
        fault: random.pick(['refused', 'lostReply', 'asleep'] as const),
      };
      const kill: Fault = { type: 'kill', process, atMs };
      return { faults: [backup, refused, kill] };
    },
  },
  {
    // The disk is small, and only readers free space on it.
    name: 'a full disk that readers empty',
    weight: 2,
    stores: ['file'],
    tell({ random, processes }, atMs) {
      const full: Fault = {
        ...{
          type: 'full',
          atMs,
          forMs: 6_000,
          freeBytes: 5 + random.below(40),
          withJournal: random.percent(20),
        },
      };
      const reader: Fault = { type: 'reader', atMs, forMs: 8_000, everyMs: random.pick([3, 20, 150]) };
      const kill: Fault = {
        type: 'kill',
        process: random.below(processes),
        atMs: atMs + random.below(2_000),
      };
      return { faults: [full, reader, kill] };
    },
  },
  {
    // A file that a reader took too early looks lost to the next owner.
    name: 'taken before it was known',
    weight: 1,
    isHarm: true,
    tell({ random, processes }, atMs) {
      const process = random.below(processes);
      const crash: Fault = {
        ...{ type: 'crash', process, life: 0, nth: 1 + random.below(3) },
        ...{ point: 'store.commit', side: 'after' },
      };
      return { faults: [{ type: 'hastyReader', atMs, forMs: 2_000, everyMs: random.pick([1, 3]) }, crash] };
    },
  },
];
