/**
 * What takes the lines of one part file: its write buffer, the CRC of what has left it, and the counts of
 * both. Values are copied once, into the buffer; a full one goes to the file while the next one fills.
 *
 * `append` is the reference; kernels/lines.ts appends lines in bulk, through the fill state. How far it may
 * fill a buffer is decided in `#kernelLimit` alone.
 */
import type { DurableFacts } from '../../actors/facts.ts';
import { TidemarkError } from '../../journal/errors.ts';
import { Crc64 } from '../../kernels/crc64.ts';
import { FillState, NEWLINE, VECTOR_BYTES } from '../../kernels/routeTable.ts';
import { BUFFER_BYTES_FIRST } from '../system/memoryBudget.ts';
import type { FileCalls } from './fileCalls.ts';
import type { RunStats } from './stats.ts';
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
  readonly buffers: WriteBuffers;
  readonly stats: RunStats;
  readonly nowMs: number;
  /** What the file already holds; null for a new one. */
  readonly durable: DurableFacts | null;
}

export class LineBuffer implements Gatherer {
  /** Length of the file at which it rolls. */
  rollsAtBytes = 0;
  readonly #options: LineBufferOptions;
  readonly #crc: Crc64;
  /** The buffer that fills, and its bytes; without one it has none. */
  #buffer: TakenBuffer | null = null;
  #bytes: Buffer = NO_BYTES;
  /** Full buffers before it that are not yet being written. */
  #gathered: TakenBuffer[] = [];
  #gatheredBytes = 0;
  #nextBytes = BUFFER_BYTES_FIRST;
  /** The buffer as the kernel sees it; the kernel fills it as well. */
  readonly #fill = new FillState();
  /** Bytes and records that left the buffer before those that the fill state counts. */
  #lengthBefore = 0;
  #recordsBefore = 0;
  #lastBase = 0n;
  #lastDelta = 0;
  #isEnded = false;

  constructor(options: LineBufferOptions) {
    this.#options = options;
    this.#fill.lastWriteAtMs = options.nowMs;
    this.#crc = this.#goOnFrom(options.durable);
  }

  #goOnFrom(durable: DurableFacts | null): Crc64 {
    if (durable === null) return new Crc64();
    this.#lengthBefore = durable.length;
    this.#recordsBefore = durable.records;
    this.#lastBase = durable.lastOffset;
    return Crc64.from(durable.crc64);
  }

  /** Of the file: what is in the buffer and all before. */
  get lengthBytes(): number {
    return this.#lengthBefore + this.#fill.filled;
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

  /** Of all that was flushed. */
  get crc64(): DurableFacts['crc64'] {
    return this.#crc.hex();
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
   * many, full buffers are gathered.
   */
  #renew(): void {
    // After the end there is no buffer, so that every record comes here.
    const { buffers, calls, stats } = this.#options;
    if (this.#isEnded)
      throw new TidemarkError('INTERNAL', `A record came for ${calls.uri}, which takes no more.`);
    const isGathering = buffers.isForGathering(stats.openFiles);
    if (this.#buffer !== null) {
      this.#nextBytes = Math.min(this.#bytes.length * 4, BUFFER_BYTES_MAX);
      if (isGathering && this.#gatheredBytes + this.#bytes.length < GATHERED_BYTES_MAX)
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

  /**
   * How far the kernel may fill the buffer: its last line is copied in whole vectors, and the record that
   * makes the file roll is left to the router, which decides that.
   */
  #kernelLimit(): number {
    return Math.min(this.#bytes.length - VECTOR_BYTES + 1, this.rollsAtBytes - 1 - this.#lengthBefore);
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

  /** Starts writing all that was appended; gathered buffers are written as one if there is room for that. */
  flush(): void {
    const filled = this.#fill.filled;
    const last = filled > 0 ? this.#buffer : null;
    const gatheredBytes = this.#gatheredBytes;
    const gathered = this.#takeGathered();
    if (last !== null) this.#leaveBuffer();
    const one = gathered.length > 0 ? this.#options.buffers.takeFor(gatheredBytes + filled) : null;
    if (one === null) {
      for (const buffer of gathered) this.#write(buffer, buffer.value.length);
      if (last !== null) this.#write(last, filled);
      return;
    }
    let at = 0;
    for (const buffer of gathered) {
      at += buffer.value.copy(one.value, at);
      buffer.giveBack();
    }
    last?.value.copy(one.value, at, 0, filled);
    last?.giveBack();
    this.#write(one, gatheredBytes + filled);
  }

  #write(buffer: TakenBuffer, length: number): void {
    this.#crc.update(buffer.value, 0, length);
    this.#options.calls.write(buffer, length);
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
