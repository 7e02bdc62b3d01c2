/** How fast records come, by what the source shows of them. Pure. */

const HOUR_MS = 3_600_000;

export type Rate =
  | {
      readonly type: 'known';
      readonly recordsPerSecond: number;
      /** The time that it is the mean of. */
      readonly windowMs: number;
      /** `lastHour`: by the offsets of the last hour. `sample`: by the times of the sampled records. */
      readonly basis: 'lastHour' | 'sample';
    }
  | { readonly type: 'unknown'; readonly why: string }
  /** There is no record to tell it by. */
  | { readonly type: 'none' };

export interface RateFacts {
  readonly records: number;
  /** Offsets that they were found in: more, where a log has holes. */
  readonly offsets: bigint;
  readonly firstMs: number | null;
  readonly lastMs: number | null;
  /** Offsets of the last hour; null if the log is younger, or the source cannot tell. */
  readonly offsetsOfHour: bigint | null;
}

/** The last hour tells it best: records often come in bursts, and a sample may be one. */
export function rateOf({ records, offsets, firstMs, lastMs, offsetsOfHour }: RateFacts): Rate {
  if (records === 0 || firstMs === null || lastMs === null) return { type: 'none' };
  if (offsetsOfHour !== null && offsetsOfHour > 0n) {
    const perOffset = records / Math.max(1, Number(offsets));
    const recordsPerSecond = (Number(offsetsOfHour) * perOffset * 1_000) / HOUR_MS;
    return { type: 'known', recordsPerSecond, windowMs: HOUR_MS, basis: 'lastHour' };
  }
  if (records === 1) return { type: 'unknown', why: 'one record shows no rate' };
  const windowMs = lastMs - firstMs;
  if (windowMs === 0) return { type: 'unknown', why: 'the sampled records all have the same time' };
  return {
    type: 'known',
    recordsPerSecond: ((records - 1) * 1_000) / windowMs,
    windowMs,
    basis: 'sample',
  };
}

/** Where the last hour begins. */
export const hourBefore = (wallMs: number): number => wallMs - HOUR_MS;
