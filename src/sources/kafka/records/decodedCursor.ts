/**
 * The plain reader of the same batches: kafkajs's own decoder, an object per record, nothing in bulk. It is
 * slower, and serves to check the fast reader.
 */
import { TidemarkError } from '../../../../journal/errors.ts';
import type { Lent } from '../../../system/lent.ts';
import type { RecordCursor } from '../../port.ts';
import { RecordReader, TIMESTAMP_TYPES } from '../protocol/kafkajsInternals.ts';
import type { DecodedRecord } from '../protocol/kafkajsTypes.ts';
import { damagedRecord, type RecordSegment } from './cursor.ts';

const NO_BYTES = Buffer.alloc(0);

export class DecodedCursor implements RecordCursor {
  readonly baseOffset: bigint;
  offsetDelta = -1;
  timestampMs = 0;
  keyBytes: Buffer = NO_BYTES;
  keyStart = -1;
  keyEnd = -1;
  valueBytes: Buffer = NO_BYTES;
  valueStart = -1;
  valueEnd = -1;

  readonly #segments: Lent<readonly RecordSegment[]>;
  #nextSegment = 0;
  #unpacked: Lent<Buffer> | undefined;
  #isReleased = false;
  #reader: RecordReader | null = null;
  #left = 0;
  #lastDelta = 0;

  /**
   * Skips records below `baseOffset`.
   * @param segments given back when the batch is released.
   */
  constructor(baseOffset: bigint, segments: Lent<readonly RecordSegment[]>) {
    this.baseOffset = baseOffset;
    this.#segments = segments;
  }

  next(): boolean {
    do {
      while (this.#left === 0) {
        if (!this.#enterSegment()) return false;
      }
      this.#left -= 1;
      this.#take(this.#decode());
    } while (this.offsetDelta < 0);
    return true;
  }

  release(): void {
    this.#unpacked?.giveBack();
    this.#unpacked = undefined;
    this.#isReleased = true;
    this.#left = 0;
  }

  /** Throws INTERNAL if the cursor or its batch was released: its memory may hold another batch. */
  #enterSegment(): boolean {
    if (this.#isReleased) throw new TidemarkError('INTERNAL', 'A cursor is moved that was released.');
    if (this.#reader !== null && this.#reader.leftBytes !== 0) throw damagedRecord(this, this.#lastDelta);
    this.#unpacked?.giveBack();
    this.#unpacked = undefined;
    const segment = this.#segments.value[this.#nextSegment];
    if (segment === undefined) return false;
    this.#unpacked = segment.unpack?.();
    const records = this.#unpacked?.value ?? segment.bytes.subarray(segment.start, segment.end);
    this.#nextSegment += 1;
    const { createTime, logAppendTime } = TIMESTAMP_TYPES;
    this.#reader = new RecordReader(records, {
      firstOffset: (this.baseOffset + BigInt(segment.baseDelta)).toString(),
      firstTimestamp: BigInt(segment.firstTimestampMs).toString(),
      maxTimestamp: BigInt(segment.appendTimestampMs ?? 0).toString(),
      timestampType: segment.appendTimestampMs === null ? createTime : logAppendTime,
    });
    this.#left = segment.count;
    this.#lastDelta = segment.lastDelta;
    return true;
  }

  #decode(): DecodedRecord {
    let record: DecodedRecord | null | undefined;
    try {
      record = this.#reader?.next();
    } catch (error) {
      throw damagedRecord(this, this.#lastDelta, error);
    }
    if (record === undefined || record === null) throw damagedRecord(this, this.#lastDelta);
    return record;
  }

  #take({ offset, timestamp, key, value }: DecodedRecord): void {
    this.offsetDelta = Number(BigInt(offset) - this.baseOffset);
    this.timestampMs = Number(timestamp);
    this.keyBytes = key ?? NO_BYTES;
    this.keyStart = key === null ? -1 : 0;
    this.keyEnd = key?.length ?? -1;
    this.valueBytes = value ?? NO_BYTES;
    this.valueStart = value === null ? -1 : 0;
    this.valueEnd = value?.length ?? -1;
  }
}
