/** Slots of time: spans whose moments all belong to one folder of a pattern. */
import { DateTime } from 'luxon';
import type { BucketUnit } from '../pattern/pattern.ts';

/** Kafka's timestamp of a record without one; not the last millisecond of 1969. */
const NO_TIME_MS = -1;
const UNKNOWN_SLOT = Number.MIN_SAFE_INTEGER;
/** Range of the ECMAScript calendar, in milliseconds. */
const TIME_MS_MAX = 8.64e15;

/**
 * 1972-05-01. Since then, every zone's offset is in whole minutes (Liberia's 44 minutes 30 seconds was the
 * last exception). So a minute never spans two buckets unless the pattern names seconds. For earlier times,
 * only a second is safe.
 */
const WHOLE_MINUTES_SINCE_MS = 73_526_400_000;
const EARLY_SLOT_MS_MAX = 1_000;
/** Moves the numbers of early slots below all others. */
const EARLY_SHIFT = WHOLE_MINUTES_SINCE_MS / EARLY_SLOT_MS_MAX;

/** Length of a slot in milliseconds, by the finest unit of the pattern. */
const SLOT_MS: Readonly<Record<BucketUnit, number>> = {
  year: 60_000,
  month: 60_000,
  day: 60_000,
  hour: 60_000,
  minute: 60_000,
  second: 1_000,
  millisecond: 1,
};

export interface TimeSlots {
  /** Allocates nothing. */
  slotOf(timeMs: number): number;
  /** Length of a whole slot, in milliseconds. */
  readonly slotMs: number;
  /** Whether the slot covers exactly [slot * slotMs, (slot + 1) * slotMs). */
  isWhole(slot: number): boolean;
  /** A moment of the slot, in the time zone. Null if its records have no valid time. */
  timeOf(slot: number): DateTime<true> | null;
}

/** NaN for a record that was written without a time. */
export const timeOfRecord = (timestampMs: number): number => (timestampMs === NO_TIME_MS ? NaN : timestampMs);

/** @param timezone an IANA name. */
export function timeSlots(finestUnit: BucketUnit, timezone: string): TimeSlots {
  const slotMs = SLOT_MS[finestUnit];
  const earlySlotMs = Math.min(slotMs, EARLY_SLOT_MS_MAX);
  const lateSlotsFrom = WHOLE_MINUTES_SINCE_MS / slotMs;
  return {
    slotOf(timeMs) {
      if (timeMs >= WHOLE_MINUTES_SINCE_MS && timeMs <= TIME_MS_MAX) return Math.floor(timeMs / slotMs);
      if (timeMs < WHOLE_MINUTES_SINCE_MS && timeMs >= -TIME_MS_MAX) {
        return Math.floor(timeMs / earlySlotMs) - EARLY_SHIFT;
      }
      return UNKNOWN_SLOT;
    },
    slotMs,
    isWhole(slot) {
      // A slot across the boundary of early times, or past the calendar's end, is not whole.
      const fromMs = slot * slotMs;
      return fromMs >= WHOLE_MINUTES_SINCE_MS && fromMs + slotMs <= TIME_MS_MAX;
    },
    timeOf(slot) {
      if (slot === UNKNOWN_SLOT) return null;
      const timeMs = slot >= lateSlotsFrom ? slot * slotMs : (slot + EARLY_SHIFT) * earlySlotMs;
      const time = DateTime.fromMillis(timeMs, { zone: timezone });
      return time.isValid ? time : null;
    },
  };
}
