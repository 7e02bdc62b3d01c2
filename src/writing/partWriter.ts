/**
 * One part file that takes records: a write buffer, its running CRC and the queue of calls to its file.
 * Values are copied once, into the buffer; full buffers go to the file while the next one fills.
 */
import { Crc64 } from '../../kernels/crc64.ts';
import type { DurableFacts, RollFacts } from '../../actors/facts.ts';
import type { RollableFile } from '../../actors/rolling/rule.ts';
import type { RollReason } from '../../journal/events.ts';
import { TidemarkError } from '../../journal/errors.ts';
import type { PartId } from '../../journal/ids.ts';
import { FillState, VECTOR_BYTES } from '../../kernels/routeTable.ts';
import { isStoreFailure, StoreFailure } from '../stores/failure.ts';
import type { OpenFile, PartTarget, StoreHandle } from '../stores/port.ts';
import type { FailureLatch } from '../system/concurrency.ts';
import type { RunStats } from './stats.ts';
import { BUFFER_BYTES_MAX, GATHERED_BYTES_MAX, type Gatherer, type WriteBuffers } from './writeBuffers.ts';
import { BUFFER_BYTES_FIRST } from '../system/memoryBudget.ts';

const NEWLINE = 10;
/** Bytes a single file may lag behind before the router waits for it. */
const BACKLOG_BYTES_MAX = 1024 * 1024;
const NO_BUFFER = Buffer.alloc(0);
const NO_BUFFERS: readonly Buffer[] = [];
/** Fill state of every file that takes no more records. */
const NO_FILL = new FillState();

/** What a cut copies of one file: a record boundary and everything known there. */
export type PartCut = Omit<DurableFacts, 'handle'> & {
  readonly writer: PartWriter;
  readonly roll: RollFacts | null;
  /** Resolves when all of it is durable, which needs nothing after it. */
  readonly handle: Promise<StoreHandle>;
};

/** What an earlier epoch has made durable in a file that continues. */
export interface Inherited {
  readonly durable: DurableFacts;
  /** Time since it was opened. */
  readonly ageMs: number;
}

export interface PartWriterOptions {
  readonly partId: PartId;
  readonly bucket: string;
  readonly target: PartTarget;
  readonly file: OpenFile;
  readonly firstOffset: bigint;
  readonly nowMs: number;
  /** Null for a new file. */
  readonly inherited?: Inherited | null;
  readonly stats: RunStats;
  readonly latch: FailureLatch;
  readonly buffers: WriteBuffers;
}

export class PartWriter implements RollableFile, Gatherer {
  readonly partId: PartId;
  readonly bucket: string;
  readonly openedAtMs: number;
  /** Time slots whose records are routed to this file. */
  readonly slots: number[] = [];
  /**
   * Size at which the file rolls. The kernel stops one byte short, so that the roll decision stays in
   * TypeScript.
   */
  rollsAtBytes = 0;
  roll: RollFacts | null = null;
  /**
   * A checkpoint that names it was sent to the journal: it may be checkpointed without anybody learning of
   * it.
   */
  isOffered: boolean;
  /** Length in the last completed checkpoint. */
  checkpointedBytes = 0;
  readonly #options: PartWriterOptions;
  readonly #crc: Crc64;
  /** Bytes handed to the file but not yet written. */
  backlogBytes = 0;
  #buffer = NO_BUFFER;
  /** Full buffers before it that are not yet being written. */
  #gathered: Buffer[] = [];
  #gatheredBytes = 0;
  #nextBufferBytes = BUFFER_BYTES_FIRST;
  /** Buffers of failed writes: they may still be read until the file is released. */
  readonly #failedBuffers: Buffer[] = [];
  /** The buffer as the kernel sees it; the kernel fills it as well. */
  #fill = new FillState();
  /** Bytes and records that left the buffer before those that the fill state counts. */
  #lengthBefore = 0;
  #recordsBefore = 0;
  #lastBase = 0n;
  #lastDelta = 0;
  #queue: Promise<unknown> = Promise.resolve();
  #closed: Promise<StoreHandle> | null = null;
  #isHeld = true;

  constructor(options: PartWriterOptions) {
    this.#options = options;
    this.partId = options.partId;
    this.bucket = options.bucket;
    this.openedAtMs = options.nowMs - (options.inherited?.ageMs ?? 0);
    this.isOffered = (options.inherited ?? null) !== null;
    this.#fill.lastWriteAtMs = options.nowMs;
    this.#crc = this.#goOnFrom(options.inherited?.durable ?? null);
    options.stats.openFiles += 1;
    options.stats.heldFiles += 1;
  }

  #goOnFrom(durable: DurableFacts | null): Crc64 {
    if (durable === null) return new Crc64();
    this.#lengthBefore = durable.length;
    this.#recordsBefore = durable.records;
    this.#lastBase = durable.lastOffset;
    // No checkpoint has named it by its new name: the first one does, whether it has grown or not.
    this.checkpointedBytes = -1;
    return Crc64.from(durable.crc64);
  }

  get temporaryUri(): string {
    return this.#options.target.temporaryUri;
  }

  get lengthBytes(): number {
    return this.#lengthBefore + this.#fill.filled;
  }

  get records(): number {
    return this.#recordsBefore + this.#fill.records;
  }

  get lastWriteAtMs(): number {
    return this.#fill.lastWriteAtMs;
  }

  set lastWriteAtMs(ms: number) {
    this.#fill.lastWriteAtMs = ms;
  }

  /** Routes may lead to it until the file is closed. */
  get fill(): FillState {
    return this.#fill;
  }

  /** Appends bytes[start, end) and a newline as the record at base + delta. */
  appendLine(bytes: Buffer, start: number, end: number, base: bigint, delta: number): void {
    const before = this.#fill.filled;
    const filled = before + (end - start) + 1;
    if (filled <= this.#buffer.length) {
      bytes.copy(this.#buffer, before, start, end);
      this.#buffer[filled - 1] = NEWLINE;
      this.#fill.wrote(filled);
    } else this.#appendAcross(bytes, start, end);
    this.#lastBase = base;
    this.#lastDelta = delta;
  }

  #appendAcross(bytes: Buffer, start: number, end: number): void {
    if (this.#closed !== null)
      throw new TidemarkError(
        'INTERNAL',
        `A record came for ${this.#options.target.temporaryUri}, which is closed.`,
      );
    const fill = this.#fill;
    for (let at = start; at < end;) {
      if (fill.filled === this.#buffer.length) this.#renew();
      const copied = bytes.copy(this.#buffer, fill.filled, at, end);
      at += copied;
      fill.fill(fill.filled + copied);
    }
    if (fill.filled === this.#buffer.length) this.#renew();
    this.#buffer[fill.filled] = NEWLINE;
    fill.wrote(fill.filled + 1);
  }

  /** Memory of what it has not written yet. */
  get bufferBytes(): number {
    return this.#buffer.length + this.#gatheredBytes + this.backlogBytes;
  }

  get fullBuffers(): number {
    return this.#gathered.length;
  }

  /** Whether to wait for its writes, so that others find room. */
  get holdsUp(): boolean {
    return this.backlogBytes > BACKLOG_BYTES_MAX || this.#options.buffers.isShort;
  }

  /** Resolves when `holdsUp` may have changed. */
  async caughtUp(): Promise<void> {
    await (this.backlogBytes > 0 ? this.drained() : this.#options.buffers.written());
  }

  /**
   * Takes the next buffer. With few files, each full buffer makes the next one larger, up to a limit; with
   * many, full buffers are gathered.
   */
  #renew(): void {
    const { buffers, stats } = this.#options;
    const isGathering = buffers.isForGathering(stats.openFiles);
    if (this.#buffer.length > 0) {
      this.#nextBufferBytes = Math.min(this.#buffer.length * 4, BUFFER_BYTES_MAX);
      if (isGathering && this.#gatheredBytes + this.#buffer.length < GATHERED_BYTES_MAX) this.#gather();
      else this.flush();
    }
    if (isGathering) {
      this.#nextBufferBytes = BUFFER_BYTES_FIRST;
      buffers.makeRoom();
    }
    this.#buffer = buffers.take(this.#nextBufferBytes, stats.openFiles);
    const room = Math.min(this.#buffer.length - VECTOR_BYTES + 1, this.rollsAtBytes - 1 - this.#lengthBefore);
    this.#fill.turnTo(this.#buffer.byteOffset, buffers.isInArea(this.#buffer) ? room : 0);
  }

  #gather(): void {
    this.#gathered.push(this.#buffer);
    this.#gatheredBytes += this.#buffer.length;
    this.#leaveBuffer();
    this.#options.buffers.gathered(this, this.#gathered.length - 1);
  }

  #leaveBuffer(): void {
    this.#lengthBefore += this.#fill.filled;
    this.#buffer = NO_BUFFER;
    this.#fill.turnTo(0, 0);
  }

  /**
   * Copies the state of the file at this record boundary, and makes exactly that durable before anything that
   * follows.
   */
  cut(): PartCut {
    const handle = this.#persist();
    return {
      writer: this,
      length: this.lengthBytes,
      records: this.records,
      firstOffset: this.#options.firstOffset,
      lastOffset: this.#lastOffset,
      crc64: this.#crc.hex(),
      roll: this.roll,
      handle,
    };
  }

  get #lastOffset(): bigint {
    return this.#fill.lastOffset ?? this.#lastBase + BigInt(this.#lastDelta);
  }

  /** The cut is part of a completed checkpoint. */
  checkpointed({ length, roll, handle }: PartCut): void {
    this.checkpointedBytes = length;
    const { file } = this.#options;
    if (roll === null) void handle.then((durable) => file.checkpointed?.(durable));
  }

  /** Closes it to records and releases its file. The next completed checkpoint makes it pending. */
  close(reason: RollReason, atMs: number): void {
    this.roll ??= { reason, atMs };
    if (this.#closed !== null) return;
    this.flush();
    this.#leaveFillState();
    this.#closed = this.#enqueue(() => this.#named(this.#options.file.closeForCommit()));
    void this.#closed.then(
      () => this.#letGo(),
      () => undefined,
    );
  }

  /** It takes no more records. */
  #leaveFillState(): void {
    if (this.#fill === NO_FILL) return;
    this.#recordsBefore = this.records;
    this.#lastBase = this.#lastOffset;
    this.#lastDelta = 0;
    this.#fill.free();
    this.#fill = NO_FILL;
  }

  /** The system no longer holds the file open. */
  #letGo(): void {
    if (this.#isHeld) this.#options.stats.heldFiles -= 1;
    this.#isHeld = false;
  }

  /** Makes everything appended so far durable. A closed file is durable as well. */
  #persist(): Promise<StoreHandle> {
    if (this.#closed !== null) return this.#closed;
    this.flush();
    return this.#enqueue(() => this.#named(this.#options.file.persist()));
  }

  /** If its file has lost content, the error names the offsets of the records that were written to it. */
  async #named<T>(call: Promise<T>): Promise<T> {
    try {
      return await call;
    } catch (error) {
      if (!isStoreFailure(error, 'contentDiffers')) throw error;
      const offsets = { fromOffset: this.#options.firstOffset, toOffset: this.#lastOffset + 1n };
      const { problem, message, fields, affected } = error;
      throw new StoreFailure(problem, message, {
        ...{ fields, affected: { ...affected, ...offsets }, cause: error },
      });
    }
  }

  /** Resolves when everything handed to the file is written; failures go to the latch. */
  async drained(): Promise<void> {
    await Promise.allSettled([this.#queue]);
  }

  /** The file is pending, or left to the next epoch. */
  release(): void {
    this.#options.stats.openFiles -= 1;
  }

  /** Releases the file as it is; what is in no checkpoint is worthless. */
  async abandon(): Promise<void> {
    this.release();
    await this.drained();
    const { file, buffers } = this.#options;
    await file.abandon();
    this.#letGo();
    for (const buffer of [this.#buffer, ...this.#takeGathered(), ...this.#failedBuffers])
      buffers.give(buffer);
    this.#buffer = NO_BUFFER;
    this.#leaveFillState();
  }

  #takeGathered(): readonly Buffer[] {
    const gathered = this.#gathered;
    if (gathered.length === 0) return NO_BUFFERS;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    this.#options.buffers.gathered(this, gathered.length);
    return gathered;
  }

  /** Starts writing all that was appended; gathered buffers are written as one if there is room for that. */
  flush(): void {
    const filled = this.#fill.filled;
    const last = this.#buffer;
    const gatheredBytes = this.#gatheredBytes;
    const gathered = this.#takeGathered();
    if (filled > 0) this.#leaveBuffer();
    const { buffers } = this.#options;
    const one = gathered.length > 0 ? buffers.takeFor(gatheredBytes + filled) : null;
    if (one === null) {
      for (const buffer of gathered) this.#write(buffer, buffer.length);
      if (filled > 0) this.#write(last, filled);
      return;
    }
    let at = 0;
    for (const buffer of gathered) {
      at += buffer.copy(one, at);
      buffers.give(buffer);
    }
    last.copy(one, at, 0, filled);
    if (filled > 0) buffers.give(last);
    this.#write(one, gatheredBytes + filled);
  }

  #write(buffer: Buffer, length: number): void {
    const { stats, file, buffers } = this.#options;
    this.#crc.update(buffer, 0, length);
    const full = buffer.subarray(0, length);
    this.backlogBytes += length;
    buffers.countWriting(buffer.length);
    const written = this.#enqueue(() => file.write(full));
    void written.then(
      () => {
        stats.bytesWritten += length;
        this.backlogBytes -= length;
        buffers.give(buffer);
        buffers.countWriting(-buffer.length);
      },
      () => {
        this.backlogBytes -= length;
        this.#failedBuffers.push(buffer);
        buffers.countWriting(-buffer.length);
      },
    );
  }

  /** Calls the file one at a time; after a failure it is not called again. */
  #enqueue<T>(call: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(call);
    this.#queue = result;
    result.catch((error: unknown) => {
      this.#options.latch.fail(error, `Writing ${this.#options.target.temporaryUri}`);
    });
    return result;
  }
}
