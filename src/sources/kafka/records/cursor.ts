/** The cursor over the bytes of unpacked record batches. Nothing is allocated per record. */
import { TidemarkError } from '../../../../journal/errors.ts';
import { reserve } from '../../../../kernels/memory.ts';
import type { Lent } from '../../../system/lent.ts';
import type { RecordCursor } from '../../port.ts';
import type { RouteRun } from '../../../../kernels/lines.ts';
import { routePlainRecords, READ_MARGIN_BYTES, type RecordRun } from '../../../../kernels/lines.ts';

/**
 * The records of one visible batch: bytes[start, end), or all that `unpack` returns if they are compressed.
 */
export interface RecordSegment {
  readonly unpack?: () => Lent<Buffer>;
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  readonly count: number;
  /** The batch's base offset minus the cursor's; negative if the batch begins before it. */
  readonly baseDelta: number;
  /** Delta of the batch's last offset, even if its record no longer exists. */
  readonly lastDelta: number;
  readonly firstTimestampMs: number;
  /** The time of every record if the broker stamps them, in milliseconds; null if each record has its own. */
  readonly appendTimestampMs: number | null;
}

const NO_BYTES = Buffer.alloc(0);

/** The kernel reads only its own memory: a window over the bytes of one segment at a time. */
const WINDOW_BYTES = 128 * 1024;
/** Records up to this long are always whole in the window; a longer one may be left to `next()`. */
const WINDOW_AHEAD_BYTES = 16 * 1024;
const window = reserve(WINDOW_BYTES + READ_MARGIN_BYTES);
let windowOf: Buffer = NO_BYTES;
let windowStart = 0;
let windowEnd = 0;
const copy: RecordRun = {
  ...{ firstOffset: 0n, firstMs: 0, hasTimes: true, fromDelta: 0, toDelta: 0 },
  ...{ at: 0, end: 0, left: 0, delta: 0 },
};
/** Beyond this, time differences are not exact. No real time is near it. */
const EXACT_TIME_MS_MAX = 2 ** 46;
const INT32_MAX = 2 ** 31 - 1;

export class BatchCursor implements RecordCursor {
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
  #left = 0;
  #bytes: Buffer = NO_BYTES;
  #at = 0;
  #end = 0;
  #baseDelta = 0;
  #lastDelta = 0;
  #firstTimestampMs = 0;
  #appendTimestampMs: number | null = null;

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
      this.#read();
    } while (this.offsetDelta < 0);
    return true;
  }

  release(): void {
    this.#unpacked?.giveBack();
    this.#unpacked = undefined;
    this.#isReleased = true;
    this.#left = 0;
  }

  routeRecords(run: RouteRun): number {
    const appendedMs = this.#appendTimestampMs;
    const firstMs = appendedMs ?? this.#firstTimestampMs;
    if (this.#left === 0 || Math.abs(firstMs) > EXACT_TIME_MS_MAX) return 0;
    const start = this.#window();
    copy.firstOffset = this.baseOffset + BigInt(this.#baseDelta);
    copy.firstMs = firstMs;
    copy.hasTimes = appendedMs === null;
    copy.fromDelta = Math.max(-INT32_MAX, run.fromDelta - this.#baseDelta);
    copy.toDelta = Math.min(INT32_MAX, run.toDelta - this.#baseDelta);
    copy.at = start + this.#at;
    copy.end = start + windowEnd;
    copy.left = this.#left;
    const count = routePlainRecords(copy, run);
    if (count === 0) return 0;
    this.#at = copy.at - start;
    this.#left = copy.left;
    this.offsetDelta = this.#baseDelta + copy.delta;
    return count;
  }

  /** Ensures that the window holds the next records. Returns the address of the segment's byte 0. */
  #window(): number {
    const isCovered =
      windowOf === this.#bytes &&
      this.#at >= windowStart &&
      (windowEnd === this.#end || this.#at + WINDOW_AHEAD_BYTES <= windowEnd);
    if (!isCovered) {
      windowOf = this.#bytes;
      windowStart = this.#at;
      windowEnd = Math.min(this.#end, windowStart + WINDOW_BYTES);
      window.set(this.#bytes.subarray(windowStart, windowEnd));
    }
    return window.byteOffset - windowStart;
  }

  /** Throws INTERNAL if the cursor or its batch was released: its memory may hold another batch. */
  #enterSegment(): boolean {
    if (this.#isReleased) throw new TidemarkError('INTERNAL', 'A cursor is moved that was released.');
    if (this.#at !== this.#end) this.#fail();
    this.#unpacked?.giveBack();
    this.#unpacked = undefined;
    const segment = this.#segments.value[this.#nextSegment];
    if (segment === undefined) return false;
    const unpacked = segment.unpack?.();
    this.#unpacked = unpacked;
    this.#nextSegment += 1;
    this.#bytes = unpacked?.value ?? segment.bytes;
    this.keyBytes = this.#bytes;
    this.valueBytes = this.#bytes;
    this.#at = unpacked === undefined ? segment.start : 0;
    this.#end = unpacked === undefined ? segment.end : this.#bytes.length;
    this.#left = segment.count;
    this.#baseDelta = segment.baseDelta;
    this.#lastDelta = segment.lastDelta;
    this.#firstTimestampMs = segment.firstTimestampMs;
    this.#appendTimestampMs = segment.appendTimestampMs;
    return true;
  }

  /**
   * Record: length, attributes, timestamp delta, offset delta, key, value, headers (skipped by the length).
   */
  #read(): void {
    const length = this.#varint();
    const end = this.#at + length;
    if (length < 0 || end > this.#end) this.#fail();
    this.#at += 1; // attributes: unused
    const timestampDelta = this.#varlong();
    this.timestampMs = this.#appendTimestampMs ?? this.#firstTimestampMs + timestampDelta;
    const offsetDelta = this.#baseDelta + this.#varint();
    const keyLength = this.#varint();
    this.keyStart = keyLength < 0 ? -1 : this.#at;
    if (keyLength > 0) this.#at += keyLength;
    this.keyEnd = keyLength < 0 ? -1 : this.#at;
    const valueLength = this.#varint();
    this.valueStart = valueLength < 0 ? -1 : this.#at;
    if (valueLength > 0) this.#at += valueLength;
    this.valueEnd = valueLength < 0 ? -1 : this.#at;
    if (this.#at >= end) this.#fail(); // The number of headers takes at least one byte.
    this.#at = end;
    this.offsetDelta = offsetDelta;
  }

  /** A zigzag number of at most 32 bits. */
  #varint(): number {
    const bytes = this.#bytes;
    let byte = bytes[this.#at++] ?? this.#fail();
    let value = byte & 0x7f;
    for (let shift = 7; byte >= 0x80; shift += 7) {
      byte = bytes[this.#at++] ?? this.#fail();
      value |= (byte & 0x7f) << shift;
      if (shift > 28) this.#fail();
    }
    return (value >>> 1) ^ -(value & 1);
  }

  /** A zigzag number of at most 64 bits; beyond 2^53 it is rounded. */
  #varlong(): number {
    const bytes = this.#bytes;
    let byte = bytes[this.#at++] ?? this.#fail();
    let value = byte & 0x7f;
    for (let factor = 128; byte >= 0x80; factor *= 128) {
      byte = bytes[this.#at++] ?? this.#fail();
      value += (byte & 0x7f) * factor;
      if (factor > 2 ** 63) this.#fail();
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  #fail(): never {
    throw damagedRecord(this, this.#lastDelta);
  }
}

/**
 * The record after the current one does not end where it should, or the batch holds more than it announces.
 * The rest of the batch, up to `lastDelta`, cannot be read.
 */
export function damagedRecord(
  { baseOffset, offsetDelta }: Pick<RecordCursor, 'baseOffset' | 'offsetDelta'>,
  lastDelta: number,
  cause?: unknown,
): TidemarkError {
  const fromOffset = baseOffset + BigInt(Math.max(-1, offsetDelta) + 1);
  const toOffset = baseOffset + BigInt(lastDelta) + 1n;
  return new TidemarkError(
    'KAFKA_BATCH_CORRUPT',
    `What is behind offset ${(fromOffset - 1n).toString()} is damaged: a record's length and its batch's ` +
      'do not fit together.',
    {
      fields: { baseOffset, offsetDelta, fromOffset, ...(toOffset > fromOffset ? { toOffset } : {}) },
      ...(cause === undefined ? {} : { cause }),
    },
  );
}
