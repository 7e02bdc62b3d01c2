/** What record batches say of their offsets in their headers: for an audit, never while a job reads. */
import type { Lent } from '../../../system/lentMemory.ts';
import type { LogSpan } from '../../port.ts';
import type { ScannedRecords } from './batches.ts';
import { AT, CONTROL } from './header.ts';

/**
 * Offsets between two batches are in no span. A broker appends batches without a gap, and refuses one whose
 * header counts fewer records than offsets: where either is so now, the log was changed afterwards.
 * @param memory of the batches. Throws INTERNAL once it is given back.
 */
export function spansOf(
  { batches, fetchedOffset }: Pick<ScannedRecords, 'batches' | 'fetchedOffset'>,
  memory: Pick<Lent<object>, 'check'>,
): readonly LogSpan[] {
  memory.check();
  return batches.flatMap(({ bytes, visible }) => {
    const from = bytes.readBigInt64BE(0);
    const to = from + BigInt(bytes.readInt32BE(AT.lastOffsetDelta)) + 1n;
    if (to <= fetchedOffset) return [];
    const isControl = (bytes.readInt16BE(AT.attributes) & CONTROL) !== 0;
    const holds = isControl ? 'markers' : visible ? 'records' : 'aborted';
    return [{ from, to, holds, records: bytes.readInt32BE(AT.count) }];
  });
}
