/** The leader epochs of the source's log that were read: which are known after an event. */
import type { EpochStart, EventOf } from '../journal/events.ts';

/** Leader epochs of the source's log below an offset; null if they are not known. */
export interface ReadEpochs {
  readonly leaderEpoch: number | null;
  readonly leaderEpochStart: bigint | null;
  readonly earlierLeaderEpochs: readonly EpochStart[];
}

/** After every jump of nextOffset: nothing is compared with the log until more of it has been read. */
export const UNKNOWN_EPOCHS: ReadEpochs = {
  leaderEpoch: null,
  leaderEpochStart: null,
  earlierLeaderEpochs: [],
};

/**
 * Leader epochs known after a checkpoint. A checkpoint of an earlier version does not list earlier epochs;
 * they are known only if its leader epoch and its start are unchanged.
 */
export function epochsRead(before: ReadEpochs, event: EventOf<'checkpointCompleted'>): ReadEpochs {
  const { leaderEpoch, leaderEpochStart } = event;
  const isSame = leaderEpoch === before.leaderEpoch && leaderEpochStart === before.leaderEpochStart;
  const known = event.earlierLeaderEpochs ?? (isSame ? before.earlierLeaderEpochs : []);
  return { leaderEpoch, leaderEpochStart, earlierLeaderEpochs: known };
}

/**
 * Leader epochs known after an accepted truncation; the last one is that of the last batch that both logs
 * hold. It is kept because the log may be truncated again, below that batch, before more is read. Earlier
 * epochs are in both logs.
 */
export function epochsBelow(
  read: ReadEpochs,
  { divergedAt, leaderEpoch }: EventOf<'logTruncationAccepted'>,
): ReadEpochs {
  if (leaderEpoch === null) return UNKNOWN_EPOCHS;
  const last =
    read.leaderEpoch === null || read.leaderEpochStart === null
      ? []
      : [{ epoch: read.leaderEpoch, startOffset: read.leaderEpochStart }];
  const below = [...read.earlierLeaderEpochs, ...last].filter(({ startOffset }) => startOffset < divergedAt);
  const same = below.find(({ epoch }) => epoch === leaderEpoch);
  return {
    ...{ leaderEpoch, leaderEpochStart: same?.startOffset ?? divergedAt },
    earlierLeaderEpochs: below.filter(({ epoch }) => epoch < leaderEpoch),
  };
}
