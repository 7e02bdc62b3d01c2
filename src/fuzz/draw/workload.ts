/** Drawn workloads: a few partitions with batches, transactions and holes, in the order of their times. */
import fc from 'fast-check';
import type { LogItem, RecordShape, Workload } from '../schedule.ts';

export const PARTITIONS_MAX = 2;
const ITEMS_MAX = 9;
const GAP_MS_MAX = 180;
/** How far apart the times of records are: within one folder, or each in another. */
const STEPS_MS = [0, 1, 700, 60_000, 3_600_000, 86_400_000] as const;
/** Record times that nothing can rely on: before 1970, and out of the calendar. */
const ODD_TIMES_MS = [-1, 9e15] as const;

/** A workload whose record times still wait for the world's clock. */
export type DrawnWorkload = (wallStartMs: number) => Workload;

export const workloadArbitrary: fc.Arbitrary<DrawnWorkload> = fc
  .array(fc.array(drawnItem(), { minLength: 1, maxLength: ITEMS_MAX, size: 'max' }), {
    minLength: 1,
    maxLength: PARTITIONS_MAX,
    size: 'max',
  })
  .map((logs) => (wallStartMs) => ({
    topic: 'numbers',
    partitions: logs.map((items) => placed(items, wallStartMs)),
  }));

interface DrawnItem {
  /** Since the item before. */
  readonly afterMs: number;
  /** Its own times are counted from its beginning. */
  readonly item: LogItem;
  /** Null: as long after the world's start as the item's timestampMs says. */
  readonly oddTimeMs: number | null;
}

function placed(items: readonly DrawnItem[], wallStartMs: number): LogItem[] {
  let atMs = 0;
  return items.map(({ afterMs, item, oddTimeMs }) => {
    atMs += afterMs;
    if (item.type === 'hole') return { ...item, atMs };
    const timestampMs = oddTimeMs ?? wallStartMs + item.timestampMs;
    if (item.type === 'records') return { ...item, atMs, timestampMs };
    return { ...item, atMs, endsAtMs: atMs + item.endsAtMs, timestampMs };
  });
}

function drawnItem(): fc.Arbitrary<DrawnItem> {
  const shape: fc.Arbitrary<RecordShape> = fc.record({
    records: fc.integer({ min: 1, max: 6 }),
    nullEvery: fc.constantFrom(0, 0, 0, 2, 3),
    timestampMs: fc.nat(4).map((seconds) => 1_000 * seconds),
    stepMs: fc.constantFrom(...STEPS_MS),
  });
  const records = shape.map((one): LogItem => ({ type: 'records', atMs: 0, ...one }));
  const transaction = fc
    .record({ shape, committed: fc.boolean(), endsAtMs: fc.nat(400) })
    .map(({ shape: one, ...rest }): LogItem => ({ type: 'transaction', atMs: 0, ...rest, ...one }));
  const hole = fc.integer({ min: 1, max: 5 }).map((offsets): LogItem => ({ type: 'hole', atMs: 0, offsets }));
  return fc.record({
    afterMs: fc.nat(GAP_MS_MAX),
    item: fc.oneof(
      { withCrossShrink: true },
      { weight: 5, arbitrary: records },
      { weight: 2, arbitrary: transaction },
      { weight: 1, arbitrary: hole },
    ),
    oddTimeMs: fc.option(fc.constantFrom(...ODD_TIMES_MS), { freq: 30, nil: null }),
  });
}
