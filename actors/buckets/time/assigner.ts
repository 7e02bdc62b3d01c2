/** Time buckets: a record belongs to the folder of its own time, or of the time at which it is written. */
import { ROUTE_OF_ALL, type BucketAssigner } from '../rule.ts';
import { renderBucketPattern, type BucketToken, type BucketUnit } from '../pattern/pattern.ts';
import { timeOfRecord, timeSlots } from './slots.ts';

/**
 * Bucket of records without a valid time (NaN, NO_TIME_MS, or outside the calendar). They are neither dropped
 * nor given a guessed time.
 */
export const UNKNOWN_TIME_BUCKET = 'unknown-time';

/** A pattern that needs nothing of a record but its time. */
export interface TimePattern {
  readonly tokens: readonly BucketToken[];
  readonly finestUnit: BucketUnit;
}

/** @param timezone an IANA name. */
export function timeBuckets(
  by: 'record-time' | 'wall-clock',
  { tokens, finestUnit }: TimePattern,
  timezone: string,
): BucketAssigner {
  const slots = timeSlots(finestUnit, timezone);
  const bucketOf = (slot: number): string => {
    const time = slots.timeOf(slot);
    return time === null ? UNKNOWN_TIME_BUCKET : renderBucketPattern(tokens, time);
  };
  if (by === 'wall-clock') {
    return {
      slotOf: (_record, wallMs) => slots.slotOf(wallMs),
      bucketOf,
      looksAtRecords: false,
      isKnownAgain: () => false,
      routes: ROUTE_OF_ALL,
    };
  }
  return {
    slotOf: ({ timestampMs }) => slots.slotOf(timeOfRecord(timestampMs)),
    bucketOf,
    looksAtRecords: true,
    isKnownAgain: (hasOwnTimes) => hasOwnTimes,
    routes: { slotMs: slots.slotMs, routeOf: (slot) => (slots.isWhole(slot) ? slot : null) },
  };
}
