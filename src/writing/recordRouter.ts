/**
 * The record router of one partition: routes the records of fetched batches into the part files of their
 * buckets. It allocates and awaits nothing per record, and waits only for a bucket without an open part file,
 * or for a file that lags behind.
 *
 * This is the reference; the WebAssembly kernel (kernels/lines.ts) processes plain records in bulk. The rules
 * exist only here and in what the router is made of: the kernel is told them by `TakingFiles`, and by the
 * RouteRun, which records to process.
 */
import type { BucketAssigner } from '../../actors/buckets/rule.ts';
import type { RollingPolicy } from '../../actors/rolling/policy.ts';
import type { RouteRun } from '../../kernels/lines.ts';
import { whyNotWritten, whyNoValue, type BadReason } from '../formats/format.ts';
import type { FetchedBatch, ReadEpoch, RecordCursor } from '../sources/port.ts';
import { readEpochBehind } from '../sources/readEpoch.ts';
import type { Clock } from '../system/clock.ts';
import { BAD_SLOT, type BadCut, type BadRecords } from './badRecords.ts';
import type { Opening } from './fileRoom.ts';
import { openAhead, type OpeningOptions } from './openingAhead.ts';
import type { PartCut, PartWriter } from './partWriter.ts';
import { Rolls } from './rolls.ts';
import type { Rereading } from './rereading.ts';
import { pauseAfter, type Done, type Pause } from './routerPause.ts';
import type { RunStats } from './runStats.ts';
import { TakingFiles } from './takingFiles.ts';

/** A consistent cut at a record boundary. */
export interface Cut {
  readonly nextOffset: bigint;
  /** The leader epoch of the last batch below nextOffset. */
  readonly read: ReadEpoch | null;
  readonly recordsRead: number;
  readonly recordsSkippedNull: number;
  /** Records that were read again, and that earlier checkpoints have counted. */
  readonly recordsAlreadyHeld: number;
  readonly bad: BadCut;
  /** Files that have changed since the last completed checkpoint. */
  readonly parts: readonly PartCut[];
}

export interface RouterOptions extends OpeningOptions {
  readonly assigner: BucketAssigner;
  readonly bad: BadRecords;
  readonly rolling: RollingPolicy;
  readonly clock: Clock;
  readonly stats: RunStats;
  /** Absent: nothing is read again. */
  readonly rereading?: Rereading;
}

/** Of a record: see `#judge`. */
type Outcome = 'good' | 'bad' | 'written' | 'skipped' | Extract<Pause, { readonly type: 'behind' }>;

const DONE: Pause = { type: 'done' };

export class RecordRouter {
  readonly rolls: Rolls;
  readonly #options: RouterOptions;
  readonly #files: TakingFiles;
  /** Of the kernel; null if it may write no lines. */
  readonly #run: RouteRun | null;
  readonly #leaveRoom: () => void;
  /** Files that no completed checkpoint has made pending: those that take records, and the rolled ones. */
  readonly #unfinished = new Set<PartWriter>();
  #nextOffset: bigint;
  /** Up to `#batchFrom`, and after it: a batch has one leader epoch. */
  #readBefore: ReadEpoch | null;
  #readBehind: ReadEpoch | null;
  #batchFrom: bigint;
  #recordsRead = 0;
  #recordsSkippedNull = 0;
  #recordsAlreadyHeld = 0;
  /** Null before, and once everything that was to be read again is. */
  #rereading: Rereading | null;

  constructor(options: RouterOptions, nextOffset: bigint, read: ReadEpoch | null = null) {
    const { rolling, clock, records, stats, rereading = null } = options;
    this.#options = options;
    this.#rereading = rereading;
    this.#nextOffset = nextOffset;
    this.#batchFrom = nextOffset;
    this.#readBefore = read;
    this.#readBehind = read;
    this.#files = new TakingFiles(options);
    this.#run = this.#files.newRun(records.type === 'lines' ? records.inBulk : null);
    this.rolls = new Rolls({ files: this.#files, rolling, clock, stats });
    this.#leaveRoom = options.fileRoom.join(this.rolls);
  }

  /** The cursor: the first offset that the router has not processed. */
  get nextOffset(): bigint {
    return this.#nextOffset;
  }

  /** Monotonic: when the oldest of its files that hold records was opened; null if there is none. */
  get oldestFileAtMs(): number | null {
    let oldestMs: number | null = null;
    for (const { records, openedAtMs } of this.#unfinished)
      if (records > 0 && (oldestMs === null || openedAtMs < oldestMs)) oldestMs = openedAtMs;
    return oldestMs;
  }

  /** The leader epoch of the last batch that the router has processed any of. */
  get read(): ReadEpoch | null {
    return this.#nextOffset > this.#batchFrom ? this.#readBehind : this.#readBefore;
  }

  /**
   * Writes the batch's records from the cursor on, up to but excluding `endOffset` if given. If a record
   * cannot be read, the cursor stops at it: what was written before it is kept.
   */
  async consume(batch: FetchedBatch, endOffset: bigint | null): Promise<void> {
    const { clock } = this.#options;
    const cursor = batch.records();
    this.#readBefore = this.read;
    this.#readBehind = readEpochBehind(this.#readBefore, batch);
    this.#batchFrom = this.#nextOffset;
    try {
      // One time for the whole batch: a bucket that was opened for a record is then the one that the record
      // goes to.
      const wallMs = clock.wallMs();
      let pause = this.#scan(cursor, false, endOffset, wallMs);
      while (pause.type !== 'done') {
        const isHeld = pause.type === 'bucket' || (pause.type === 'behind' && pause.isHeld);
        const opening = await this.#resolve(pause, batch, endOffset, wallMs);
        try {
          pause = this.#scan(cursor, isHeld, endOffset, wallMs);
        } finally {
          opening?.written();
        }
      }
      // In the same turn as the last record: a cut in between would count it and not move past it.
      const end = endOffset !== null && batch.nextOffset > endOffset ? endOffset : batch.nextOffset;
      if (end > this.#nextOffset) this.#nextOffset = end;
    } finally {
      cursor.release?.();
    }
  }

  /** Returns the files that were opened, if the router waited for that. */
  async #resolve(
    pause: Exclude<Pause, Done>,
    batch: FetchedBatch,
    endOffset: bigint | null,
    wallMs: number,
  ): Promise<Opening | null> {
    if (pause.type === 'bucket') return this.#openAhead(pause.slot, batch, endOffset, wallMs);
    await (pause.type === 'behind' ? pause.writer.caughtUp() : pause.whenRoom);
    return null;
  }

  /**
   * Processes records until the batch ends or there is something to wait for; `held` says that the cursor is
   * at a record that was not processed. The router's own offset is correct whenever this returns.
   */
  #scan(cursor: RecordCursor, held: boolean, endOffset: bigint | null, wallMs: number): Pause {
    const { assigner, rolling, clock, stats } = this.#options;
    const nowMs = clock.nowMs();
    const start = this.#nextOffset;
    let [base, startDelta, endDelta, slot] = [-1n, 0, Infinity, NaN];
    let writer: PartWriter | undefined;
    let [read, lastDelta] = [0, -1];
    try {
      while (held || cursor.next()) {
        held = false;
        if (cursor.baseOffset !== base) {
          base = cursor.baseOffset;
          startDelta = Number(start - base);
          if (endOffset !== null) endDelta = Number(endOffset - base);
          this.#bound(startDelta, endDelta, nowMs);
        }
        const delta = cursor.offsetDelta;
        if (delta < startDelta) continue;
        if (delta >= endDelta) break;
        const goodSlot = assigner.slotOf(cursor, wallMs);
        if (this.#rereading !== null) writer = undefined;
        const outcome = this.#judge(cursor, goodSlot, base, delta);
        if (typeof outcome === 'object') return this.#pauseAt(base + BigInt(delta), outcome);
        if (outcome === 'skipped') {
          lastDelta = delta;
          read += 1;
          continue;
        }
        const recordSlot = outcome === 'bad' ? BAD_SLOT : goodSlot;
        if (writer === undefined || recordSlot !== slot) {
          slot = recordSlot;
          writer = this.#files.ofSlot(slot);
          if (writer === undefined) return this.#pauseAt(base + BigInt(delta), { type: 'bucket', slot });
        }
        if (outcome !== 'written') this.#appendLine(writer, outcome, base, delta);
        writer.lastWriteAtMs = nowMs;
        lastDelta = delta;
        read += 1;
        if (rolling.rollsBySize(writer)) {
          this.rolls.roll(writer, 'size');
          writer = undefined;
        } else if (writer.holdsUp) {
          const behind = { type: 'behind', writer, isHeld: false } as const;
          return this.#pauseAt(base + BigInt(lastDelta) + 1n, behind);
        } else if (outcome === 'good') {
          read += this.#routeInBulk(cursor, slot, writer);
          lastDelta = cursor.offsetDelta;
        }
      }
    } catch (error) {
      if (read > 0) this.#nextOffset = base + BigInt(lastDelta) + 1n;
      return pauseAfter(error);
    } finally {
      this.#recordsRead += read;
      stats.recordsRead += read;
    }
    return DONE;
  }

  /**
   * Whether the record is in a file already, or in none. A file of its bucket that is being written ends
   * before it: otherwise its offsets would include those of the other file. What was read again ends in files
   * of its own, too.
   */
  #isHeldAlready(rereading: Rereading, cursor: RecordCursor, slot: number, offset: bigint): boolean {
    if (offset >= rereading.untilOffset) {
      this.#rereading = null;
      this.rolls.rollAll('recovery');
      return false;
    }
    const place = rereading.placeOf(cursor, slot, offset);
    if (place.type === 'missing') return false;
    this.#recordsAlreadyHeld += 1;
    this.#options.bad.wrote(false);
    const writer = place.bucket === null ? undefined : this.#files.ofBucket(place.bucket);
    if (writer !== undefined && writer.records > 0) this.rolls.roll(writer, 'recovery');
    return true;
  }

  /** Tells the kernel which records of the batch to process, and when. */
  #bound(fromDelta: number, toDelta: number, nowMs: number): void {
    const run = this.#run;
    if (run === null) return;
    run.fromDelta = fromDelta;
    run.toDelta = toDelta;
    run.nowMs = nowMs;
  }

  /** Writes the lines after the current one, if the kernel may; returns how many. */
  #routeInBulk(cursor: RecordCursor, slot: number, writer: PartWriter): number {
    const run = this.#run;
    if (run === null || this.#rereading !== null || cursor.routeRecords === undefined) return 0;
    this.#files.lead(slot, writer);
    return cursor.routeRecords(run);
  }

  /**
   * What the record at the cursor is: one to be written, or a bad one to be written, as the line that was
   * made; written, as a row; or in no file, or in one already. Only an attempt to append a row shows whether
   * it can be one. The pause: its file takes none now.
   *
   * @param slot of a record that is not bad.
   */
  #judge(cursor: RecordCursor, slot: number, base: bigint, delta: number): Outcome {
    const rereading = this.#rereading;
    if (rereading !== null && this.#isHeldAlready(rereading, cursor, slot, base + BigInt(delta)))
      return 'skipped';
    const writer = this.#options.records.type === 'rows' ? this.#files.ofSlot(slot) : undefined;
    if (writer?.takesNone === true) return { type: 'behind', writer, isHeld: true };
    const reason =
      writer === undefined
        ? whyNotWritten(this.#options, cursor)
        : (whyNoValue(this.#options, cursor) ?? writer.appendRow(cursor, base, delta));
    if (reason !== null) return this.#leaveOut(cursor, reason);
    if (writer === undefined) return 'good';
    this.#options.bad.wrote(false);
    return 'written';
  }

  #leaveOut(cursor: RecordCursor, reason: BadReason | 'left-out'): 'bad' | 'skipped' {
    if (reason === 'left-out') {
      this.#recordsSkippedNull += 1;
      return 'skipped';
    }
    return this.#options.bad.take(cursor, reason) ? 'bad' : 'skipped';
  }

  #appendLine(writer: PartWriter, outcome: 'good' | 'bad', base: bigint, delta: number): void {
    const { records, bad } = this.#options;
    const isBad = outcome === 'bad';
    const { bytes, start, end } = isBad || records.type !== 'lines' ? bad.line : records;
    writer.appendLine(bytes, start, end, base, delta);
    // One that is read again was counted when it was read first.
    bad.wrote(isBad && this.#rereading === null);
  }

  #pauseAt(nextOffset: bigint, pause: Pause): Pause {
    this.#nextOffset = nextOffset;
    return pause;
  }

  /** Opens the file that the record at the cursor needs, and those for the rest of the batch. */
  #openAhead(slot: number, batch: FetchedBatch, endOffset: bigint | null, wallMs: number): Promise<Opening> {
    return openAhead(
      this.#options,
      { batch, slot, nextOffset: this.#nextOffset, endOffset, wallMs, isAlone: this.#rereading !== null },
      (bucket) => this.#files.has(bucket),
      (writer) => this.adopt(writer, true),
    );
  }

  /** Goes on with a file. One that is to take no records, or that is full by the limits of now, is rolled. */
  adopt(writer: PartWriter, takesRecords: boolean): void {
    this.#unfinished.add(writer);
    if (!takesRecords) this.rolls.roll(writer, 'recovery');
    else if (this.#options.rolling.rollsBySize(writer)) this.rolls.roll(writer, 'size');
    else this.#files.add(writer);
  }

  /** Copies the state at this record boundary; the router continues from there. */
  cut(): Cut {
    if (this.#options.rolling.rollsAtCheckpoint) this.rolls.rollAll('checkpoint');
    else this.rolls.rollFull();
    const parts: PartCut[] = [];
    for (const writer of this.#unfinished) {
      const changed = writer.roll !== null || writer.records > writer.checkpointedRecords;
      if (changed && writer.records > 0) parts.push(writer.cut());
    }
    return {
      nextOffset: this.#nextOffset,
      read: this.read,
      recordsRead: this.#recordsRead,
      recordsSkippedNull: this.#recordsSkippedNull,
      recordsAlreadyHeld: this.#recordsAlreadyHeld,
      bad: this.#options.bad.cut(),
      parts,
    };
  }

  /** The cut is a completed checkpoint: its counts are journaled, its rolled files are pending. */
  checkpointed(cut: Cut): void {
    this.#recordsRead -= cut.recordsRead;
    this.#recordsSkippedNull -= cut.recordsSkippedNull;
    this.#recordsAlreadyHeld -= cut.recordsAlreadyHeld;
    this.#options.bad.checkpointed(cut.bad);
    for (const part of cut.parts) {
      part.writer.checkpointed(part);
      if (part.roll === null) continue;
      this.#unfinished.delete(part.writer);
      part.writer.release();
    }
  }

  /** Releases files that cannot be checkpointed: none sent to the journal names them. Returns their names. */
  async abandonUnoffered(): Promise<readonly string[]> {
    const writers = [...this.#unfinished].filter((writer) => !writer.isOffered);
    for (const writer of writers) {
      this.#unfinished.delete(writer);
      this.#files.forget(writer);
    }
    await Promise.all(writers.map((writer) => writer.abandon()));
    return writers.flatMap(({ temporaryUris }) => temporaryUris);
  }

  /** Releases every file; the next epoch takes them over from the journal. */
  async abandon(): Promise<void> {
    this.#leaveRoom();
    const writers = [...this.#unfinished];
    this.#unfinished.clear();
    // consume() may be suspended in the middle of a batch: it finds no file, and the kernel no route.
    for (const writer of writers) this.#files.forget(writer);
    await Promise.all(writers.map((writer) => writer.abandon()));
  }
}
