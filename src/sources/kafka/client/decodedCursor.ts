/**
 * The plain reader of the same batches: kafkajs's own decoder, an object per record, nothing in bulk. It is
 * slower, and serves to check the fast reader.
 */
import { RecordReader, TIMESTAMP_TYPES } from './client.ts';
import type { DecodedRecord } from './types.ts';
import { NO_BYTES, SegmentCursor, type RecordSegment } from '../records/segmentCursor.ts';

export class DecodedCursor extends SegmentCursor {
  #reader: RecordReader | null = null;

  protected enter(segment: RecordSegment, bytes: Buffer, start: number, end: number): void {
    const { createTime, logAppendTime } = TIMESTAMP_TYPES;
    this.#reader = new RecordReader(bytes.subarray(start, end), {
      firstOffset: (this.baseOffset + BigInt(segment.baseDelta)).toString(),
      firstTimestamp: BigInt(segment.firstTimestampMs).toString(),
      maxTimestamp: BigInt(segment.appendTimestampMs ?? 0).toString(),
      timestampType: segment.appendTimestampMs === null ? createTime : logAppendTime,
    });
  }

  protected isAtEnd(): boolean {
    return this.#reader === null || this.#reader.leftBytes === 0;
  }

  protected read(): void {
    const { offset, timestamp, key, value } = this.#decode();
    this.offsetDelta = Number(BigInt(offset) - this.baseOffset);
    this.timestampMs = Number(timestamp);
    this.keyBytes = key ?? NO_BYTES;
    this.keyStart = key === null ? -1 : 0;
    this.keyEnd = key?.length ?? -1;
    this.valueBytes = value ?? NO_BYTES;
    this.valueStart = value === null ? -1 : 0;
    this.valueEnd = value?.length ?? -1;
  }

  #decode(): DecodedRecord {
    let record: DecodedRecord | null | undefined;
    try {
      record = this.#reader?.next();
    } catch (error) {
      this.damaged(error);
    }
    return record ?? this.damaged();
  }
}
