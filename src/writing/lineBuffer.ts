/**
 * What takes the lines of one part file: its write buffer, and the counts of what is in it and has left it.
 * Values are copied once, into the buffer; a full one goes to the file while the next one fills.
 *
 * `append` is the reference; kernels/lines.ts appends lines in bulk, through the fill state. How far it may
 * fill a buffer is decided in `#kernelLimit` and `isFullAt` alone.
 */
import type { DurableFacts } from '../../actors/facts.ts';
import type { FillLimits } from '../../actors/rolling/rule.ts';
import { TidemarkError } from '../../journal/errors.ts';
import { FillState, NEWLINE, VECTOR_BYTES } from '../../kernels/routeTable.ts';
import type { DurablePart } from '../stores/port.ts';
import { BUFFER_BYTES_FIRST } from '../system/memoryBudget.ts';
import type { FileCalls, Piece } from './fileCalls.ts';
import type { RunStats } from './runStats.ts';
import {
  BUFFER_BYTES_MAX,
  GATHERED_BYTES_MAX,
  type Gatherer,
  type TakenBuffer,
  type WriteBuffers,
} from './writeBuffers.ts';

const NO_BYTES = Buffer.alloc(0);
const NO_BUFFERS: readonly TakenBuffer[] = [];

export interface LineBufferOptions {
  readonly calls: FileCalls;
  /** Whether what is flushed at once becomes one compressed frame. */
  readonly isCompressed: boolean;
  readonly buffers: WriteBuffers;
  readonly stats: RunStats;
  readonly nowMs: number;
  /** What the file already holds; null for a new one. */
  readonly durable: DurableFacts | null;
}

export class LineBuffer implements Gatherer {
  readonly type = 'lines';
  readonly takesNone = false;
  readonly #options: LineBufferOptions;
  /** The buffer that fills, and its bytes; without one it has none. */
  #buffer: TakenBuffer | null = null;
  #bytes: Buffer = NO_BYTES;
  /** Full buffers before it that are not yet being written. */
  #gathered: TakenBuffer[] = [];
  #gatheredBytes = 0;
  #nextBytes = BUFFER_BYTES_FIRST;
  /** The buffer as the kernel sees it; the kernel fills it as well. */
  readonly #fill = new FillState();
  /** Bytes and records that left the buffer before those that the fill state counts; not compressed. */
  #lengthBefore = 0;
  #recordsBefore = 0;
  #lastBase = 0n;
  #lastDelta = 0;
  #fullAtBytes = 0;
  #isEnded = false;

  constructor(options: LineBufferOptions) {
    this.#options = options;
    this.#fill.lastWriteAtMs = options.nowMs;
    const { durable, isCompressed } = options;
    if (durable === null) return;
    if (!isCompressed) this.#lengthBefore = durable.length;
    this.#recordsBefore = durable.records;
    this.#lastBase = durable.lastOffset;
  }

  /** Set it before the first record. */
  isFullAt({ bytes, records }: FillLimits): void {
    this.#fullAtBytes = bytes;
    // As with the length: the record that makes the file roll is left to the router.
    this.#fill.limitRecords(records - 1 - this.#recordsBefore);
  }

  /** Of the file: what is in the buffer and all before. An estimate if it is compressed. */
  get lengthBytes(): number {
    const lengthBytes = this.#lengthBefore + this.#fill.filled;
    const { calls, isCompressed } = this.#options;
    return isCompressed ? calls.lengthWith(lengthBytes) : lengthBytes;
  }

  get records(): number {
    return this.#recordsBefore + this.#fill.records;
  }

  get lastOffset(): bigint {
    return this.#fill.lastOffset ?? this.#lastBase + BigInt(this.#lastDelta);
  }

  /** 0 after the end. */
  get lastWriteAtMs(): number {
    return this.#fill.lastWriteAtMs;
  }

  set lastWriteAtMs(ms: number) {
    this.#fill.lastWriteAtMs = ms;
  }

  /** Routes may lead to it until the end. */
  get fill(): FillState {
    return this.#fill;
  }

  /** Memory of what is not yet handed to the file. */
  get heldBytes(): number {
    return this.#bytes.length + this.#gatheredBytes;
  }

  get fullBuffers(): number {
    return this.#gathered.length;
  }

  /** Appends bytes[start, end) and a newline as the record at base + delta. Throws INTERNAL after the end. */
  append(bytes: Buffer, start: number, end: number, base: bigint, delta: number): void {
    const before = this.#fill.filled;
    const filled = before + (end - start) + 1;
    if (filled <= this.#bytes.length) {
      bytes.copy(this.#bytes, before, start, end);
      this.#bytes[filled - 1] = NEWLINE;
      this.#fill.wrote(filled);
    } else this.#appendAcross(bytes, start, end);
    this.#lastBase = base;
    this.#lastDelta = delta;
  }

  #appendAcross(bytes: Buffer, start: number, end: number): void {
    const fill = this.#fill;
    for (let at = start; at < end;) {
      if (fill.filled === this.#bytes.length) this.#renew();
      const copied = bytes.copy(this.#bytes, fill.filled, at, end);
      at += copied;
      fill.fill(fill.filled + copied);
    }
    if (fill.filled === this.#bytes.length) this.#renew();
    this.#bytes[fill.filled] = NEWLINE;
    fill.wrote(fill.filled + 1);
  }

  /**
   * Takes the next buffer. With few files, each full buffer makes the next one larger, up to a limit; with
   * many, full buffers are gathered, as they are for a compressed frame.
   */
  #renew(): void {
    // After the end there is no buffer, so that every record comes here.
    const { buffers, calls, stats } = this.#options;
    if (this.#isEnded)
      throw new TidemarkError('INTERNAL', `A record came for ${calls.uri}, which takes no more.`);
    const isGathering = buffers.isForGathering(stats.openFiles);
    if (this.#buffer !== null) {
      this.#nextBytes = Math.min(this.#bytes.length * 4, BUFFER_BYTES_MAX);
      if (this.#gatheredBytes + this.#bytes.length < this.#gatherMost(isGathering))
        this.#gather(this.#buffer);
      else this.flush();
    }
    if (isGathering) {
      this.#nextBytes = BUFFER_BYTES_FIRST;
      buffers.makeRoom();
    }
    this.#buffer = buffers.take(this.#nextBytes, stats.openFiles);
    this.#bytes = this.#buffer.value;
    this.#fill.turnTo(this.#bytes.byteOffset, buffers.isInArea(this.#bytes) ? this.#kernelLimit() : 0);
  }

  #gatherMost(isGathering: boolean): number {
    const { isCompressed, buffers, stats } = this.#options;
    if (isCompressed) return buffers.frameBytes(stats.openFiles);
    return isGathering ? GATHERED_BYTES_MAX : 0;
  }

  /**
   * How far the kernel may fill the buffer: its last line is copied in whole vectors, and the record that
   * makes the file roll is left to the router, which decides that. The length of a compressed file is known
   * only when a buffer has left.
   */
  #kernelLimit(): number {
    if (this.#options.isCompressed) return this.#bytes.length - VECTOR_BYTES + 1;
    return Math.min(this.#bytes.length - VECTOR_BYTES + 1, this.#fullAtBytes - 1 - this.#lengthBefore);
  }

  #gather(full: TakenBuffer): void {
    this.#gathered.push(full);
    this.#gatheredBytes += this.#bytes.length;
    this.#leaveBuffer();
    this.#options.buffers.gathered(this, this.#gathered.length - 1);
  }

  #takeGathered(): readonly TakenBuffer[] {
    const gathered = this.#gathered;
    if (gathered.length === 0) return NO_BUFFERS;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    this.#options.buffers.gathered(this, gathered.length);
    return gathered;
  }

  #leaveBuffer(): void {
    this.#lengthBefore += this.#fill.filled;
    this.#buffer = null;
    this.#bytes = NO_BYTES;
    this.#fill.turnTo(0, 0);
  }

  /**
   * Starts writing all that was appended: as one frame if it is compressed, else as one piece if there is
   * room for that.
   */
  flush(): void {
    const filled = this.#fill.filled;
    const last = filled > 0 ? this.#buffer : null;
    const gatheredBytes = this.#gatheredBytes;
    const gathered = this.#takeGathered();
    if (last !== null) this.#leaveBuffer();
    const pieces: Piece[] = gathered.map((buffer) => ({ buffer, length: buffer.value.length }));
    if (last !== null) pieces.push({ buffer: last, length: filled });
    if (pieces.length === 0) return;
    const { calls, buffers, isCompressed } = this.#options;
    const one = isCompressed || gathered.length === 0 ? null : buffers.takeFor(gatheredBytes + filled);
    if (one === null) {
      calls.write(pieces);
      return;
    }
    let at = 0;
    for (const { buffer, length } of pieces) {
      at += buffer.value.copy(one.value, at, 0, length);
      buffer.giveBack();
    }
    calls.write([{ buffer: one, length: at }]);
  }

  /** Makes everything appended so far durable. */
  persist(): Promise<DurablePart> {
    this.flush();
    return this.#options.calls.persist();
  }

  /** It takes no more records. Makes all of them durable and releases the file. */
  close(): Promise<DurablePart> {
    this.flush();
    this.end();
    return this.#options.calls.close();
  }

  /** It takes no more records. No route may lead to its fill state. What was not flushed is dropped. */
  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#recordsBefore = this.records;
    this.#lastBase = this.lastOffset;
    this.#lastDelta = 0;
    this.#buffer?.giveBack();
    for (const buffer of this.#takeGathered()) buffer.giveBack();
    this.#leaveBuffer();
    this.#fill.free();
  }
}
