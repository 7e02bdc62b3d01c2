/**
 * One partition's log, laid out in full before the world begins: what is visible depends on the time alone,
 * until it is cut. Aborted transactions, control records and compacted ranges occupy offsets that no reader
 * ever sees.
 */
import { isInFiles, PLAIN_RECORDS, type RecordsRule } from '../job/records.ts';
import type { EarlierLog, ExpectedRecord, LogItem } from '../schedule.ts';
import { arrivalsOf, others, place, type Arrival } from './arrivals.ts';
import { EpochTable } from './epochTable.ts';

/** A record of a batch. Its value is bytes[start, end) of the batch; start is -1 if it is null. */
export interface PlacedRecord {
  readonly delta: number;
  readonly timestampMs: number;
  /** Its value; or its key, if the value is null. */
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** A record batch (or a range without visible records) at offsets [base, end). */
export interface PlacedBatch {
  readonly base: number;
  readonly end: number;
  readonly atMs: number;
  /** Until then the last stable offset is not beyond its base. */
  readonly decidedAtMs: number;
  /** Visible ones only. */
  readonly records: readonly PlacedRecord[];
  readonly bytes: Buffer;
  /** Of the leader that appended it. */
  readonly epoch: number;
  readonly arrival: Arrival;
}

/** The result of a fetch: batches of one leader epoch. The first may begin before the requested offset. */
export interface Fetched {
  readonly batches: readonly PlacedBatch[];
  readonly nextOffset: number;
}

/** How a log is cut: its newest batches are lost, and that many other records take their place at once. */
export interface LogCut {
  readonly batches: number;
  readonly grown: number;
  /** The others are of an earlier leader epoch, and nobody had seen them. */
  readonly unseen: boolean;
}

export class PartitionLog {
  readonly partition: number;
  /** The first offset that retention has left. */
  startOffset = 0;
  readonly epochs = new EpochTable();
  readonly #earlier: EarlierLog[] = [];
  /** Leader epochs of which records were lost. */
  readonly #lostEpochs = new Set<number>();
  #batches: readonly PlacedBatch[];
  #isRebuilt = false;
  readonly #rule: RecordsRule;
  readonly #waiters = new Set<() => void>();

  constructor(partition: number, items: readonly LogItem[], rule: RecordsRule = PLAIN_RECORDS) {
    this.partition = partition;
    this.#rule = rule;
    this.#batches = place(arrivalsOf(items), { name: String(partition), base: 0, epoch: 0 });
  }

  get batches(): readonly PlacedBatch[] {
    return this.#batches;
  }

  /** Oldest first; empty if it was never cut. */
  get earlier(): readonly EarlierLog[] {
    return this.#earlier;
  }

  /** When anything in it changes for readers. */
  get changeTimesMs(): readonly number[] {
    return [...new Set(this.#batches.flatMap(({ atMs, decidedAtMs }) => [atMs, decidedAtMs]))];
  }

  endAt(nowMs: number): number {
    let end = 0;
    for (const batch of this.#batches) if (batch.atMs <= nowMs) end = batch.end;
    return end;
  }

  lastStableOffsetAt(nowMs: number): number {
    for (const { base, atMs, decidedAtMs } of this.#batches)
      if (atMs <= nowMs && nowMs < decidedAtMs) return base;
    return this.endAt(nowMs);
  }

  /** Another leader takes over, and has everything. */
  elect(nowMs: number): void {
    const { latest } = this.epochs;
    this.epochs.begin(latest + 1, this.endAt(nowMs));
    this.#batches = this.#batches.map((batch) =>
      batch.atMs <= nowMs ? batch : { ...batch, epoch: latest + 1 },
    );
    this.changed();
  }

  /**
   * Another leader takes over whose replica was rebuilt, from a log in which compaction removed every batch
   * without records except the newest.
   */
  electRebuilt(nowMs: number): void {
    const { latest } = this.epochs;
    const there = this.#batches.filter(({ atMs }) => atMs <= nowMs);
    const stable = this.lastStableOffsetAt(nowMs);
    // The removed batches cannot be restored, so a log that was cut is left unchanged.
    if (this.#earlier.length === 0) {
      this.#isRebuilt = true;
      const left = there.filter(
        (batch, index) => batch.records.length > 0 || batch.end > stable || index === there.length - 1,
      );
      this.#batches = [...left, ...this.#batches.slice(there.length)];
      this.epochs.learn(left);
      // The leader until now, whatever it has appended.
      if (this.epochs.latest < latest) this.epochs.begin(latest, this.endAt(nowMs));
    }
    this.elect(nowMs);
  }

  /**
   * A leader takes over that lacks the newest batches, and appends others at once; new records of producers
   * follow them. Returns where the logs differ; null if nothing is cut.
   */
  cut(nowMs: number, { batches: lost, grown, unseen }: LogCut): number | null {
    const there = this.#batches.filter(({ atMs }) => atMs <= nowMs);
    const left = there.filter(({ end }) => end <= this.startOffset).length;
    const most = Math.max(left, there.length - lost);
    const kept = there.slice(0, unseen ? endOfEpoch(there, most, left) : most);
    const gone = there.slice(kept.length);
    const cutAt = gone[0]?.base ?? 0;
    if (gone.length === 0 || this.#isRebuilt) return null;
    const stable = this.lastStableOffsetAt(nowMs);
    const seen = recordsOf(
      there.filter(({ end }) => end <= stable),
      this.#rule,
    );
    this.#earlier.push({ untilMs: nowMs, cutAt, records: seen });
    const name = `${this.partition}~${this.#earlier.length}`;
    const epoch = this.epochs.latest + 1;
    const unseenEpoch = unseen ? this.#unseenEpoch(kept, gone) : null;
    for (const { epoch: lostEpoch } of gone) this.#lostEpochs.add(lostEpoch);
    const own = place(others(grown, nowMs, there), { name, base: cutAt, epoch: unseenEpoch ?? epoch });
    this.epochs.cut(cutAt);
    if (unseenEpoch !== null) this.epochs.continue(unseenEpoch, cutAt);
    this.epochs.begin(epoch, unseenEpoch === null ? cutAt : (own.at(-1)?.end ?? cutAt));
    const lostMarkers = gone.flatMap(({ arrival }) =>
      arrival.item === null && kept.some((batch) => batch.arrival === arrival.ends)
        ? [{ ...arrival, atMs: nowMs }]
        : [],
    );
    const coming = this.#batches.slice(there.length).map(({ arrival }) => arrival);
    const base = own.at(-1)?.end ?? cutAt;
    const rest = place([...lostMarkers, ...coming], { name, base, epoch });
    this.#batches = [...kept, ...own, ...rest];
    this.changed();
    return cutAt;
  }

  /**
   * An earlier epoch that a leader may have continued, and no replica had copied: only if it ended at the
   * cut, or nobody has seen anything of it. Null if there is none.
   */
  #unseenEpoch(kept: readonly PlacedBatch[], gone: readonly PlacedBatch[]): number | null {
    const firstGone = gone[0]?.epoch ?? 0;
    const epoch = Math.max(kept.at(-1)?.epoch ?? Infinity, firstGone - 1);
    // An epoch has one leader: whoever has more of it has all of it, also what this log has lost.
    return epoch < firstGone && !this.#lostEpochs.has(epoch) ? epoch : null;
  }

  /** Whether offsets [from, to) hold a record that a reader would see. */
  holdsRecords(from: number, to: number, nowMs: number): boolean {
    return this.#batches.some(
      ({ base, end, atMs, records }) => atMs <= nowMs && end > from && base < to && records.length > 0,
    );
  }

  /** Whole batches, starting with the one that holds `offset`; null if nothing is there yet. */
  fetch(offset: number, batchesMax: number, nowMs: number): Fetched | null {
    const stable = this.lastStableOffsetAt(nowMs);
    const batches: PlacedBatch[] = [];
    for (const batch of this.#batches) {
      if (batch.end > stable || batches.length === batchesMax) break;
      if (batch.end <= offset) continue;
      if (batches.length > 0 && batch.epoch !== batches[0]?.epoch) break;
      batches.push(batch);
    }
    const last = batches.at(-1);
    return last === undefined ? null : { batches, nextOffset: last.end };
  }

  /** Removes all but the newest batches that exist by now; false if that removes nothing. */
  expire(nowMs: number, keep: number): boolean {
    const there = this.#batches.filter(({ atMs }) => atMs <= nowMs);
    const stable = this.lastStableOffsetAt(nowMs);
    const first = there.at(-keep - 1)?.end ?? 0;
    // If retention removed the records at a cut, a reader that was beyond it could no longer detect it.
    const cut = Math.min(Infinity, ...this.#earlier.map(({ cutAt }) => cutAt));
    const start = Math.min(keep === 0 ? this.endAt(nowMs) : first, stable, cut);
    if (start <= this.startOffset) return false;
    this.startOffset = start;
    this.epochs.expire(start);
    this.changed();
    return true;
  }

  /** Calls back once, at the next change. */
  whenChanged(callback: () => void): void {
    this.#waiters.add(callback);
  }

  changed(): void {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const waiter of waiters) waiter();
  }

  /** Every record that a complete run commits. */
  expected(): ExpectedRecord[] {
    return recordsOf(this.#batches, this.#rule);
  }
}

/** How many batches, from `most` down to `least`, end at a change of leader epoch; `most` if none does. */
function endOfEpoch(there: readonly PlacedBatch[], most: number, least: number): number {
  for (let count = most; count > least; count -= 1)
    if (there[count - 1]?.epoch !== there[count]?.epoch && count < there.length) return count;
  return most;
}

function recordsOf(batches: readonly PlacedBatch[], rule: RecordsRule): ExpectedRecord[] {
  return batches.flatMap(({ base, records }) =>
    records
      .filter(({ delta, start }) => isInFiles(rule, base + delta, start >= 0))
      .map(({ delta, name, start }) => {
        const expected = { offset: String(base + delta), value: name };
        return start >= 0 ? expected : { ...expected, hasValue: false };
      }),
  );
}
