/** Which leader epoch was read last. */
import type { FetchedBatch, ReadEpoch } from './port.ts';

/** Behind the batch, after `before` it. */
export function readEpochBehind(
  before: ReadEpoch | null,
  { leaderEpoch, fetchedOffset }: Pick<FetchedBatch, 'leaderEpoch' | 'fetchedOffset'>,
): ReadEpoch | null {
  if (leaderEpoch === null) return null;
  return leaderEpoch === before?.epoch ? before : { epoch: leaderEpoch, startOffset: fetchedOffset };
}

/** As the journal has it. */
export function journaledEpoch({
  leaderEpoch,
  leaderEpochStart,
}: {
  readonly leaderEpoch: number | null;
  readonly leaderEpochStart: bigint | null;
}): ReadEpoch | null {
  if (leaderEpoch === null || leaderEpochStart === null) return null;
  return { epoch: leaderEpoch, startOffset: leaderEpochStart };
}
