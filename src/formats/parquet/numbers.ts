/** Numbers from their decimal text, exactly, without floating point where that would lose digits. */
import { DOT, isDigit, LOWER_E, MINUS, UPPER_E, ZERO } from '../../../kernels/text/ascii.ts';
import type { BadReason } from './badValue.ts';

const TWO_32 = 2 ** 32;
/** More than any type keeps: longer numbers are out of range, or too precise, whatever their digits are. */
const DIGITS_MAX = 60;
const EXPONENT_MAX = 1_000_000;

/** A 64-bit number in two halves. One object, filled again and again: nothing is allocated per value. */
export const int64 = { low: 0, high: 0 };

/**
 * Fills `int64` with head * factor + tail, negated if asked. False if it does not fit.
 * @param head below 2^38. @param factor up to 10^9. @param tail below 2^31.
 */
export function composeInt64(head: number, factor: number, tail: number, isNegative: boolean): boolean {
  // head is taken in two parts, so that each product stays below 2^53.
  const upper = Math.floor(head / 65536) * factor;
  const sum = (head % 65536) * factor + tail + (upper % 65536) * 65536;
  const low = sum % TWO_32;
  const high = Math.floor(upper / 65536) + Math.floor(sum / TWO_32);
  const isLeast = isNegative && high === 0x80000000 && low === 0;
  if (high > 0x7fffffff && !isLeast) return false;
  if (isNegative) setNegative(low, high);
  else {
    int64.low = low | 0;
    int64.high = high | 0;
  }
  return true;
}

/** Fills `int64` from a whole number of at most 53 bits. */
export function setInt64(value: number): void {
  const high = Math.floor(value / TWO_32);
  int64.low = (value - high * TWO_32) | 0;
  int64.high = high | 0;
}

function setNegative(low: number, high: number): void {
  int64.low = -low | 0;
  int64.high = (low === 0 ? -high : ~high) | 0;
}

/** Fills `int64`. False if the number needs more than 64 bits. */
export function setBigInt64(value: bigint): boolean {
  if (BigInt.asIntN(64, value) !== value) return false;
  int64.low = Number(BigInt.asIntN(32, value));
  int64.high = Number(BigInt.asIntN(32, value >> 32n));
  return true;
}

/**
 * The number times 10^scale, which must be whole.
 * @param start start of the text of a number by JSON's grammar; it ends before `end`.
 */
export function exactNumber(
  bytes: Uint8Array,
  start: number,
  end: number,
  scale: number,
): bigint | BadReason {
  const isNegative = bytes[start] === MINUS;
  let digits = '';
  // Zeros that count only if another digit follows.
  let zeros = 0;
  let exponent = scale;
  let isFraction = false;
  let at = isNegative ? start + 1 : start;
  for (; at < end; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte === DOT) {
      isFraction = true;
      continue;
    }
    if (!isDigit(byte)) break;
    if (isFraction) exponent -= 1;
    if (byte === ZERO) {
      if (digits !== '') zeros += 1;
      continue;
    }
    if (digits.length + zeros > DIGITS_MAX) return isFraction ? 'precision' : 'outOfRange';
    digits += '0'.repeat(zeros) + String.fromCharCode(byte);
    zeros = 0;
  }
  if (digits === '') return 0n;
  exponent += zeros + exponentOf(bytes, at, end);
  if (exponent < 0) return 'precision';
  if (digits.length + exponent > DIGITS_MAX) return 'outOfRange';
  const magnitude = BigInt(digits) * 10n ** BigInt(exponent);
  return isNegative ? -magnitude : magnitude;
}

function exponentOf(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end || (bytes[at] !== LOWER_E && bytes[at] !== UPPER_E)) return 0;
  let exponent = 0;
  for (let next = at + 1; next < end; next += 1) {
    const byte = bytes[next] ?? 0;
    if (isDigit(byte)) exponent = Math.min(EXPONENT_MAX * 1000, exponent * 10 + byte - ZERO);
  }
  return bytes[at + 1] === MINUS ? -exponent : exponent;
}
