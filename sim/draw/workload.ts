/** Drawn workloads: a few partitions with batches, transactions and holes, ordered by time. */
import type { SeededRandom } from '../random.ts';
import type { LogItem, RecordShape, Workload } from '../schedule.ts';

const PARTITIONS_MAX = 2;
const ITEMS_MAX = 9;
/** In percent: the last partition is of a second topic. */
const SECOND_SHARE = 25;
const GAP_MS_MAX = 180;
/** The distance between the times of records: from all in one folder to each in its own. */
const STEPS_MS = [0, 1, 700, 60_000, 3_600_000, 86_400_000] as const;
/** Record times that code must not rely on: before 1970, and out of the calendar. */
const ODD_TIMES_MS = [-1, 9e15] as const;

export function drawWorkload(random: SeededRandom, wallStartMs: number): Workload {
  const partitions = Array.from({ length: 1 + random.below(PARTITIONS_MAX) }, () =>
    drawItems(random, wallStartMs),
  );
  const second = partitions.length > 1 && random.percent(SECOND_SHARE) ? { second: 1 } : {};
  return { topic: 'numbers', partitions, ...second };
}

function drawItems(random: SeededRandom, wallStartMs: number): LogItem[] {
  let atMs = 0;
  return Array.from({ length: 1 + random.below(ITEMS_MAX) }, () => {
    atMs += random.below(GAP_MS_MAX + 1);
    return drawItem(random, atMs, wallStartMs);
  });
}

function drawItem(random: SeededRandom, atMs: number, wallStartMs: number): LogItem {
  const type = random.weighted(['records', 'transaction', 'hole'] as const, (one) => WEIGHTS[one]);
  if (type === 'hole') return { type, atMs, offsets: 1 + random.below(5) };
  const shape = drawShape(random, wallStartMs);
  if (type === 'records') return { type, atMs, ...shape };
  return { type, atMs, endsAtMs: atMs + random.below(401), committed: random.percent(50), ...shape };
}

const WEIGHTS = { records: 5, transaction: 2, hole: 1 } as const;

function drawShape(random: SeededRandom, wallStartMs: number): RecordShape {
  const isOdd = random.percent(3);
  return {
    records: 1 + random.below(6),
    nullEvery: random.pick([0, 0, 0, 2, 3]),
    timestampMs: isOdd ? random.pick(ODD_TIMES_MS) : wallStartMs + 1_000 * random.below(5),
    stepMs: random.pick(STEPS_MS),
  };
}
