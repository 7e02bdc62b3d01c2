/**
 * The log of a stretch: what each checkpoint was the first to count arrives between it and the one before.
 */
import type { LogItem } from '../schedule.ts';
import type { Read, Reads } from './reads.ts';
import type { HistorySettings } from './settings.ts';

/** A file for each of very many buckets says no more than some. */
const BUCKETS_MAX = 24;
const HOLES_MAX = 50;

/** Where each item's offsets begin in the journal, for faults that concern a range of them. */
export interface PlacedItem {
  readonly item: LogItem;
  readonly fromOffset: bigint;
}

type Shape = LogItem extends infer Item ? (Item extends LogItem ? Omit<Item, 'atMs'> : never) : never;

/** `atMs`: the world's time of each entry of the stretch. */
export function itemsOf(
  { reads }: Reads,
  settings: HistorySettings,
  atMs: (index: number) => number,
): readonly PlacedItem[] {
  let nowMs = 0;
  return reads.flatMap((read) => {
    const shapes = shapesOf(read, settings);
    const endMs = atMs(read.index);
    const beginMs =
      read.after === null ? Math.max(0, endMs - settings.config.checkpointIntervalMs) : atMs(read.after);
    return shapes.map((shape, index) => {
      const share = (index + 1) / (shapes.length + 1);
      nowMs = Math.max(nowMs, Math.round(beginMs + share * (endMs - beginMs)));
      const item: LogItem = { ...shape, atMs: nowMs };
      return { item, fromOffset: read.fromOffset };
    });
  });
}

function shapesOf(read: Read, { recordScale, timeOfBucket, config }: HistorySettings): Shape[] {
  const scaled = (count: number): number => (count === 0 ? 0 : Math.max(1, Math.round(count * recordScale)));
  const timeOf = (bucket: string): number => timeOfBucket.get(bucket) ?? config.wallStartMs;
  const records = [...read.records].slice(0, BUCKETS_MAX).map(([bucket, count]): Shape => ({
    ...{ type: 'records', records: scaled(count), nullEvery: 0 },
    ...{ timestampMs: timeOf(bucket), stepMs: 0 },
  }));
  const nulls: Shape = {
    ...{ type: 'records', records: scaled(read.nullValues), nullEvery: 1 },
    ...{ timestampMs: config.wallStartMs, stepMs: 0 },
  };
  const holes: Shape = { type: 'hole', offsets: Math.min(HOLES_MAX, scaled(read.holes)) };
  return [...(read.holes > 0 ? [holes] : []), ...(read.nullValues > 0 ? [nulls] : []), ...records];
}
