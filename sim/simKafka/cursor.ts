/** Fetched batches as the coordinator reads them: a flyweight over the visible records of several batches. */
import type { FetchedBatch, LogSpan, RecordCursor } from '../../src/sources/port.ts';
import { NoRoomYet } from '../../src/sources/unpackRoom.ts';
import type { Fetched, PlacedBatch, PlacedRecord } from './partitionLog.ts';

const NO_KEY: Buffer = Buffer.alloc(0);

class SimCursor implements RecordCursor {
  baseOffset: bigint;
  offsetDelta = -1;
  timestampMs = 0;
  keyBytes = NO_KEY;
  keyStart = -1;
  keyEnd = 0;
  readonly headersStart = -1;
  readonly headersEnd = -1;
  valueBytes = NO_KEY;
  valueStart = -1;
  valueEnd = 0;
  readonly #batches: readonly PlacedBatch[];
  readonly #from: number;
  readonly #wait: UnpackWait;
  #batch = 0;
  #unpacked = -1;
  #record = 0;

  constructor(batches: readonly PlacedBatch[], from: number, wait: UnpackWait) {
    this.#wait = wait;
    this.#batches = batches;
    this.#from = from;
    this.baseOffset = BigInt(batches[0]?.base ?? from);
  }

  next(): boolean {
    for (;;) {
      const batch = this.#batches[this.#batch];
      if (batch === undefined) return false;
      if (this.#unpacked < this.#batch) this.#unpack();
      const record = batch.records[this.#record];
      if (record === undefined) {
        this.#batch += 1;
        this.#record = 0;
        continue;
      }
      this.#record += 1;
      // The first batch may begin before the requested offset.
      if (batch.base + record.delta < this.#from) continue;
      this.baseOffset = BigInt(batch.base);
      this.offsetDelta = record.delta;
      this.timestampMs = record.timestampMs;
      this.valueBytes = batch.bytes;
      this.valueStart = record.start;
      this.valueEnd = record.end;
      this.#showKey(record);
      return true;
    }
  }

  /** Records without a value alone have one. */
  #showKey({ start, name }: PlacedRecord): void {
    this.keyBytes = start >= 0 ? NO_KEY : Buffer.from(name, 'latin1');
    this.keyStart = start >= 0 ? -1 : 0;
    this.keyEnd = this.keyBytes.length;
  }

  /** Throws NoRoomYet if others hold the memory for it. */
  #unpack(): void {
    const whenRoom = this.#wait();
    if (whenRoom !== null) throw new NoRoomYet(whenRoom);
    this.#unpacked = this.#batch;
  }
}

/** Called before a batch is unpacked; null if there is room for it. */
export type UnpackWait = () => Promise<void> | null;

export function toFetchedBatch(
  offset: number,
  { batches, nextOffset }: Fetched,
  wait: UnpackWait,
): FetchedBatch {
  return {
    fetchedOffset: BigInt(offset),
    nextOffset: BigInt(nextOffset),
    leaderEpoch: batches[0]?.epoch ?? null,
    sizeBytes: batches.reduce((sum, { bytes }) => sum + bytes.length, 0),
    records: () => new SimCursor(batches, offset, wait),
    spans: () => batches.map(spanOf),
  };
}

/** A hole of the schedule is a batch that compaction has emptied. */
function spanOf({ base, end, records, arrival: { item } }: PlacedBatch): LogSpan {
  const [from, to] = [BigInt(base), BigInt(end)];
  if (item === null) return { from, to, holds: 'markers', records: end - base };
  const isAborted = item.type === 'transaction' && !item.committed;
  return isAborted
    ? { from, to, holds: 'aborted', records: item.records }
    : { from, to, holds: 'records', records: records.length };
}
