/**
 * Dates and times of ISO 8601 from their bytes. They are read without a Date, which keeps milliseconds alone.
 */
import { COLON, DOT, isDigit, MINUS, PLUS, ZERO } from './ascii.ts';

const DAY_SECONDS = 86_400;
const LETTER_T = 0x74;
const LETTER_Z = 0x7a;
const BLANK = 0x20;
const DATE_LENGTH = 10;

/** What was read last. One object, filled again and again: nothing is allocated per value. */
export const isoTime = {
  /** Days since the epoch. */
  days: 0,
  /** Seconds since the epoch, or since midnight; may be negative. */
  seconds: 0,
  /** Nanoseconds of that second. Digits beyond them are cut off. */
  nanos: 0,
};

/** Reads `2026-01-31`. False, here and below: the bytes are none. */
export function readDate(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start === DATE_LENGTH && dateAt(bytes, start);
}

/** Reads `23:59:59.999`; seconds may be missing. */
export function readTime(bytes: Uint8Array, start: number, end: number): boolean {
  return clockEnd(bytes, start, end) === end;
}

/**
 * Reads `2026-01-31T23:59:59.999+01:00`; a blank may stand for the T.
 * @param isUtc whether it is a moment, and so must say its offset (or Z); else it must not.
 */
export function readTimestamp(bytes: Uint8Array, start: number, end: number, isUtc: boolean): boolean {
  if (end - start < DATE_LENGTH + 6 || !dateAt(bytes, start)) return false;
  const { days } = isoTime;
  const between = bytes[start + DATE_LENGTH] ?? 0;
  if (between !== BLANK && (between | 0x20) !== LETTER_T) return false;
  const next = clockEnd(bytes, start + DATE_LENGTH + 1, end);
  if (next < 0) return false;
  isoTime.seconds += days * DAY_SECONDS;
  if (!isUtc) return next === end;
  const offset = offsetSeconds(bytes, next, end);
  if (Number.isNaN(offset)) return false;
  isoTime.seconds -= offset;
  return true;
}

/** Fills `days`. Ten bytes are there. */
function dateAt(bytes: Uint8Array, at: number): boolean {
  const century = twoDigits(bytes, at);
  const yearOfCentury = twoDigits(bytes, at + 2);
  const month = twoDigits(bytes, at + 5);
  const day = twoDigits(bytes, at + 8);
  if (century < 0 || yearOfCentury < 0 || bytes[at + 4] !== MINUS || bytes[at + 7] !== MINUS) return false;
  const year = century * 100 + yearOfCentury;
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return false;
  isoTime.days = daysSinceEpoch(year, month, day);
  return true;
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Years are counted from March, so that a leap day is the last of its year. */
function daysSinceEpoch(year: number, month: number, day: number): number {
  const years = month > 2 ? year : year - 1;
  const months = month > 2 ? month - 3 : month + 9;
  const leapDays = Math.floor(years / 4) - Math.floor(years / 100) + Math.floor(years / 400);
  return years * 365 + leapDays + Math.floor((153 * months + 2) / 5) + day - 1 - 719_468;
}

/** Fills `seconds` and `nanos` from `12:34:56.789`. Returns where it ends, or -1. */
function clockEnd(bytes: Uint8Array, at: number, end: number): number {
  if (at + 5 > end) return -1;
  const hours = twoDigits(bytes, at);
  const minutes = twoDigits(bytes, at + 3);
  if (hours < 0 || hours > 23 || bytes[at + 2] !== COLON || minutes < 0 || minutes > 59) return -1;
  isoTime.seconds = hours * 3600 + minutes * 60;
  isoTime.nanos = 0;
  if (at + 5 === end || bytes[at + 5] !== COLON) return at + 5;
  if (at + 8 > end) return -1;
  const seconds = twoDigits(bytes, at + 6);
  if (seconds < 0 || seconds > 59) return -1;
  isoTime.seconds += seconds;
  return at + 8 < end && bytes[at + 8] === DOT ? fractionEnd(bytes, at + 9, end) : at + 8;
}

function fractionEnd(bytes: Uint8Array, at: number, end: number): number {
  let next = at;
  let weight = 100_000_000;
  while (next < end && isDigit(bytes[next] ?? 0)) {
    isoTime.nanos += weight >= 1 ? ((bytes[next] ?? 0) - ZERO) * weight : 0;
    weight /= 10;
    next += 1;
  }
  return next === at ? -1 : next;
}

/** Of `Z`, `+01:00`, `+0100` or `+01`, which must be all that is left; NaN for everything else. */
function offsetSeconds(bytes: Uint8Array, at: number, end: number): number {
  const sign = bytes[at] ?? 0;
  if (at + 1 === end && (sign | 0x20) === LETTER_Z) return 0;
  if (at + 3 > end || (sign !== PLUS && sign !== MINUS)) return NaN;
  const hours = twoDigits(bytes, at + 1);
  const minutesAt = at + 3 < end && bytes[at + 3] === COLON ? at + 4 : at + 3;
  const hasMinutes = at + 3 < end;
  const minutes = hasMinutes ? (minutesAt + 2 === end ? twoDigits(bytes, minutesAt) : -1) : 0;
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return NaN;
  const seconds = hours * 3600 + minutes * 60;
  return sign === MINUS ? -seconds : seconds;
}

/** The number of two digits, or -1. */
function twoDigits(bytes: Uint8Array, at: number): number {
  const tens = bytes[at] ?? 0;
  const ones = bytes[at + 1] ?? 0;
  return isDigit(tens) && isDigit(ones) ? (tens - ZERO) * 10 + ones - ZERO : -1;
}
