/** One bucket for all records: the sink's own folder. */
import { noFieldProblems } from '../pattern/rule.ts';
import { ROUTE_OF_ALL, type BucketAssigner, type BucketRule } from '../rule.ts';

export function noBuckets(): BucketAssigner {
  return {
    slotOf: () => 0,
    bucketOf: () => '',
    looksAtRecords: false,
    isKnownAgain: () => true,
    routes: ROUTE_OF_ALL,
  };
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
