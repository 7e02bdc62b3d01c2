/**
 * One partition's log, laid out in full before the world begins: what is visible of it depends on the time alone. Aborted
 * transactions, control records and compacted ranges occupy offsets that no reader ever sees.
 */
import type { ExpectedRecord, LogItem } from '../schedule.ts';

/** A record of a batch: its value is bytes[start, end) of the batch; start is -1 where it is null. */
export interface PlacedRecord {
  readonly delta: number;
  readonly timestampMs: number;
  readonly start: number;
  readonly end: number;
}

/** A record batch (or a stretch without visible records) at offsets [base, end). */
export interface PlacedBatch {
  readonly base: number;
  readonly end: number;
  readonly atMs: number;
  /** Until then the last stable offset is not beyond its base. */
  readonly decidedAtMs: number;
  /** Visible ones only. */
  readonly records: readonly PlacedRecord[];
  readonly bytes: Buffer;
}

/** What a fetch brings: batches of which the first may begin before the asked offset. */
export interface Fetched {
  readonly batches: readonly PlacedBatch[];
  readonly nextOffset: number;
}

const NO_BYTES = Buffer.alloc(0);

export class PartitionLog {
  readonly partition: number;
  readonly batches: readonly PlacedBatch[];
  /** The first offset that retention has left. */
  startOffset = 0;
  readonly #waiters = new Set<() => void>();

  constructor(partition: number, items: readonly LogItem[]) {
    this.partition = partition;
    this.batches = place(partition, items);
  }

  /** When anything of it changes for readers. */
  get changeTimesMs(): readonly number[] {
    return [...new Set(this.batches.flatMap(({ atMs, decidedAtMs }) => [atMs, decidedAtMs]))];
  }

  endAt(nowMs: number): number {
    let end = 0;
    for (const batch of this.batches) if (batch.atMs <= nowMs) end = batch.end;
    return end;
  }

  lastStableOffsetAt(nowMs: number): number {
    for (const { base, atMs, decidedAtMs } of this.batches)
      if (atMs <= nowMs && nowMs < decidedAtMs) return base;
    return this.endAt(nowMs);
  }

  /** Whole batches from the one that holds `offset` on; null where nothing is there yet. */
  fetch(offset: number, batchesMax: number, nowMs: number): Fetched | null {
    const stable = this.lastStableOffsetAt(nowMs);
    const batches: PlacedBatch[] = [];
    for (const batch of this.batches) {
      if (batch.end > stable || batches.length === batchesMax) break;
      if (batch.end > offset) batches.push(batch);
    }
    const last = batches.at(-1);
    return last === undefined ? null : { batches, nextOffset: last.end };
  }

  /** Takes all but the newest batches that are there by now; false where that is nothing. */
  expire(nowMs: number, keep: number): boolean {
    const there = this.batches.filter(({ atMs }) => atMs <= nowMs);
    const stable = this.lastStableOffsetAt(nowMs);
    const first = there.at(-keep - 1)?.end ?? 0;
    const start = Math.min(keep === 0 ? this.endAt(nowMs) : first, stable);
    if (start <= this.startOffset) return false;
    this.startOffset = start;
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
    return this.batches.flatMap(({ base, records, bytes }) =>
      records
        .filter(({ start }) => start >= 0)
        .map(({ delta, start, end }) => ({
          offset: String(base + delta),
          value: bytes.toString('utf8', start, end),
        })),
    );
  }
}

/** Data and control batches in the order in which they reach the log. */
function place(partition: number, items: readonly LogItem[]): PlacedBatch[] {
  const arrivals: { readonly atMs: number; readonly item: LogItem | null }[] = [];
  for (const item of items) {
    arrivals.push({ atMs: item.atMs, item });
    if (item.type === 'transaction') arrivals.push({ atMs: Math.max(item.atMs, item.endsAtMs), item: null });
  }
  arrivals.sort((a, b) => a.atMs - b.atMs);
  const batches: PlacedBatch[] = [];
  let base = 0;
  for (const { atMs, item } of arrivals) {
    const batch = item === null ? controlBatch(base, atMs) : dataBatch(partition, base, item);
    if (batch.end > base) batches.push(batch);
    base = batch.end;
  }
  return batches;
}

function controlBatch(base: number, atMs: number): PlacedBatch {
  return { base, end: base + 1, atMs, decidedAtMs: atMs, records: [], bytes: NO_BYTES };
}

function dataBatch(partition: number, base: number, item: LogItem): PlacedBatch {
  const { atMs } = item;
  if (item.type === 'hole') {
    return { base, end: base + item.offsets, atMs, decidedAtMs: atMs, records: [], bytes: NO_BYTES };
  }
  const end = base + item.records;
  const decidedAtMs = item.type === 'transaction' ? Math.max(atMs, item.endsAtMs) : atMs;
  if (item.type === 'transaction' && !item.committed)
    return { base, end, atMs, decidedAtMs, records: [], bytes: NO_BYTES };
  const records: PlacedRecord[] = [];
  let text = '';
  for (let delta = 0; delta < item.records; delta += 1) {
    const value = `${partition}:${base + delta}`;
    const isNull = item.nullEvery > 0 && (delta + 1) % item.nullEvery === 0;
    const start = isNull ? -1 : text.length;
    if (!isNull) text += value;
    const timestampMs = item.timestampMs + delta * item.stepMs;
    records.push({ delta, timestampMs, start, end: text.length });
  }
  return { base, end, atMs, decidedAtMs, records, bytes: Buffer.from(text, 'latin1') };
}
