/** The least and the greatest value of a column chunk, in the order that Parquet defines for the type. */
import type { Column } from './column.ts';
import { PHYSICAL } from './columnShape.ts';
import { sizeAt } from './dictionary.ts';

/** Longer texts are cut: a bound need not be a value. */
const BOUND_BYTES_MAX = 64;

export interface Statistics {
  readonly nulls: number;
  /** As PLAIN writes them, without a length; undefined if there are no values, or no bound of this length. */
  readonly min: Uint8Array | undefined;
  readonly max: Uint8Array | undefined;
  /** False where the bound is a text that was cut. */
  readonly isMinExact: boolean;
  readonly isMaxExact: boolean;
}

type Bounds = Omit<Statistics, 'nulls'>;

/**
 * @param distinct the column's distinct values, if a dictionary has found them: then only these are compared.
 */
export function statisticsOf(
  column: Column,
  distinct: { readonly bytes: Uint8Array; readonly length: number } | null,
): Statistics {
  const nulls = column.entries - column.values;
  const bytes = distinct?.bytes ?? column.bytes;
  const end = distinct?.length ?? column.used;
  if (column.values === 0) {
    return { nulls, min: undefined, max: undefined, isMinExact: true, isMaxExact: true };
  }
  return { nulls, ...boundsOf(column, bytes, end) };
}

function boundsOf(column: Column, bytes: Uint8Array, end: number): Bounds {
  const { physical, widthBytes, type } = column.shape;
  switch (physical) {
    case PHYSICAL.boolean:
      return exact(Uint8Array.of(bytes.subarray(0, end).includes(0) ? 0 : 1), max1(bytes, end));
    case PHYSICAL.int32:
      return exactOf(int32Bounds(new Int32Array(bytes.buffer, bytes.byteOffset, end / 4)));
    case PHYSICAL.int64:
      return int64Bounds(bytes, end);
    case PHYSICAL.float:
      return exactOf(floatBounds(new Float32Array(bytes.buffer, bytes.byteOffset, end / 4)));
    case PHYSICAL.double:
      return exactOf(floatBounds(new Float64Array(bytes.buffer, bytes.byteOffset, end / 8)));
    case PHYSICAL.fixed:
      return fixedBounds(bytes, end, widthBytes, type.type === 'decimal');
    case PHYSICAL.byteArray:
      return textBounds(bytes, end);
  }
}

const exact = (min: Uint8Array, max: Uint8Array): Bounds => ({
  min,
  max,
  isMinExact: true,
  isMaxExact: true,
});
const max1 = (bytes: Uint8Array, end: number): Uint8Array =>
  Uint8Array.of(bytes.subarray(0, end).includes(1) ? 1 : 0);

/** Not `slice`: a Buffer's own is no copy. */
const copied = (bytes: Uint8Array, at: number, length: number): Uint8Array =>
  Uint8Array.from(bytes.subarray(at, at + length));

/** @param bounds two elements: the least, the greatest. */
function exactOf(bounds: Int32Array | Float32Array | Float64Array): Bounds {
  const bytes = new Uint8Array(bounds.buffer);
  return exact(bytes.subarray(0, bytes.length / 2), bytes.subarray(bytes.length / 2));
}

function int32Bounds(values: Int32Array): Int32Array {
  let min = values[0] ?? 0;
  let max = min;
  for (let index = 1; index < values.length; index += 1) {
    const value = values[index] ?? 0;
    if (value < min) min = value;
    else if (value > max) max = value;
  }
  return Int32Array.of(min, max);
}

/** Without bigint: the high halves decide, then the low ones, which have no sign. */
function int64Bounds(bytes: Uint8Array, end: number): Bounds {
  const halves = new Int32Array(bytes.buffer, bytes.byteOffset, end / 4);
  let min = 0;
  let max = 0;
  let minHigh = halves[1] ?? 0;
  let maxHigh = minHigh;
  for (let at = 2; at < halves.length; at += 2) {
    const high = halves[at + 1] ?? 0;
    if (high < minHigh || (high === minHigh && isBelow(halves, at, min))) {
      min = at;
      minHigh = high;
    }
    if (high > maxHigh || (high === maxHigh && isBelow(halves, max, at))) {
      max = at;
      maxHigh = high;
    }
  }
  return exact(copied(bytes, min * 4, 8), copied(bytes, max * 4, 8));
}

const isBelow = (halves: Int32Array, one: number, other: number): boolean =>
  (halves[one] ?? 0) >>> 0 < (halves[other] ?? 0) >>> 0;

/** A bound that is zero gets the sign that makes it a bound of both zeros. JSON has no NaN. */
function floatBounds<Floats extends Float32Array | Float64Array>(values: Floats): Floats {
  let min = values[0] ?? 0;
  let max = min;
  for (let index = 1; index < values.length; index += 1) {
    const value = values[index] ?? 0;
    if (value < min) min = value;
    else if (value > max) max = value;
  }
  const bounds = values.slice(0, 0);
  const pair = [min === 0 ? -0 : min, max === 0 ? 0 : max];
  return (bounds instanceof Float32Array ? Float32Array.from(pair) : Float64Array.from(pair)) as Floats;
}

/** @param isSigned decimals: two's complement, whose first bit turns the order round. */
function fixedBounds(bytes: Uint8Array, end: number, width: number, isSigned: boolean): Bounds {
  const flip = isSigned ? 0x80 : 0;
  let min = 0;
  let max = 0;
  for (let at = width; at < end; at += width) {
    if (compareFixed(bytes, at, min, width, flip) < 0) min = at;
    else if (compareFixed(bytes, at, max, width, flip) > 0) max = at;
  }
  if (width > BOUND_BYTES_MAX) {
    return { min: undefined, max: undefined, isMinExact: true, isMaxExact: true };
  }
  return exact(copied(bytes, min, width), copied(bytes, max, width));
}

function compareFixed(bytes: Uint8Array, one: number, other: number, width: number, flip: number): number {
  const first = ((bytes[one] ?? 0) ^ flip) - ((bytes[other] ?? 0) ^ flip);
  if (first !== 0) return first;
  for (let index = 1; index < width; index += 1) {
    const difference = (bytes[one + index] ?? 0) - (bytes[other + index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Values with their lengths before them, compared byte by byte without a sign. */
function textBounds(bytes: Uint8Array, end: number): Bounds {
  const words = new DataView(bytes.buffer, bytes.byteOffset, end);
  let min = 0;
  let max = 0;
  for (let at = 4 + sizeAt(bytes, 0); at < end; at += 4 + words.getInt32(at, true)) {
    if (compareSized(words, at, min) < 0) min = at;
    else if (compareSized(words, at, max) > 0) max = at;
  }
  const least = bytes.subarray(min + 4, min + 4 + sizeAt(bytes, min));
  const greatest = bytes.subarray(max + 4, max + 4 + sizeAt(bytes, max));
  const isMinExact = least.length <= BOUND_BYTES_MAX;
  const isMaxExact = greatest.length <= BOUND_BYTES_MAX;
  return {
    min: Uint8Array.from(isMinExact ? least : least.subarray(0, wholeCharacters(least))),
    max: isMaxExact ? Uint8Array.from(greatest) : above(greatest),
    isMinExact,
    isMaxExact,
  };
}

/** Four bytes a step; the last ones alone. */
function compareSized(words: DataView, one: number, other: number): number {
  const oneSize = words.getInt32(one, true);
  const otherSize = words.getInt32(other, true);
  const end = Math.min(oneSize, otherSize) + 4;
  let index = 4;
  for (; index + 4 <= end; index += 4) {
    const first = words.getUint32(one + index);
    const second = words.getUint32(other + index);
    if (first !== second) return first < second ? -1 : 1;
  }
  for (; index < end; index += 1) {
    const difference = words.getUint8(one + index) - words.getUint8(other + index);
    if (difference !== 0) return difference;
  }
  return oneSize - otherSize;
}

/** The most bytes of a long text, up to the maximum, that do not end within a character. */
function wholeCharacters(text: Uint8Array): number {
  let length = BOUND_BYTES_MAX;
  while (length > BOUND_BYTES_MAX - 4 && ((text[length] ?? 0) & 0xc0) === 0x80) length -= 1;
  return length;
}

/** A short text that is greater than the long one: cut, and its last ASCII character one higher. */
function above(text: Uint8Array): Uint8Array | undefined {
  for (let last = BOUND_BYTES_MAX - 1; last >= 0; last -= 1) {
    const byte = text[last] ?? 0;
    if (byte >= 0x7f) continue;
    const bound = Uint8Array.from(text.subarray(0, last + 1));
    bound[last] = byte + 1;
    return bound;
  }
  return undefined;
}
