/** What reaches a log, ordered by time, and its layout as batches. */
import type { LogItem } from '../schedule.ts';
import type { PlacedBatch, PlacedRecord } from './partitionLog.ts';

export interface Arrival {
  readonly atMs: number;
  /** Null: the control record that ends the transaction of `ends`. */
  readonly item: LogItem | null;
  readonly ends: Arrival | null;
}

export interface Placing {
  /** In values: names the partition and its log. */
  readonly name: string;
  readonly base: number;
  readonly epoch: number;
}

const NO_BYTES = Buffer.alloc(0);
const OTHERS_EACH = 3;

export function arrivalsOf(items: readonly LogItem[]): Arrival[] {
  const arrivals: Arrival[] = [];
  for (const item of items) {
    const arrival: Arrival = { atMs: item.atMs, item, ends: null };
    arrivals.push(arrival);
    if (item.type === 'transaction')
      arrivals.push({ atMs: Math.max(item.atMs, item.endsAtMs), item: null, ends: arrival });
  }
  return arrivals.sort((a, b) => a.atMs - b.atMs);
}

/** That many records that nobody had seen, at once, with the times of the earlier ones. */
export function others(records: number, atMs: number, before: readonly PlacedBatch[]): Arrival[] {
  const like = before.findLast(({ arrival }) => (arrival.item?.type ?? 'hole') !== 'hole')?.arrival.item;
  const [timestampMs, stepMs] =
    like === undefined || like === null || like.type === 'hole' ? [0, 0] : [like.timestampMs, like.stepMs];
  const batches = Math.ceil(records / OTHERS_EACH);
  return Array.from({ length: batches }, (_, index) => {
    const size = Math.min(OTHERS_EACH, records - index * OTHERS_EACH);
    return {
      ...{ atMs, ends: null },
      item: { type: 'records', atMs, records: size, nullEvery: 0, timestampMs, stepMs },
    };
  });
}

/** Data and control batches in the order in which they reach the log. */
export function place(arrivals: readonly Arrival[], { name, base: first, epoch }: Placing): PlacedBatch[] {
  const batches: PlacedBatch[] = [];
  let base = first;
  for (const arrival of arrivals) {
    const placed = { base, atMs: arrival.atMs, arrival, epoch };
    const batch = { ...placed, ...contentOf(name, base, arrival) };
    if (batch.end > base) batches.push(batch);
    base = batch.end;
  }
  return batches;
}

type Content = Pick<PlacedBatch, 'end' | 'decidedAtMs' | 'records' | 'bytes'>;

function contentOf(log: string, base: number, { atMs, item }: Arrival): Content {
  const nothing = { decidedAtMs: atMs, records: [], bytes: NO_BYTES };
  if (item === null) return { end: base + 1, ...nothing };
  if (item.type === 'hole') return { end: base + item.offsets, ...nothing };
  const end = base + item.records;
  const decidedAtMs = item.type === 'transaction' ? Math.max(atMs, item.endsAtMs) : atMs;
  if (item.type === 'transaction' && !item.committed) return { ...nothing, end, decidedAtMs };
  const records: PlacedRecord[] = [];
  let text = '';
  for (let delta = 0; delta < item.records; delta += 1) {
    const name = `${log}:${base + delta}`;
    const isNull = item.nullEvery > 0 && (delta + 1) % item.nullEvery === 0;
    const start = isNull ? -1 : text.length;
    if (!isNull) text += name;
    const timestampMs = item.timestampMs + delta * item.stepMs;
    records.push({ delta, timestampMs, name, start, end: text.length });
  }
  return { end, decidedAtMs, records, bytes: Buffer.from(text, 'latin1') };
}
