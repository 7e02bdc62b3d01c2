/** What every cursor over a fetched batch does: it goes from segment to segment, and holds one record. */
import { SourceFailure } from '../../failure.ts';
import { TidemarkError } from '../../../../journal/errors.ts';
import type { Lent } from '../../../system/lentMemory.ts';
import type { RecordCursor } from '../../port.ts';

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

export const NO_BYTES = Buffer.alloc(0);

export abstract class SegmentCursor implements RecordCursor {
  readonly baseOffset: bigint;
  offsetDelta = -1;
  timestampMs = 0;
  keyBytes: Buffer = NO_BYTES;
  keyStart = -1;
  keyEnd = -1;
  valueBytes: Buffer = NO_BYTES;
  valueStart = -1;
  valueEnd = -1;
  headersBytes: Buffer | undefined = undefined;
  headersStart = -1;
  headersEnd = -1;

  /** Records of the current segment that are not read yet. */
  protected left = 0;
  readonly #segments: Lent<readonly RecordSegment[]>;
  #nextSegment = 0;
  #unpacked: Lent<Buffer> | undefined;
  #isReleased = false;
  #lastDelta = 0;

  /**
   * Skips records below `baseOffset`.
   * @param segments given back when the batch is released.
   */
  constructor(baseOffset: bigint, segments: Lent<readonly RecordSegment[]>) {
    this.baseOffset = baseOffset;
    this.#segments = segments;
  }

  /** Starts with the records in bytes[start, end): those of the segment, unpacked. */
  protected abstract enter(segment: RecordSegment, bytes: Buffer, start: number, end: number): void;

  /** Whether every byte of the current segment is read. */
  protected abstract isAtEnd(): boolean;

  /** Reads the next record of the segment into the fields. */
  protected abstract read(): void;

  next(): boolean {
    do {
      while (this.left === 0) {
        if (!this.#enterSegment()) return false;
      }
      this.left -= 1;
      this.read();
    } while (this.offsetDelta < 0);
    return true;
  }

  release(): void {
    this.#giveBack();
    this.#isReleased = true;
    this.left = 0;
  }

  #giveBack(): void {
    this.#unpacked?.giveBack();
    this.#unpacked = undefined;
  }

  /** Throws INTERNAL if the cursor or its batch was released: its memory may hold another batch. */
  #enterSegment(): boolean {
    if (this.#isReleased) throw new TidemarkError('INTERNAL', 'A cursor is moved that was released.');
    if (!this.isAtEnd()) this.damaged();
    this.#giveBack();
    const segment = this.#segments.value[this.#nextSegment];
    if (segment === undefined) return false;
    const unpacked = segment.unpack?.();
    this.#unpacked = unpacked;
    this.#nextSegment += 1;
    if (unpacked === undefined) this.enter(segment, segment.bytes, segment.start, segment.end);
    else this.enter(segment, unpacked.value, 0, unpacked.value.length);
    this.left = segment.count;
    this.#lastDelta = segment.lastDelta;
    return true;
  }

  /**
   * The record after the current one does not end where it should, or the batch holds more than it announces.
   * The rest of the batch cannot be read.
   */
  protected damaged(cause?: unknown): never {
    const { baseOffset, offsetDelta } = this;
    const fromOffset = baseOffset + BigInt(Math.max(-1, offsetDelta) + 1);
    const toOffset = baseOffset + BigInt(this.#lastDelta) + 1n;
    throw new SourceFailure(
      'batchCorrupt',
      `What is behind offset ${(fromOffset - 1n).toString()} is damaged: a record's length and its batch's ` +
        'do not fit together.',
      {
        fields: { baseOffset, offsetDelta },
        affected: { fromOffset, toOffset: toOffset > fromOffset ? toOffset : null },
        cause,
      },
    );
  }
}
