/** What is wrong about records that have no value, or are bad. */
import { patch, type Mutation } from './mutation.ts';

export const RECORD_MUTATIONS: readonly Mutation[] = [
  {
    name: 'a record without a value is bad where it is to be kept',
    store: 'file',
    foundAt: 2,
    patches: [
      patch(
        'src/formats/format.ts',
        `  if (valueStart >= 0 || tombstones === 'keep') return null;`,
        `  if (valueStart >= 0) return null;`,
      ),
    ],
  },
  {
    name: 'a record without a value is left out where it is bad',
    store: 'file',
    seed: 11,
    foundAt: 26,
    patches: [
      patch(
        'src/formats/format.ts',
        `  return tombstones === 'skip' ? 'left-out' : 'null-value';`,
        `  return 'left-out';`,
      ),
    ],
  },
  {
    name: 'bad records that are skipped do not count as skipped',
    store: 'file',
    foundAt: 4,
    patches: [patch('src/writing/badRecords.ts', `      this.#skipped += 1;\n`, ``)],
  },
  {
    name: 'bad records that were skipped are counted again by the next checkpoint',
    store: 'file',
    foundAt: 4,
    patches: [patch('src/writing/badRecords.ts', `    this.#skipped -= skipped;\n`, ``)],
  },
];
