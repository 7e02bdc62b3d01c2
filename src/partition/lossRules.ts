/** Which loss an operator may accept: only what the source has lost, from the next offset to read on. */
import type { PartitionContext } from '../../actors/partition.ts';
import { currentCode } from '../../journal/errors.ts';
import type { OffsetRange } from '../sources/port.ts';
import { isCodeOfLoss } from './sourceFailure.ts';

export interface Loss {
  readonly fromOffset: bigint;
  readonly toOffset: bigint;
}

export type LossFacts = Pick<PartitionContext, 'stop' | 'nextOffset' | 'checkpoint'>;

/** Whether the answer depends on what the source holds now: the stop names no offset this high. */
export function needsRange({ stop }: LossFacts, { toOffset }: Loss): boolean {
  return stop !== null && isCodeOfLoss(stop.code) && toOffset > (stop.toOffset ?? 0n);
}

/** Why the loss is refused, or null. `range`: what the source holds; null if not asked or unknown. */
export function refusedLoss(
  { stop, nextOffset }: LossFacts,
  { fromOffset, toOffset }: Loss,
  range: OffsetRange | null,
): string | null {
  if (stop === null) return 'The partition is not stopped: there is no loss to accept.';
  if (stop.truncation !== null)
    return 'The log went back, and holds other records: accept-truncation reads them.';
  if (stop.files.length > 0) {
    // Their records are below nextOffset: giving up offsets after it would lose more and fix nothing.
    return `No offsets are lost, but ${stop.files.join(', ')}: mend that, then resume.`;
  }
  if (!isCodeOfLoss(stop.code))
    return (
      `It is stopped for ${currentCode(stop.code)}, which is no loss of offsets: mend the ` +
      `cause, then resume it.`
    );
  const next = nextOffset ?? 0n;
  if (fromOffset !== next || toOffset <= fromOffset)
    return `The loss must begin at nextOffset ${next} and end behind it, not [${fromOffset}, ${toOffset}).`;
  if (stop.fromOffset !== null && stop.fromOffset > next) {
    return (
      `The loss begins at ${stop.fromOffset}; offsets ${next} to ${stop.fromOffset - 1n} before it were ` +
      'not counted yet, and may still be read. Resume the partition first: it reads them and stops again ' +
      'where the loss begins.'
    );
  }
  const lost = stop.toOffset ?? next;
  if (toOffset <= lost) return null;
  if (range === null) {
    const named =
      stop.toOffset === null ? 'The stop does not name its end' : `The stop names offsets up to ${lost}`;
    return (
      `${named}, and the source does not say how far it goes: ` + `no loss up to ${toOffset} is accepted now.`
    );
  }
  if (toOffset <= range.endOffset) return null;
  return `The loss must end at ${range.endOffset}, where the source ends, or before, not at ${toOffset}.`;
}
