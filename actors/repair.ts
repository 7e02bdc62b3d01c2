/**
 * A repair: records of lost part files are read again, between records that are in files already. nextOffset
 * has gone back; up to where it was, each record is written again or left out, by the offsets that the lost
 * files of its bucket held.
 */
import type { EventOf } from '../journal/events.ts';
import type { PartId } from '../journal/ids.ts';
import { epochsBelow, type ReadEpochs } from './readEpochs.ts';

/** Offsets [firstOffset, lastOffset] of one bucket whose records no file holds any more. */
export interface MissingRange {
  readonly bucket: string;
  readonly firstOffset: bigint;
  readonly lastOffset: bigint;
}

/** Holds from the rewind until a checkpoint reaches `untilOffset`. */
export interface RepairFacts {
  /** The highest nextOffset before: from here on, nothing was read. */
  readonly untilOffset: bigint;
  readonly placing: string;
  readonly missing: readonly MissingRange[];
  /** [fromOffset, toOffset): given up before, and not read again, either. */
  readonly givenUp: EventOf<'partitionRewound'>['givenUp'];
  /** Of the log up to `untilOffset`: it has to be the same log as before. */
  readonly read: ReadEpochs;
}

/** Damaged files that were journaled before the rewind that is to count them. */
export interface DamagedPieces {
  readonly requestId: number;
  readonly count: number;
  readonly parts: readonly PartId[];
}

/** The first piece of another request voids the collected ones. */
export function collectDamaged(
  pieces: DamagedPieces | null,
  { requestId, index, parts }: EventOf<'partsDamaged'>,
): DamagedPieces | null {
  if (pieces?.requestId === requestId && pieces.count === index)
    return { requestId, count: index + 1, parts: [...pieces.parts, ...parts] };
  return index === 0 ? { requestId, count: 1, parts } : null;
}

interface Before extends ReadEpochs {
  readonly nextOffset: bigint | null;
  readonly repair: RepairFacts | null;
}

/** @param lost what the discarded files held. */
export function rewound(
  { nextOffset, repair, leaderEpoch, leaderEpochStart, earlierLeaderEpochs }: Before,
  { placing, givenUp }: EventOf<'partitionRewound'>,
  lost: readonly MissingRange[],
): RepairFacts {
  const next = nextOffset ?? 0n;
  const before = repair === null ? [] : stillMissing(repair.missing, next);
  return {
    untilOffset: repair?.untilOffset ?? next,
    ...{ placing, givenUp, missing: [...before, ...lost] },
    read: repair?.read ?? { leaderEpoch, leaderEpochStart, earlierLeaderEpochs },
  };
}

/** What an interrupted repair has not written again yet. */
function stillMissing(missing: readonly MissingRange[], nextOffset: bigint): readonly MissingRange[] {
  return missing
    .filter(({ lastOffset }) => lastOffset >= nextOffset)
    .map((range) => (range.firstOffset < nextOffset ? { ...range, firstOffset: nextOffset } : range));
}

/** The repair after nextOffset has moved: null once everything that was lost is read again. */
export function repairAt(repair: RepairFacts | null, nextOffset: bigint): RepairFacts | null {
  return repair === null || nextOffset >= repair.untilOffset ? null : repair;
}

/** The log was replaced from `divergedAt` on. What was lost of the former one there cannot be read again. */
export function repairBelow(
  repair: RepairFacts | null,
  event: EventOf<'logTruncationAccepted'>,
): RepairFacts | null {
  if (repair === null || event.divergedAt >= repair.untilOffset) return repair;
  // What both logs hold is still passed over: the new one may be cut below that, too.
  return { ...repair, untilOffset: event.divergedAt, read: epochsBelow(repair.read, event) };
}
