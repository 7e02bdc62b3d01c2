/**
 * One part file, from its creation until it is published or left to the next epoch. It takes records (as
 * lines: `LineBuffer`, or as rows: `RowBuffer`), is rolled, and is gone; its calls are in order
 * (`FileCalls`). A cut copies what it holds at a record boundary.
 */
import type { DurableFacts, RollFacts } from '../../actors/facts.ts';
import { rowsUri } from '../../actors/naming.ts';
import type { FillLimits, RollableFile } from '../../actors/rolling/rule.ts';
import { TidemarkError } from '../../journal/errors.ts';
import type { RollReason } from '../../journal/events.ts';
import type { PartId } from '../../journal/ids.ts';
import type { Codec } from '../formats/compression/codec.ts';
import type { BadReason } from '../formats/format.ts';
import type { RowEncoder } from '../formats/rows.ts';
import type { RecordCursor } from '../sources/port.ts';
import type { FillState } from '../../kernels/routeTable.ts';
import type { DurablePart, OpenFile, PartTarget } from '../stores/port.ts';
import type { FailureLatch } from '../system/concurrency.ts';
import { FileCalls } from './fileCalls.ts';
import { LineBuffer } from './lineBuffer.ts';
import { RowBuffer } from './rowBuffer.ts';
import { withoutRows } from './rowsHandle.ts';
import type { RunStats } from './runStats.ts';
import type { WriteBuffers } from './writeBuffers.ts';

/** What a cut copies of one file: a record boundary and everything known there. */
export type PartCut = Omit<DurableFacts, keyof DurablePart> & {
  readonly writer: PartWriter;
  readonly roll: RollFacts | null;
  /** Resolves when all of it is durable, which needs nothing after it. */
  readonly durable: Promise<DurablePart>;
};

/** What an earlier epoch has made durable in a file that continues. */
export interface Inherited {
  readonly durable: DurableFacts;
  /** Time since it was opened. */
  readonly ageMs: number;
}

/** What makes the rows of a file that holds rows, and the rows file beside it. */
export interface RowsOfPart {
  readonly encoder: RowEncoder;
  readonly scratch: OpenFile;
}

export interface PartWriterOptions {
  readonly partId: PartId;
  readonly bucket: string;
  readonly target: PartTarget;
  readonly file: OpenFile;
  /** Null or absent: nothing is compressed. */
  readonly codec?: Codec | null;
  /** Null or absent: the file holds lines. */
  readonly rows?: RowsOfPart | null;
  readonly firstOffset: bigint;
  readonly nowMs: number;
  /** Null for a new file. */
  readonly inherited?: Inherited | null;
  readonly stats: RunStats;
  readonly latch: FailureLatch;
  readonly buffers: WriteBuffers;
}

type State =
  | { readonly type: 'taking' }
  /** The next completed checkpoint makes it pending. */
  | { readonly type: 'rolled'; readonly roll: RollFacts; readonly closed: Promise<DurablePart> }
  /** It is pending, or left to the next epoch. */
  | { readonly type: 'gone' };

export class PartWriter implements RollableFile {
  readonly partId: PartId;
  readonly bucket: string;
  readonly openedAtMs: number;
  /**
   * A checkpoint that names it was sent to the journal: it may be checkpointed without anybody learning of
   * it.
   */
  isOffered: boolean;
  /** Records in the last completed checkpoint. -1 if none has named it by its name. */
  checkpointedRecords = 0;
  readonly #options: PartWriterOptions;
  readonly #calls: FileCalls;
  readonly #content: LineBuffer | RowBuffer;
  #state: State = { type: 'taking' };

  constructor(options: PartWriterOptions) {
    const { partId, bucket, nowMs, stats, latch, buffers, file, firstOffset } = options;
    const inherited = options.inherited ?? null;
    this.#options = options;
    this.partId = partId;
    this.bucket = bucket;
    this.openedAtMs = nowMs - (inherited?.ageMs ?? 0);
    this.isOffered = inherited !== null;
    // The first checkpoint names a file that has moved, whether it has grown or not.
    if (inherited !== null) this.checkpointedRecords = -1;
    stats.openFiles += 1;
    const offsets = () => ({ fromOffset: firstOffset, toOffset: this.#content.lastOffset + 1n });
    const { codec = null, rows = null } = options;
    const durable = inherited?.durable ?? null;
    const calls = { file, codec, durable, uri: this.temporaryUri, stats, latch, buffers, offsets };
    this.#calls = new FileCalls(calls);
    const shared = { calls: this.#calls, buffers, nowMs, durable };
    this.#content =
      rows === null
        ? new LineBuffer({ ...shared, isCompressed: codec !== null, stats })
        : new RowBuffer({ ...shared, ...rows });
  }

  /** Temporary names that exist because of it. */
  get temporaryUris(): readonly string[] {
    return this.#content.type === 'rows'
      ? [this.temporaryUri, rowsUri(this.temporaryUri)]
      : [this.temporaryUri];
  }

  get temporaryUri(): string {
    return this.#options.target.temporaryUri;
  }

  get lengthBytes(): number {
    return this.#content.lengthBytes;
  }

  get records(): number {
    return this.#content.records;
  }

  get lastWriteAtMs(): number {
    return this.#content.lastWriteAtMs;
  }

  set lastWriteAtMs(ms: number) {
    this.#content.lastWriteAtMs = ms;
  }

  /** Routes may lead to it until the file is rolled or abandoned. INTERNAL if the file holds rows. */
  get fill(): FillState {
    return this.#lines.fill;
  }

  get #lines(): LineBuffer {
    if (this.#content.type === 'lines') return this.#content;
    throw new TidemarkError('INTERNAL', `${this.temporaryUri} holds rows, and a line came for it.`);
  }

  /** Why and when it was rolled; null before. */
  get roll(): RollFacts | null {
    return this.#state.type === 'rolled' ? this.#state.roll : null;
  }

  /** Set it before the first record. */
  isFullAt(limits: FillLimits): void {
    this.#content.isFullAt(limits);
  }

  /** Appends bytes[start, end) and a newline as the record at base + delta. INTERNAL once it is rolled. */
  appendLine(bytes: Buffer, start: number, end: number, base: bigint, delta: number): void {
    this.#lines.append(bytes, start, end, base, delta);
  }

  /** Starts writing all lines that were appended. */
  flush(): void {
    this.#lines.flush();
  }

  /**
   * Appends the record at base + delta as a row, or returns why it cannot be one. INTERNAL once it is rolled.
   */
  appendRow(record: RecordCursor, base: bigint, delta: number): BadReason | null {
    if (this.#content.type === 'rows') return this.#content.append(record, base, delta);
    throw new TidemarkError('INTERNAL', `${this.temporaryUri} holds lines, and a row came for it.`);
  }

  /**
   * Starts writing what it holds in memory; false if that frees none: then the file is to be rolled for it.
   */
  relieve(): boolean {
    return this.#content.type === 'rows' && this.#content.endGroup();
  }

  /** Whether it takes no row now, since a group of them is being written. */
  get takesNone(): boolean {
    return this.#content.takesNone;
  }

  /** Memory of what it has not written yet. */
  get bufferBytes(): number {
    return this.#content.heldBytes + this.#calls.backlogBytes + (this.#options.file.heldBytes ?? 0);
  }

  /** Whether its store wants it to be closed. */
  get isFull(): boolean {
    return this.#options.file.isFull ?? false;
  }

  /** Whether to wait for its writes, so that others find room. */
  get holdsUp(): boolean {
    return this.#calls.holdsUp;
  }

  /** Resolves when `holdsUp` or `takesNone` may have changed. */
  async caughtUp(): Promise<void> {
    await (this.#content.takesNone ? this.#calls.drained() : this.#calls.caughtUp());
  }

  /** Resolves when everything handed to the file is written; failures go to the latch. */
  async drained(): Promise<void> {
    await this.#calls.drained();
  }

  /**
   * Copies the state of the file at this record boundary, and makes exactly that durable before anything that
   * follows.
   */
  cut(): PartCut {
    return {
      writer: this,
      records: this.records,
      firstOffset: this.#options.firstOffset,
      lastOffset: this.#content.lastOffset,
      roll: this.roll,
      durable: this.#persist(),
    };
  }

  /** Makes everything appended so far durable. A rolled file is durable as well. */
  #persist(): Promise<DurablePart> {
    this.#mustBeHere();
    if (this.#state.type === 'rolled') return this.#state.closed;
    return this.#content.persist();
  }

  /** The cut is part of a completed checkpoint. */
  checkpointed({ records, roll, durable }: PartCut): void {
    this.checkpointedRecords = records;
    const { file } = this.#options;
    if (roll === null) void durable.then((state) => file.checkpointed?.(withoutRows(state).handle));
  }

  /** Rolls it: it takes no more records, and its file is released. The first reason stays. */
  close(reason: RollReason, atMs: number): void {
    this.#mustBeHere();
    if (this.#state.type === 'rolled') return;
    this.#state = { type: 'rolled', roll: { reason, atMs }, closed: this.#content.close() };
  }

  /** The rolled file is pending. */
  release(): void {
    this.#mustBeHere();
    this.#state = { type: 'gone' };
    this.#options.stats.openFiles -= 1;
  }

  /** Releases the file as it is; what is in no checkpoint is worthless. */
  async abandon(): Promise<void> {
    this.release();
    this.#content.end();
    await this.#calls.abandon();
    if (this.#content.type === 'rows') await this.#content.abandon();
  }

  #mustBeHere(): void {
    if (this.#state.type === 'gone')
      throw new TidemarkError('INTERNAL', `${this.temporaryUri} was released, and is used again.`);
  }
}
