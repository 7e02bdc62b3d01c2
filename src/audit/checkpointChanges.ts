/** What a completed checkpoint says of part files. */
import type { EventOf, PartChange } from '../../journal/events.ts';

/**
 * Its changes, in the order in which the ledger applies them: the pieces that were journaled in advance, if
 * it counts them, then its own.
 */
export function checkpointChanges(
  { checkpointParts, parts }: EventOf<'checkpointCompleted'>,
  pieces: readonly PartChange[],
): readonly PartChange[] {
  return checkpointParts === 0 ? parts : [...pieces, ...parts];
}
