/**
 * A jump of nextOffset by an operator's answer. The journal then also holds in which leader epoch the log has
 * the offset before it. Otherwise a log that is cut below nextOffset, and grows past it before more is read,
 * would not be noticed.
 */
import type { PartitionContext } from '../../actors/partition.ts';
import type { EpochStart, EventOf } from '../../journal/events.ts';
import type { TopicPartition } from '../../journal/ids.ts';
import type { Source } from '../sources/port.ts';
import type { LastPiece } from './checkpointPieces.ts';
import { isLogCut, isSourceAway } from './sourceFailure.ts';

const NO_PIECE: LastPiece = { checkpointParts: 0, parts: [] };

export interface Jump {
  readonly nextOffset: bigint;
  /** Null if the source has no leader epochs, or nothing before the offset. */
  readonly below: EpochStart | null;
}

/** The jump, or why it cannot be made now. Rejects with whatever else the source fails with. */
export async function jumpTo(
  source: Source,
  partition: TopicPartition,
  nextOffset: bigint,
): Promise<Jump | string> {
  try {
    return { nextOffset, below: (await source.epochBelow?.(partition, nextOffset)) ?? null };
  } catch (error) {
    if (isLogCut(error)) return `The log of the source ends before offset ${nextOffset}. ${error.message}`;
    if (!isSourceAway(error)) throw error;
    return (
      `The source does not tell what it holds before offset ${nextOffset}: ask again when it answers. ` +
      error.message
    );
  }
}

/** A checkpoint in which nothing was read; it follows the event that jumps. */
export function checkpointBehind(
  { nextOffset, below }: Jump,
  { checkpoint }: Pick<PartitionContext, 'checkpoint'>,
  { parts, checkpointParts }: LastPiece = NO_PIECE,
): EventOf<'checkpointCompleted'>[] {
  if (below === null && parts.length === 0) return [];
  const epochs = { leaderEpoch: below?.epoch ?? null, leaderEpochStart: below?.startOffset ?? null };
  return [
    {
      ...{ type: 'checkpointCompleted', checkpoint: checkpoint + 1, nextOffset, ...epochs },
      ...{ recordsRead: 0, recordsSkipped: { nullValue: 0 }, checkpointParts, parts: [...parts] },
    },
  ];
}
