/**
 * The record router of one partition: routes the records of fetched batches into the part files of their
 * buckets. It allocates and awaits nothing per record, and waits only for a bucket without an open part file,
 * or for a file that lags behind.
 *
 * This is the reference; the WebAssembly kernel (kernels/lines.ts) processes plain records in bulk, through
 * the route table that this class keeps (kernels/routeTable.ts). The rules exist only here: the kernel gets
 * the roll size as the limit of a file's fill state, the slot length and the record range as a RouteRun.
 */
import type { BucketAssigner } from '../../actors/buckets/rule.ts';
import type { RollingPolicy } from '../../actors/rolling/policy.ts';
import type { RollReason } from '../../journal/events.ts';
import type { Clock } from '../system/clock.ts';
import { RouteTable } from '../../kernels/routeTable.ts';
import type { FetchedBatch, ReadEpoch, RecordCursor } from '../sources/port.ts';
import type { RouteRun } from '../../kernels/lines.ts';
import { readEpochBehind } from '../sources/readEpoch.ts';
import { findBuckets, type Wanted } from './bucketsAhead.ts';
import { forEachBounded } from '../system/concurrency.ts';
import type { FileRoom, Opening, RoomHolder } from './fileRoom.ts';
import { pauseAfter, type Done, type Pause } from './routerPause.ts';
import type { PartCut, PartWriter } from './partWriter.ts';
import type { RunStats } from './stats.ts';

/** New files of one batch: how many are journaled in one entry, and how many are created at once. */
const OPENED_TOGETHER_MAX = 1_000;
const OPEN_CONCURRENCY = 64;
/** If memory is short, one of this many files is rolled at a time. */
const ROLLED_SHARE = 64;

/** A consistent cut at a record boundary. */
export interface Cut {
  readonly nextOffset: bigint;
  /** The leader epoch of the last batch below nextOffset. */
  readonly read: ReadEpoch | null;
  readonly recordsRead: number;
  readonly recordsSkippedNull: number;
  /** Files that have changed since the last completed checkpoint. */
  readonly parts: readonly PartCut[];
}

export interface RouterOptions {
  readonly assigner: BucketAssigner;
  readonly rolling: RollingPolicy;
  readonly clock: Clock;
  readonly stats: RunStats;
  /** Journals and creates a part file for the bucket; the router waits for it. */
  readonly openPart: (bucket: string, firstOffset: bigint) => Promise<PartWriter>;
  /** Room for the files that the whole process holds open. */
  readonly fileRoom: FileRoom;
  /** Resolves when there is memory for more files. */
  readonly roomForFiles?: () => Promise<void>;
}

const DONE: Pause = { type: 'done' };
/** A slot so long that it covers every time. */
const ANY_TIME_MS = 2 ** 62;

export class RecordRouter implements RoomHolder {
  readonly #options: RouterOptions;
  #routes = new RouteTable();
  readonly #run: RouteRun;
  readonly #leaveRoom: () => void;
  /** Files that take records, by bucket and by slot; several slots may share a bucket. */
  readonly #byBucket = new Map<string, PartWriter>();
  readonly #bySlot = new Map<number, PartWriter>();
  /** Files that no completed checkpoint has made pending: those above and the rolled ones. */
  readonly #unfinished = new Set<PartWriter>();
  #nextOffset: bigint;
  /** Up to `#batchFrom`, and after it: a batch has one leader epoch. */
  #readBefore: ReadEpoch | null;
  #readBehind: ReadEpoch | null;
  #batchFrom: bigint;
  #recordsRead = 0;
  #recordsSkippedNull = 0;

  constructor(options: RouterOptions, nextOffset: bigint, read: ReadEpoch | null = null) {
    this.#options = options;
    this.#nextOffset = nextOffset;
    this.#batchFrom = nextOffset;
    this.#readBefore = read;
    this.#readBehind = read;
    const slotMs = options.assigner.by === 'record-time' ? options.assigner.slotMs : ANY_TIME_MS;
    this.#run = { fromDelta: 0, toDelta: 0, owner: this.#routes.owner, slotMs, nowMs: 0 };
    this.#leaveRoom = options.fileRoom.join(this);
  }

  /** The cursor: the first offset that the router has not processed. */
  get nextOffset(): bigint {
    return this.#nextOffset;
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
    const cursor = batch.records();
    this.#readBefore = this.read;
    this.#readBehind = readEpochBehind(this.#readBefore, batch);
    this.#batchFrom = this.#nextOffset;
    try {
      // One time for the whole batch: a bucket that was opened for a record is then the one that the record
      // goes to.
      const wallMs = this.#options.clock.wallMs();
      let pause = this.#scan(cursor, false, endOffset, wallMs);
      while (pause.type !== 'done') {
        const isHeld = pause.type === 'bucket';
        const opening = await this.#resolve(pause, batch, endOffset);
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
  ): Promise<Opening | null> {
    if (pause.type === 'bucket') return this.#openAhead(batch, pause.slot, endOffset);
    await (pause.type === 'behind' ? pause.writer.caughtUp() : pause.whenRoom);
    return null;
  }

  /**
   * Processes records until the batch ends or there is something to wait for; `held` says that the cursor is
   * at a record that was not processed. The router's own offset is correct whenever this returns.
   */
  #scan(cursor: RecordCursor, held: boolean, endOffset: bigint | null, wallMs: number): Pause {
    const { assigner, rolling, clock, stats } = this.#options;
    const byRecord = assigner.by === 'record-time';
    const nowMs = clock.nowMs();
    const run = this.#run;
    run.nowMs = nowMs;
    const start = this.#nextOffset;
    let base = -1n;
    let startDelta = 0;
    let slot = NaN;
    let writer: PartWriter | undefined;
    let [read, lastDelta] = [0, -1];
    try {
      while (held || cursor.next()) {
        held = false;
        if (cursor.baseOffset !== base) {
          base = cursor.baseOffset;
          startDelta = Number(start - base);
          run.fromDelta = startDelta;
          run.toDelta = endOffset === null ? Infinity : Number(endOffset - base);
        }
        const delta = cursor.offsetDelta;
        if (delta < startDelta) continue;
        if (delta >= run.toDelta) break;
        if (cursor.valueStart < 0) {
          this.#recordsSkippedNull += 1;
          lastDelta = delta;
          read += 1;
          continue;
        }
        const recordSlot = assigner.slotOf(byRecord ? cursor.timestampMs : wallMs);
        if (writer === undefined || recordSlot !== slot) {
          slot = recordSlot;
          writer = this.#bySlot.get(slot) ?? this.#adoptSlot(slot);
          if (writer === undefined) return this.#pauseAt(base + BigInt(delta), { type: 'bucket', slot });
        }
        writer.appendLine(cursor.valueBytes, cursor.valueStart, cursor.valueEnd, base, delta);
        writer.lastWriteAtMs = nowMs;
        lastDelta = delta;
        read += 1;
        if (rolling.rollsBySize(writer.lengthBytes)) {
          this.#roll(writer, 'size');
          writer = undefined;
        } else if (writer.holdsUp) {
          return this.#pauseAt(base + BigInt(lastDelta) + 1n, { type: 'behind', writer });
        } else {
          this.#lead(slot, writer);
          read += cursor.routeRecords?.(run) ?? 0;
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

  #pauseAt(nextOffset: bigint, pause: Pause): Pause {
    this.#nextOffset = nextOffset;
    return pause;
  }

  /** From now on, lines of the slot's records may be copied in bulk. */
  #lead(slot: number, writer: PartWriter): void {
    const { assigner } = this.#options;
    const isExact = assigner.by !== 'record-time' || assigner.isWhole(slot);
    if (isExact) this.#routes.set(this.#routeSlot(slot), writer.fill);
  }

  /** If no record's time decides, all records share one route; every batch sets it again. */
  #routeSlot(slot: number): number {
    return this.#options.assigner.by === 'record-time' ? slot : 0;
  }

  /** The file of another slot of the same bucket, if there is one. */
  #adoptSlot(slot: number): PartWriter | undefined {
    if (this.#byBucket.size === 0) return undefined;
    const writer = this.#byBucket.get(this.#options.assigner.bucketOf(slot));
    if (writer !== undefined) this.#take(slot, writer);
    return writer;
  }

  /** Opens the file needed now and those for the rest of the batch: one journal entry covers many. */
  async #openAhead(batch: FetchedBatch, slot: number, endOffset: bigint | null): Promise<Opening> {
    const { assigner, fileRoom, roomForFiles } = this.#options;
    await roomForFiles?.();
    const wanted = new Map([[assigner.bucketOf(slot), { slot, firstOffset: this.#nextOffset }]]);
    const opening = await fileRoom.reserve((left) => {
      const room = Math.min(OPENED_TOGETHER_MAX, left);
      if (assigner.by === 'record-time' && room > 1) {
        const options = { assigner, nextOffset: this.#nextOffset, endOffset, room };
        const ahead = batch.records();
        findBuckets(ahead, options, wanted, (other) => this.#byBucket.has(other));
        ahead.release?.();
      }
      return wanted.size;
    });
    try {
      await forEachBounded(wanted, OPEN_CONCURRENCY, async (one) => {
        await this.#open(...one);
        opening.opened();
      });
      return opening;
    } catch (error) {
      opening.written();
      throw error;
    } finally {
      opening.ended();
    }
  }

  async #open(bucket: string, { slot, firstOffset }: Wanted): Promise<void> {
    const writer = await this.#options.openPart(bucket, firstOffset);
    writer.rollsAtBytes = this.#options.rolling.rollsAtBytes;
    this.#byBucket.set(bucket, writer);
    this.#take(slot, writer);
    this.#unfinished.add(writer);
  }

  #take(slot: number, writer: PartWriter): void {
    this.#bySlot.set(slot, writer);
    writer.slots.push(slot);
  }

  rollable(): readonly PartWriter[] {
    return [...this.#byBucket.values()].filter(({ records }) => records > 0);
  }

  rollIdle(writer: PartWriter): void {
    this.#roll(writer, 'idle');
  }

  /** Memory of the file that has most to write; 0 if none takes records. */
  largestBytes(): number {
    let largest = 0;
    for (const writer of this.#byBucket.values()) {
      if (writer.records > 0) largest = Math.max(largest, 1, writer.bufferBytes);
    }
    return largest;
  }

  /** Rolls the files that hold most memory: one, or a few among many. Resolves when they are closed. */
  async rollLargest(): Promise<void> {
    const largest = this.rollable()
      .toSorted((one, other) => other.bufferBytes - one.bufferBytes || other.lengthBytes - one.lengthBytes)
      .slice(0, Math.max(1, Math.floor(this.#byBucket.size / ROLLED_SHARE)));
    for (const writer of largest) this.#roll(writer, 'size');
    await Promise.all(largest.map((writer) => writer.drained()));
  }

  /** Continues with a file of an earlier epoch; a file that is to take no records is rolled. */
  adopt(writer: PartWriter, takesRecords: boolean): void {
    writer.rollsAtBytes = this.#options.rolling.rollsAtBytes;
    this.#unfinished.add(writer);
    if (takesRecords) this.#byBucket.set(writer.bucket, writer);
    else writer.close('recovery', this.#options.clock.wallMs());
  }

  #roll(writer: PartWriter, reason: RollReason): void {
    writer.close(reason, this.#options.clock.wallMs());
    this.#forget(writer);
  }

  /** It takes no more records. */
  #forget(writer: PartWriter): void {
    if (this.#byBucket.get(writer.bucket) === writer) this.#byBucket.delete(writer.bucket);
    for (const slot of writer.slots) {
      this.#bySlot.delete(slot);
      this.#routes.remove(this.#routeSlot(slot));
    }
  }

  /** Rolls the files whose time limit is reached. */
  rollDue(nowMs: number): void {
    for (const writer of [...this.#byBucket.values()]) {
      const reason = this.#options.rolling.rollsByTime(writer, nowMs);
      if (reason !== null && writer.records > 0) this.#roll(writer, reason);
    }
  }

  /** Rolls every file that holds records. */
  rollAll(reason: RollReason): void {
    for (const writer of [...this.#byBucket.values()]) if (writer.records > 0) this.#roll(writer, reason);
  }

  /** When to call rollDue again; null if no file is open. */
  deadlineMs(nowMs: number): number | null {
    let deadline: number | null = null;
    for (const writer of this.#byBucket.values()) {
      if (writer.records === 0) continue;
      const own = this.#options.rolling.deadlineMs(writer, nowMs);
      deadline = deadline === null ? own : Math.min(deadline, own);
    }
    return deadline;
  }

  /** Copies the state at this record boundary; the router continues from there. */
  cut(): Cut {
    if (this.#options.rolling.rollsAtCheckpoint) this.rollAll('checkpoint');
    const parts: PartCut[] = [];
    for (const writer of this.#unfinished) {
      const changed = writer.roll !== null || writer.lengthBytes > writer.checkpointedBytes;
      if (changed && writer.records > 0) parts.push(writer.cut());
    }
    return {
      nextOffset: this.#nextOffset,
      read: this.read,
      recordsRead: this.#recordsRead,
      recordsSkippedNull: this.#recordsSkippedNull,
      parts,
    };
  }

  /** The cut is a completed checkpoint: its counts are journaled, its rolled files are pending. */
  checkpointed(cut: Cut): void {
    this.#recordsRead -= cut.recordsRead;
    this.#recordsSkippedNull -= cut.recordsSkippedNull;
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
      this.#forget(writer);
    }
    await Promise.all(writers.map((writer) => writer.abandon()));
    return writers.map(({ temporaryUri }) => temporaryUri);
  }

  /** Releases every file; the next epoch takes them over from the journal. */
  async abandon(): Promise<void> {
    this.#leaveRoom();
    const writers = [...this.#unfinished];
    this.#unfinished.clear();
    this.#byBucket.clear();
    this.#bySlot.clear();
    // Drop all routes: consume() may be suspended mid-batch, and the kernel must not write into released
    // buffers.
    this.#routes = new RouteTable();
    this.#run.owner = this.#routes.owner;
    await Promise.all(writers.map((writer) => writer.abandon()));
  }
}
