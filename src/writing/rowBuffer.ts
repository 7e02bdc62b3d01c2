/**
 * What takes the rows of one part file, and the log of them in the rows file beside it. Rows are in memory
 * until their group ends; as of each checkpoint they are in the rows file too.
 *
 * A group is encoded when the file's calls before it have ended, one piece after the other. Nothing is
 * appended meanwhile: a record for this file waits (`takesNone`).
 */
import type { DurableFacts } from '../../actors/facts.ts';
import type { FillLimits } from '../../actors/rolling/rule.ts';
import { TidemarkError } from '../../journal/errors.ts';
import { Crc64 } from '../../kernels/crc64.ts';
import type { BadReason } from '../formats/format.ts';
import type { RowEncoder } from '../formats/rows.ts';
import type { RecordCursor } from '../sources/port.ts';
import type { DurablePart, OpenFile } from '../stores/port.ts';
import type { FileCalls } from './fileCalls.ts';
import { rowsHandle, type RowsDurable } from './rowsHandle.ts';
import type { WriteBuffers } from './writeBuffers.ts';

/** The length of the file is estimated again after this share of what rolls it, and of this many bytes. */
const LOOKS_PER_FILE = 32;
const LOOK_BYTES_MAX = 256 * 1024;
/** What a record takes besides its key and value, about. */
const RECORD_BYTES = 16;

export interface RowBufferOptions {
  readonly calls: FileCalls;
  readonly encoder: RowEncoder;
  /** The rows file, new. */
  readonly scratch: OpenFile;
  readonly buffers: WriteBuffers;
  readonly nowMs: number;
  /** What the file already holds, with the rows that the encoder has; null for a new one. */
  readonly durable: DurableFacts | null;
}

export class RowBuffer {
  readonly type = 'rows';
  lastWriteAtMs: number;
  readonly #options: RowBufferOptions;
  readonly #crc = new Crc64();
  #scratchLength = 0;
  #records: number;
  #lastBase: bigint;
  #lastDelta = 0;
  /** Estimates, as of the last look. */
  #lengthBytes = 0;
  #heldBytes = 0;
  #bytesSinceLook = 0;
  #lookBytes = LOOK_BYTES_MAX;
  #isGroupEnding = false;
  /** Its file can be written no more: the epoch ends. */
  #hasFailed = false;
  #isEnded = false;
  /** Its rows are written, or worthless. */
  #isReleased = false;

  constructor(options: RowBufferOptions) {
    const { durable, nowMs } = options;
    this.#options = options;
    this.lastWriteAtMs = nowMs;
    this.#records = durable?.records ?? 0;
    this.#lastBase = durable?.lastOffset ?? 0n;
    this.#look();
  }

  /** The router decides, after each record. */
  isFullAt({ bytes }: FillLimits): void {
    this.#lookBytes = Math.min(LOOK_BYTES_MAX, Math.max(1, Math.floor(bytes / LOOKS_PER_FILE)));
  }

  /** Of the file, if it ended now; an estimate. */
  get lengthBytes(): number {
    return this.#lengthBytes;
  }

  get records(): number {
    return this.#records;
  }

  get lastOffset(): bigint {
    return this.#lastBase + BigInt(this.#lastDelta);
  }

  /** Memory of its encoder; an estimate. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Whether it takes no row now: nothing is appended while a group ends. */
  get takesNone(): boolean {
    return this.#isGroupEnding;
  }

  /** Appends the record at base + delta, or returns why it cannot be a row. Throws INTERNAL after the end. */
  append(record: RecordCursor, base: bigint, delta: number): BadReason | null {
    const { encoder, calls } = this.#options;
    if (this.#isEnded || this.#isGroupEnding)
      throw new TidemarkError('INTERNAL', `A record came for ${calls.uri}, which takes none now.`);
    const bad = encoder.append(record);
    if (bad !== null) return bad;
    this.#records += 1;
    this.#lastBase = base;
    this.#lastDelta = delta;
    this.#bytesSinceLook +=
      RECORD_BYTES + record.valueEnd - record.valueStart + record.keyEnd - record.keyStart;
    if (encoder.isFull) this.endGroup();
    else if (this.#bytesSinceLook >= this.#lookBytes) this.#look();
    return null;
  }

  /**
   * Starts writing the rows in memory as a group of their own, which frees their memory. False if that frees
   * none: there are no rows, or they cannot be written.
   */
  endGroup(): boolean {
    const { calls, encoder } = this.#options;
    if (this.#isGroupEnding) return true;
    if (encoder.rowsHeld === 0 || this.#hasFailed) return false;
    this.#isGroupEnding = true;
    const ended = (hasFailed: boolean): void => {
      this.#isGroupEnding = false;
      this.#hasFailed = hasFailed;
      this.#look();
    };
    // What waits for its turn finds the group ended: this comes first.
    calls
      .writeAll(() => encoder.endGroupBeside())
      .then(
        () => ended(false),
        () => ended(true),
      );
    return true;
  }

  #look(): void {
    const { encoder, buffers } = this.#options;
    this.#bytesSinceLook = 0;
    this.#lengthBytes = encoder.estimatedBytes;
    const held = this.#isReleased ? 0 : encoder.memoryBytes;
    buffers.rowBytes += held - this.#heldBytes;
    this.#heldBytes = held;
  }

  /** Makes the rows so far durable: groups in the file, all others in the rows file. */
  persist(): Promise<DurablePart> {
    const { calls, encoder } = this.#options;
    // Of this moment: more may be appended before their turn comes. While a group ends, all rows are in it.
    const logged = this.#isGroupEnding ? null : [encoder.loggedGroups(), encoder.loggedRows()];
    return calls.persistWith(async (persistFile) => {
      const durable = await this.#persistLog(logged ?? [encoder.loggedGroups()]);
      const file = await persistFile();
      return { ...file, handle: rowsHandle(file.handle, durable) };
    });
  }

  async #persistLog(pieces: readonly (Uint8Array | null)[]): Promise<RowsDurable> {
    const { scratch } = this.#options;
    for (const piece of pieces) {
      if (piece === null || piece.length === 0) continue;
      await scratch.write(piece);
      this.#crc.update(piece);
      this.#scratchLength += piece.length;
    }
    await scratch.persist();
    return { length: this.#scratchLength, crc64: this.#crc.hex() };
  }

  /** It takes no more. Ends the file, makes it durable and releases it; the rows file stays. */
  close(): Promise<DurablePart> {
    const { calls, encoder, scratch } = this.#options;
    this.#isEnded = true;
    void calls.writeAll(() => endOf(encoder));
    const closed = calls.close();
    const release = (): void => {
      this.#isReleased = true;
      this.#look();
    };
    const done = closed.then(async (durable) => {
      release();
      await scratch.abandon();
      return durable;
    });
    // Nobody may ask: a failure has gone to the latch.
    done.catch(() => undefined);
    return done;
  }

  /** It takes no more; what is in no checkpoint is worthless. */
  end(): void {
    this.#isEnded = true;
    this.#isReleased = true;
    this.#look();
  }

  /** Releases the rows file as it is. */
  abandon(): Promise<void> {
    return this.#options.scratch.abandon();
  }
}

/** The rows that are in no group, and the footer. */
function endOf(encoder: RowEncoder): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
  const group = encoder.endGroupBeside();
  return Symbol.asyncIterator in group ? endLater(group, encoder) : endNow(group, encoder);
}

function* endNow(group: Iterable<Uint8Array>, encoder: RowEncoder): Generator<Uint8Array> {
  yield* group;
  yield encoder.footer();
}

async function* endLater(group: AsyncIterable<Uint8Array>, encoder: RowEncoder): AsyncGenerator<Uint8Array> {
  yield* group;
  yield encoder.footer();
}
