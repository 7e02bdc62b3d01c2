/** What is wrong about repairs. Most need a schedule with damaged files, which is seldom drawn. */
import { patch, type Mutation } from './mutation.ts';

const REREADING = 'src/writing/rereading.ts';
const REPAIR = 'src/partition/repair.ts';

export const REPAIR_MUTATIONS: readonly Mutation[] = [
  {
    name: 'the last record of a lost file is held already',
    store: 'file',
    schedule: 'the-last-record-of-a-lost-file',
    patches: [patch(REREADING, `offset <= lastOffset`, `offset < lastOffset`)],
  },
  {
    name: 'the first record of a lost file is held already',
    store: 'oss',
    schedule: 'the-first-record-of-a-lost-file',
    patches: [patch(REREADING, `offset >= firstOffset`, `offset > firstOffset`)],
  },
  {
    name: 'a repair writes all records again',
    store: 'oss-hdfs',
    schedule: 'a-repair-writes-all-again',
    patches: [
      patch(
        'src/writing/recordRouter.ts',
        `    if (place.type === 'missing') return false;`,
        `    if (place.type !== undefined) return false;`,
      ),
    ],
  },
  {
    name: 'a repair writes no record again',
    store: 'file',
    schedule: 'a-repair-writes-none-again',
    patches: [
      patch(
        REREADING,
        `return isMissing === true ? MISSING : this.#heldIn(bucket);`,
        `return this.#heldIn(bucket);`,
      ),
    ],
  },
  {
    name: 'a repair writes records of other folders again',
    store: 'oss',
    schedule: 'a-repair-of-other-folders',
    patches: [
      patch(
        REREADING,
        `    const isMissing = this.#missing
      .get(bucket)
      ?.some(`,
        `    const isMissing = [...this.#missing.values()]
      .flat()
      ?.some(`,
      ),
    ],
  },
  {
    name: 'a repair goes back to the newest damaged file',
    store: 'file',
    schedule: 'a-repair-from-the-newest-file',
    patches: [
      patch(
        REPAIR,
        `if (first === null || offset < first) first = offset;`,
        `if (first === null || offset > first) first = offset;`,
      ),
    ],
  },
  {
    name: 'what one of the damaged files held is forgotten',
    store: 'oss-hdfs',
    schedule: 'a-damaged-file-that-is-forgotten',
    patches: [
      patch(
        'actors/ledger.ts',
        `const lost = ids.flatMap((id) => this.#heldBy(id));`,
        `const lost = ids.slice(1).flatMap((id) => this.#heldBy(id));`,
      ),
    ],
  },
  {
    name: 'a second repair forgets what the first has not read again',
    store: 'file',
    schedule: 'a-second-repair-that-forgets',
    patches: [patch('actors/repair.ts', `missing: [...before, ...lost]`, `missing: [...lost]`)],
  },
  {
    name: 'a repair is over with its first checkpoint',
    store: 'file',
    schedule: 'a-repair-that-is-over-at-once',
    patches: [
      patch('actors/repair.ts', `nextOffset >= repair.untilOffset ? null`, `nextOffset >= 0n ? null`),
    ],
  },
  {
    name: 'files of a repair have the names of lost ones',
    store: 'oss',
    schedule: 'names-of-lost-files',
    patches: [
      patch(
        'src/partition/partFiles.ts',
        `  return repair === null ? 0 : repairs;`,
        `  return repair === null ? 0 : 0;`,
      ),
    ],
  },
  {
    name: 'a closed file that is gone is written again though a reader may have it',
    store: 'file',
    schedule: 'a-file-that-a-reader-took',
    patches: [patch(REPAIR, `if (gone.length > 0 && !notTaken)`, `if (gone.length > 1e9 && !notTaken)`)],
  },
];
