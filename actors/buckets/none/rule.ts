/** One bucket for all records: the sink's own folder. */
import { noFieldProblems } from '../pattern/rule.ts';
import { oneBucket, type BucketAssigner, type BucketRule } from '../rule.ts';

export function noBuckets(): BucketAssigner {
  return oneBucket('');
}

interface NoBucketConfig {
  readonly by: 'none';
}

export const NO_BUCKETS: BucketRule<NoBucketConfig> = {
  name: 'none',
  chosenBy: 'nothing',
  keys: () => ({}),
  problems: noFieldProblems,
  toConfig: () => ({ by: 'none' }),
  assigner: noBuckets,
  meaning: ({ by }) => ({ by }),
  describe: () => 'none',
};
