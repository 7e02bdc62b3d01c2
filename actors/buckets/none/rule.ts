/** One bucket for all records: the sink's own folder. */
import type { BucketAssigner, BucketRule } from '../rule.ts';

export function noBuckets(): BucketAssigner {
  return { by: 'none', slotOf: () => 0, slotMs: Infinity, isWhole: () => false, bucketOf: () => '' };
}

interface NoBucketConfig {
  readonly by: 'none';
}

export const NO_BUCKETS: BucketRule<NoBucketConfig> = {
  name: 'none',
  chosenBy: 'nothing',
  keys: () => ({}),
  toConfig: () => ({ by: 'none' }),
  assigner: noBuckets,
  meaning: ({ by }) => ({ by }),
  describe: () => 'none',
};
