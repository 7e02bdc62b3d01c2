/** The cursor over the bytes of unpacked record batches. Nothing is allocated per record. */
import { reserve } from '../../../../kernels/memory.ts';
import type { RouteRun } from '../../../../kernels/lines.ts';
import { routePlainRecords, READ_MARGIN_BYTES, type RecordRun } from '../../../../kernels/lines.ts';
import { NO_BYTES, SegmentCursor, type RecordSegment } from './segmentCursor.ts';

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

export class BatchCursor extends SegmentCursor {
  #bytes: Buffer = NO_BYTES;
  #at = 0;
  #end = 0;
  #baseDelta = 0;
  #firstTimestampMs = 0;
  #appendTimestampMs: number | null = null;

  routeRecords(run: RouteRun): number {
    const appendedMs = this.#appendTimestampMs;
    const firstMs = appendedMs ?? this.#firstTimestampMs;
    if (this.left === 0 || Math.abs(firstMs) > EXACT_TIME_MS_MAX) return 0;
    const start = this.#window();
    copy.firstOffset = this.baseOffset + BigInt(this.#baseDelta);
    copy.firstMs = firstMs;
    copy.hasTimes = appendedMs === null;
    copy.fromDelta = Math.max(-INT32_MAX, run.fromDelta - this.#baseDelta);
    copy.toDelta = Math.min(INT32_MAX, run.toDelta - this.#baseDelta);
    copy.at = start + this.#at;
    copy.end = start + windowEnd;
    copy.left = this.left;
    const count = routePlainRecords(copy, run);
    if (count === 0) return 0;
    this.#at = copy.at - start;
    this.left = copy.left;
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

  protected enter(segment: RecordSegment, bytes: Buffer, start: number, end: number): void {
    this.#bytes = bytes;
    this.keyBytes = bytes;
    this.valueBytes = bytes;
    this.#at = start;
    this.#end = end;
    this.#baseDelta = segment.baseDelta;
    this.#firstTimestampMs = segment.firstTimestampMs;
    this.#appendTimestampMs = segment.appendTimestampMs;
  }

  protected isAtEnd(): boolean {
    return this.#at === this.#end;
  }

  /**
   * Record: length, attributes, timestamp delta, offset delta, key, value, headers (up to the length's end).
   */
  protected read(): void {
    const length = this.#varint();
    const end = this.#at + length;
    if (length < 0 || end > this.#end) this.damaged();
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
    if (this.#at >= end) this.damaged(); // The number of headers takes at least one byte.
    this.headersStart = this.#at;
    this.headersEnd = end;
    this.#at = end;
    this.offsetDelta = offsetDelta;
  }

  /** A zigzag number of at most 32 bits. */
  #varint(): number {
    const bytes = this.#bytes;
    let byte = bytes[this.#at++] ?? this.damaged();
    let value = byte & 0x7f;
    for (let shift = 7; byte >= 0x80; shift += 7) {
      byte = bytes[this.#at++] ?? this.damaged();
      value |= (byte & 0x7f) << shift;
      if (shift > 28) this.damaged();
    }
    return (value >>> 1) ^ -(value & 1);
  }

  /** A zigzag number of at most 64 bits; beyond 2^53 it is rounded. */
  #varlong(): number {
    const bytes = this.#bytes;
    let byte = bytes[this.#at++] ?? this.damaged();
    let value = byte & 0x7f;
    for (let factor = 128; byte >= 0x80; factor *= 128) {
      byte = bytes[this.#at++] ?? this.damaged();
      value += (byte & 0x7f) * factor;
      if (factor > 2 ** 63) this.damaged();
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}
