/** Which leader epochs were read. */
import type { PartitionContext } from '../../actors/partition.ts';
import type { FetchedBatch, ReadEpoch } from './port.ts';

/**
 * Of those before the last one. A log that lacks more of what was read is told to differ later than it does; a leader that was away for as
 * many elections, and comes back with records that nobody has, is rare enough.
 */
export const EARLIER_EPOCHS_MAX = 32;

/** Behind the batch, after `before` it. */
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

/** As the journal has it. */
export function journaledEpoch(facts: Journaled): ReadEpoch | null {
  const { leaderEpoch, leaderEpochStart, earlierLeaderEpochs: earlier } = facts;
  if (leaderEpoch === null || leaderEpochStart === null) return null;
  return { epoch: leaderEpoch, startOffset: leaderEpochStart, earlier };
}
