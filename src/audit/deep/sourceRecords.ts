/** Reads a range of a partition again, without joining the group, and without an end of its own. */
import { setImmediate as turn } from 'node:timers/promises';
import { partitionName, type TopicPartition } from '../../../journal/ids.ts';
import { SourceFailure } from '../../sources/failure.ts';
import type { FetchedBatch, RecordCursor, Source } from '../../sources/port.ts';
import { NoRoomYet } from '../../sources/unpackRoom.ts';
import { orAborted, orLate } from '../../system/bounded.ts';
import type { Clock } from '../../system/clock.ts';

/** How long the source may give nothing. It tries again by itself meanwhile. */
const SILENT_MS = 60_000;

export interface RangeToRead {
  readonly source: Pick<Source, 'open'>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly partition: TopicPartition;
  readonly topicId: string | null;
  /** [from, to), which the source holds. */
  readonly from: bigint;
  readonly to: bigint;
  /** Called with the number of offsets of each batch. */
  readonly onOffsets: (count: number) => void;
}

/** Batches that hold the range. Each may be used until the next one is asked for. */
export async function* batchesOf(range: RangeToRead): AsyncGenerator<FetchedBatch> {
  const { source, partition, topicId, from, to } = range;
  if (from >= to) return;
  const feed = source.open(partition, from, topicId);
  try {
    for (let next = from; next < to;) {
      const batch = await nextOf(range, feed.next());
      yield batch;
      range.onOffsets(Number(batch.nextOffset - next));
      next = batch.nextOffset;
      batch.release?.();
    }
  } finally {
    await feed.close();
  }
}

function nextOf(
  { clock, signal, partition }: RangeToRead,
  batch: Promise<FetchedBatch>,
): Promise<FetchedBatch> {
  const message = `The source gave nothing of ${partitionName(partition)} for ${SILENT_MS / 1_000} s.`;
  const late = (): Error => new SourceFailure('unavailable', message);
  return orLate(clock, SILENT_MS, orAborted(signal, batch), late);
}

/** Visits the batch's records in [from, to), in order. A null value has a negative `valueStart`. */
export async function visitRecords(
  batch: FetchedBatch,
  { from, to }: Pick<RangeToRead, 'from' | 'to'>,
  visit: (cursor: RecordCursor, offset: bigint) => void,
): Promise<void> {
  const cursor = batch.records();
  try {
    for (;;) {
      const moved = moves(cursor);
      if (!(typeof moved === 'boolean' ? moved : await moved)) return;
      const offset = cursor.baseOffset + BigInt(cursor.offsetDelta);
      if (offset >= to) return;
      if (offset >= from) visit(cursor, offset);
    }
  } finally {
    cursor.release?.();
  }
}

/** Not a promise as long as there is memory, so that nothing waits for each record. */
function moves(cursor: RecordCursor): boolean | Promise<boolean> {
  try {
    return cursor.next();
  } catch (error) {
    if (!(error instanceof NoRoomYet)) throw error;
    return Promise.all([error.whenRoom, turn()]).then(() => moves(cursor));
  }
}
