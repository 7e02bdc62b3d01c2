/** Buckets that are times: a record belongs to the folder of its own time, or of the time at which it is written. */
import { DateTime } from 'luxon';
import type { BucketAssigner } from '../rule.ts';
import { renderBucketPattern, type BucketPattern, type BucketUnit } from './pattern.ts';

/** Where records go whose time is no time (NaN, NO_TIME_MS, or out of the calendar's range): never dropped, never guessed. */
export const UNKNOWN_TIME_BUCKET = 'unknown-time';
/** What Kafka gives for a record that was written without a time: not the last millisecond of 1969. */
const NO_TIME_MS = -1;
const UNKNOWN_SLOT = Number.MIN_SAFE_INTEGER;
/** Range of ECMAScript's calendar in milliseconds. */
const TIME_MS_MAX = 8.64e15;

/**
 * 1972-05-01. Since then every zone is offset by whole minutes (Liberia's 44 minutes 30 seconds were the last exception), so that
 * a minute never spans two buckets unless seconds are named. Before, a second is as much as is sure not to.
 */
const WHOLE_MINUTES_SINCE_MS = 73_526_400_000;
const EARLY_SLOT_MS_MAX = 1_000;
/** Sets the numbers of early slots below all others. */
const EARLY_SHIFT = WHOLE_MINUTES_SINCE_MS / EARLY_SLOT_MS_MAX;

/** Length of a slot by the finest unit of the pattern. */
const SLOT_MS: Readonly<Record<BucketUnit, number>> = {
  year: 60_000,
  month: 60_000,
  day: 60_000,
  hour: 60_000,
  minute: 60_000,
  second: 1_000,
  millisecond: 1,
};

/** @param timezone an IANA name. */
export function timeBuckets(
  by: 'record-time' | 'wall-clock',
  pattern: BucketPattern,
  timezone: string,
): BucketAssigner {
  const slotMs = SLOT_MS[pattern.finestUnit];
  const earlySlotMs = Math.min(slotMs, EARLY_SLOT_MS_MAX);
  const lateSlotsFrom = WHOLE_MINUTES_SINCE_MS / slotMs;
  return {
    by,
    slotOf(timeMs) {
      if (timeMs >= WHOLE_MINUTES_SINCE_MS && timeMs <= TIME_MS_MAX) return Math.floor(timeMs / slotMs);
      if (timeMs < WHOLE_MINUTES_SINCE_MS && timeMs >= -TIME_MS_MAX && timeMs !== NO_TIME_MS) {
        return Math.floor(timeMs / earlySlotMs) - EARLY_SHIFT;
      }
      return UNKNOWN_SLOT;
    },
    slotMs,
    isWhole(slot) {
      // Only those between the two kinds of time that are numbered otherwise.
      const fromMs = slot * slotMs;
      return fromMs >= WHOLE_MINUTES_SINCE_MS && fromMs + slotMs <= TIME_MS_MAX;
    },
    bucketOf(slot) {
      if (slot === UNKNOWN_SLOT) return UNKNOWN_TIME_BUCKET;
      const timeMs = slot >= lateSlotsFrom ? slot * slotMs : (slot + EARLY_SHIFT) * earlySlotMs;
      const time = DateTime.fromMillis(timeMs, { zone: timezone });
      return time.isValid ? renderBucketPattern(pattern.tokens, time) : UNKNOWN_TIME_BUCKET;
    },
  };
}
