/** Looks ahead in a fetched batch for buckets that have no part file yet. */
import type { BucketAssigner } from '../../actors/buckets/rule.ts';
import { whyNotWritten, type WritingRule } from '../formats/format.ts';
import { isSourceFailure } from '../sources/failure.ts';
import type { RecordCursor } from '../sources/port.ts';
import { NoRoomYet } from '../sources/unpackRoom.ts';

/** A record that is not written needs no file of its bucket. */
export interface Ahead extends WritingRule {
  readonly assigner: BucketAssigner;
  readonly nextOffset: bigint;
  readonly endOffset: bigint | null;
  readonly wallMs: number;
  /** How many buckets to find at most. */
  readonly room: number;
}

/**
 * Adds to `wanted` the buckets of records from nextOffset on that have no file, each with the offset of its
 * first record.
 */
export function findBuckets(
  cursor: RecordCursor,
  { assigner, records, tombstones, nextOffset, endOffset, wallMs, room }: Ahead,
  wanted: Map<string, bigint>,
  hasFile: (bucket: string) => boolean,
): void {
  const writing = { records, tombstones };
  const seen = new Set<number>();
  let base = -1n;
  let [startDelta, endDelta] = [0, Infinity];
  let slotBefore = NaN;
  while (wanted.size < room && movesOn(cursor)) {
    if (cursor.baseOffset !== base) {
      base = cursor.baseOffset;
      startDelta = Number(nextOffset - base);
      if (endOffset !== null) endDelta = Number(endOffset - base);
    }
    if (cursor.offsetDelta >= endDelta) break;
    if (cursor.offsetDelta < startDelta) continue;
    const slot = assigner.slotOf(cursor, wallMs);
    if (slot === slotBefore || seen.has(slot)) continue;
    const bucket = assigner.bucketOf(slot);
    const isThere = hasFile(bucket) || wanted.has(bucket);
    if (!isThere && whyNotWritten(writing, cursor) !== null) continue;
    slotBefore = slot;
    seen.add(slot);
    if (!isThere) wanted.set(bucket, cursor.baseOffset + BigInt(cursor.offsetDelta));
  }
}

/** Data that cannot be read, or not yet, ends the search: the reader that reaches it reports it. */
function movesOn(cursor: RecordCursor): boolean {
  try {
    return cursor.next();
  } catch (error) {
    const isLeft = error instanceof NoRoomYet || isSourceFailure(error, 'batchCorrupt', 'batchTooLarge');
    if (isLeft) return false;
    throw error;
  }
}
