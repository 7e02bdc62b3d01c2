/** A line that is made piece by piece, in memory that is used again for the next one. */

import { ZERO } from '../../kernels/text/ascii.ts';

const FIRST_BYTES = 4 * 1024;
/** Of the largest number that is exact. */
const DIGITS_MAX = 16;
/** Numbers below it fit into 32 bits, for which division is fast. */
const HALF = 100_000_000;
const HALF_DIGITS = 8;

export class LineScratch {
  bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  end = 0;

  clear(): void {
    this.end = 0;
  }

  /** Makes room for that many more bytes. */
  reserve(more: number): void {
    if (this.end + more <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(this.end + more)));
    this.bytes.copy(larger, 0, 0, this.end);
    this.bytes = larger;
  }

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.end++] = value;
  }

  copy(from: Buffer, start: number, end: number): void {
    this.reserve(end - start);
    this.end += from.copy(this.bytes, this.end, start, end);
  }

  /** ASCII. For fixed, short texts only: a call of `Buffer.write` would take longer than these bytes. */
  ascii(text: string): void {
    this.reserve(text.length);
    const { bytes } = this;
    let { end } = this;
    for (let at = 0; at < text.length; at += 1) bytes[end++] = text.charCodeAt(at);
    this.end = end;
  }

  /** A safe integer in decimal. */
  whole(value: number): void {
    if (value < 0) {
      this.ascii(String(value));
      return;
    }
    this.reserve(DIGITS_MAX);
    if (value < HALF) {
      this.end = this.#digits(value, digitsOf(value));
      return;
    }
    const high = Math.floor(value / HALF);
    this.end = this.#digits(high, digitsOf(high));
    this.end = this.#digits(value - high * HALF, HALF_DIGITS);
  }

  /** Writes that many digits, with zeros before the number; returns where they end. */
  #digits(value: number, digits: number): number {
    const { bytes } = this;
    const end = this.end + digits;
    let left = value;
    for (let at = end - 1; at >= this.end; at -= 1) {
      const tenth = (left / 10) | 0;
      bytes[at] = ZERO + left - tenth * 10;
      left = tenth;
    }
    return end;
  }
}

/** Of a number from 0 to below 10^9. */
function digitsOf(value: number): number {
  let digits = 1;
  for (let above = 10; value >= above; above *= 10) digits += 1;
  return digits;
}
