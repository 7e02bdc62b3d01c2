/**
 * The usual forms of plain values, straight from JSON's bytes into a column: no string, no bigint, nothing
 * allocated. Whatever is unusual is left to the complete path, which must come to the same.
 */
import {
  BACKSLASH,
  DOT,
  isDigit,
  LOWER_E,
  LOWER_F,
  LOWER_T,
  MINUS,
  QUOTE,
  SPACE,
  UPPER_E,
  utf8Length,
  ZERO,
} from '../../../kernels/text/ascii.ts';
import type { Column } from './column.ts';
import { KIND, PHYSICAL } from './columnShape.ts';
import { addText } from './leafText.ts';
import { composeInt64, int64, setInt64 } from './numbers.ts';

/** Digits that a double holds exactly, whatever they are. */
const EXACT_DIGITS = 15;
const INT64_DIGITS = 19;
const TAIL_DIGITS = 9;
const TAIL_FACTOR = 1e9;
/** Below this a double holds each whole number. */
const EXACT_MAX = 2 ** 53;

/** Powers of ten that a double holds exactly: dividing by one of them rounds once, and so correctly. */
const POWERS = Float64Array.from({ length: 23 }, (_, power) => Number(`1e${power}`));

/**
 * Appends the value that begins at `at`, and returns where it ends; -1, and nothing appended, if it is not
 * usual.
 */
export function addUsual(column: Column, bytes: Uint8Array, at: number, end: number): number {
  switch (column.kind) {
    case KIND.string:
      return addUsualString(column, bytes, at, end);
    case KIND.long:
    case KIND.int:
      return addUsualInteger(column, bytes, at, end);
    case KIND.double:
    case KIND.float:
      return addUsualDouble(column, bytes, at, end);
    case KIND.boolean:
      return addUsualBoolean(column, bytes, at, end);
    case KIND.timestamp:
    case KIND.date:
      return bytes[at] === QUOTE
        ? addUsualText(column, bytes, at, end)
        : addUsualInteger(column, bytes, at, end);
    case KIND.json:
      return -1;
    default:
      return bytes[at] === QUOTE ? addUsualText(column, bytes, at, end) : -1;
  }
}

/** Copies while it looks for the end: one pass. */
function addUsualString(column: Column, bytes: Uint8Array, at: number, end: number): number {
  if (bytes[at] !== QUOTE) return -1;
  // The string may take all of the record that is left: then nothing has to be checked byte by byte.
  if (column.used + 4 + end - at > column.bytes.length) column.grow(4 + end - at);
  const to = column.bytes;
  let write = column.used + 4;
  let next = at + 1;
  while (next < end) {
    const byte = bytes[next] ?? 0;
    // Letters and digits come first: nearly all are.
    if ((byte > QUOTE && byte < 0x80 && byte !== BACKSLASH) || byte === SPACE || byte === SPACE + 1) {
      to[write] = byte;
      write += 1;
      next += 1;
      continue;
    }
    if (byte === QUOTE) {
      column.endSized(write);
      return next + 1;
    }
    if (byte < 0x80) return -1;
    const length = utf8Length(bytes, next, end);
    if (length === 0) return -1;
    for (let index = 0; index < length; index += 1) to[write + index] = bytes[next + index] ?? 0;
    write += length;
    next += length;
  }
  return -1;
}

function addUsualText(column: Column, bytes: Uint8Array, at: number, end: number): number {
  let next = at + 1;
  while (next < end) {
    const byte = bytes[next] ?? 0;
    if (byte === QUOTE) return addText(column, bytes, at + 1, next) === null ? next + 1 : -1;
    if (byte < SPACE || byte === BACKSLASH || byte >= 0x80) return -1;
    next += 1;
  }
  return -1;
}

function addUsualInteger(column: Column, bytes: Uint8Array, at: number, end: number): number {
  const isNegative = bytes[at] === MINUS;
  const first = isNegative ? at + 1 : at;
  let next = first;
  let value = 0;
  while (next < end) {
    const digit = (bytes[next] ?? 0) - ZERO;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
    next += 1;
  }
  const digits = next - first;
  if (digits > INT64_DIGITS || !isUsualEnd(bytes, first, next, next, end)) return -1;
  if (column.shape.physical === PHYSICAL.int32) {
    const signed = isNegative ? -value : value;
    if (signed !== (signed | 0)) return -1;
    column.addInt32(signed);
    return next;
  }
  if (digits <= EXACT_DIGITS) setInt64(isNegative ? -value : value);
  else if (!composeLong(bytes, first, next, isNegative)) return -1;
  column.addInt64(int64.low, int64.high);
  return next;
}

/** Fills `int64` from 16 to 19 digits. */
function composeLong(bytes: Uint8Array, first: number, end: number, isNegative: boolean): boolean {
  const head = digitsValue(bytes, first, end - TAIL_DIGITS);
  const tail = digitsValue(bytes, end - TAIL_DIGITS, end);
  return composeInt64(head, TAIL_FACTOR, tail, isNegative);
}

function digitsValue(bytes: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let at = start; at < end; at += 1) value = value * 10 + (bytes[at] ?? 0) - ZERO;
  return value;
}

function addUsualDouble(column: Column, bytes: Uint8Array, at: number, end: number): number {
  const isNegative = bytes[at] === MINUS;
  const first = isNegative ? at + 1 : at;
  let next = first;
  let value = 0;
  let pointAt = -1;
  while (next < end) {
    const byte = bytes[next] ?? 0;
    if (isDigit(byte)) value = value * 10 + byte - ZERO;
    else if (byte === DOT && pointAt < 0) pointAt = next;
    else break;
    next += 1;
  }
  const wholeEnd = pointAt < 0 ? next : pointAt;
  const fractionDigits = pointAt < 0 ? 0 : next - pointAt - 1;
  if (next === pointAt + 1 || !isUsualEnd(bytes, first, wholeEnd, next, end)) return -1;
  // Sums that have passed 2^53 only grow: one look at the end is enough.
  if (value >= EXACT_MAX || fractionDigits >= POWERS.length) return -1;
  const scaled = fractionDigits === 0 ? value : value / (POWERS[fractionDigits] ?? 1);
  addFloating(column, isNegative ? -scaled : scaled);
  return next;
}

/** Below 2^53 nothing is out of the range of a float. */
function addFloating(column: Column, value: number): void {
  if (column.kind === KIND.double) column.addDouble(value);
  else column.addFloat(value);
}

/**
 * Whether the whole digits [first, wholeEnd) are some, without a zero before them, and no more follows the
 * number.
 */
function isUsualEnd(bytes: Uint8Array, first: number, wholeEnd: number, next: number, end: number): boolean {
  if (wholeEnd === first || (bytes[first] === ZERO && wholeEnd > first + 1)) return false;
  const byte = next < end ? (bytes[next] ?? 0) : 0;
  return byte !== DOT && byte !== LOWER_E && byte !== UPPER_E;
}

function addUsualBoolean(column: Column, bytes: Uint8Array, at: number, end: number): number {
  if (bytes[at] === LOWER_T) {
    if (at + 4 > end || bytes[at + 1] !== 0x72 || bytes[at + 2] !== 0x75 || bytes[at + 3] !== LOWER_E)
      return -1;
    column.addBoolean(1);
    return at + 4;
  }
  if (bytes[at] !== LOWER_F || at + 5 > end) return -1;
  if (bytes[at + 1] !== 0x61 || bytes[at + 2] !== 0x6c || bytes[at + 3] !== 0x73) return -1;
  if (bytes[at + 4] !== LOWER_E) return -1;
  column.addBoolean(0);
  return at + 5;
}
