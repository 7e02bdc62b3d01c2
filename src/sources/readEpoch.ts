/** The leader epochs that were read. */
import type { PartitionContext } from '../../actors/partition.ts';
import type { FetchedBatch, ReadEpoch } from './port.ts';

/**
 * Epochs kept besides the last one. If a log lacks more epochs than these, the reported point of difference
 * is too late. That needs a leader that was away for as many elections and returns with records that nobody
 * else has, which is rare enough.
 */
export const EARLIER_EPOCHS_MAX = 32;

/** The epochs read after the batch, given those `before` it. */
export function readEpochBehind(
  before: ReadEpoch | null,
  { leaderEpoch, fetchedOffset }: Pick<FetchedBatch, 'leaderEpoch' | 'fetchedOffset'>,
): ReadEpoch | null {
  if (leaderEpoch === null) return null;
  if (leaderEpoch === before?.epoch) return before;
  return { epoch: leaderEpoch, startOffset: fetchedOffset, earlier: earlierThan(leaderEpoch, before) };
}

function earlierThan(leaderEpoch: number, before: ReadEpoch | null): ReadEpoch['earlier'] {
  if (before === null) return [];
  const { epoch, startOffset, earlier } = before;
  return [...earlier, { epoch, startOffset }]
    .filter((one) => one.epoch < leaderEpoch)
    .slice(-EARLIER_EPOCHS_MAX);
}

type Journaled = Pick<PartitionContext, 'leaderEpoch' | 'leaderEpochStart' | 'earlierLeaderEpochs'>;

/** The epochs as the journal has them. */
export function journaledEpoch(facts: Journaled): ReadEpoch | null {
  const { leaderEpoch, leaderEpochStart, earlierLeaderEpochs: earlier } = facts;
  if (leaderEpoch === null || leaderEpochStart === null) return null;
  return { epoch: leaderEpoch, startOffset: leaderEpochStart, earlier };
}
