/**
 * The distinct values of a column chunk, and for each value which one it is. Made when the row group ends:
 * then it is known whether a dictionary pays.
 */
import type { Column } from './column.ts';
import { PHYSICAL } from './columnShape.ts';
import { GrowingBytes } from './growingBytes.ts';
import { bitsFor } from './hybrid.ts';

const ENTRIES_MAX = 1 << 16;
const BYTES_MAX = 1 << 20;
/** After so many values it is judged whether it goes on. */
const SAMPLE = 4096;
/** A value that is not found in so few steps ends the dictionary: values may be made to collide. */
const PROBES_MAX = 32;
/** Header of the page, and what it costs to read one more. */
const OVERHEAD_BYTES = 64;

export class Dictionary {
  /** The distinct values, as PLAIN writes them. */
  readonly values = new GrowingBytes();
  count = 0;
  /** Which one each value of the chunk is. */
  indices = new Uint16Array(1024);
  /** Entry plus one by hash; 0 is free. */
  #slots = new Int32Array(1024);
  #mask = 1023;
  #starts = new Int32Array(256);
  /** Of the column, and of the distinct values: four bytes at once, wherever they begin. */
  #words = wordsOf(this.#slots);
  #knownWords = wordsOf(this.#slots);

  /**
   * Fills itself from the column's values. False if a dictionary does not pay: then its content is undefined.
   */
  fill(column: Column): boolean {
    if (column.values === 0 || column.shape.physical === PHYSICAL.boolean) return false;
    this.#prepare(column);
    const width = column.shape.widthBytes;
    let at = 0;
    for (let index = 0; index < column.values; index += 1) {
      const end = at + (width === 0 ? 4 + this.#words.getInt32(at, true) : width);
      const entry = this.#entryOf(column.bytes, at, end);
      if (entry < 0) return false;
      this.indices[index] = entry;
      if (index === SAMPLE && this.count > SAMPLE / 2) return false;
      at = end;
    }
    return this.#pays(column);
  }

  #pays(column: Column): boolean {
    const indexBytes = (column.values * bitsFor(this.count - 1)) / 8;
    return this.values.length + indexBytes + OVERHEAD_BYTES < column.used * 0.75;
  }

  #prepare({ bytes, values }: Column): void {
    this.#words = wordsOf(bytes);
    this.values.clear();
    this.#knownWords = wordsOf(this.values.bytes);
    this.count = 0;
    if (this.indices.length < values) this.indices = new Uint16Array(values);
    let size = 1024;
    while (size < 2 * Math.min(values, ENTRIES_MAX)) size *= 2;
    if (this.#slots.length < size) this.#slots = new Int32Array(size);
    else this.#slots.fill(0, 0, size);
    this.#mask = size - 1;
  }

  /** The entry of bytes[start, end), a new one if need be; -1 if there is no room. */
  #entryOf(bytes: Uint8Array, start: number, end: number): number {
    const slots = this.#slots;
    const mask = this.#mask;
    let slot = this.#hashOf(bytes, start, end) & mask;
    for (let probe = 0; probe < PROBES_MAX; probe += 1) {
      const entry = (slots[slot] ?? 0) - 1;
      if (entry < 0) return this.#add(bytes, start, end, slot);
      if (this.#equals(entry, bytes, start, end)) return entry;
      slot = (slot + 1) & mask;
    }
    return -1;
  }

  /**
   * Four bytes a step, from the end: the length comes first, so that no value is the beginning of another.
   */
  #equals(entry: number, bytes: Uint8Array, start: number, end: number): boolean {
    const at = this.#starts[entry] ?? 0;
    const known = this.values.bytes;
    let index = end - start;
    // A longer one than the last entry.
    if (at + index > this.values.length) return false;
    for (; index >= 4; index -= 4) {
      if (this.#knownWords.getInt32(at + index - 4) !== this.#words.getInt32(start + index - 4)) return false;
    }
    while (index > 0) {
      index -= 1;
      if (known[at + index] !== bytes[start + index]) return false;
    }
    return true;
  }

  /** Four bytes a step; the last ones alone. */
  #hashOf(bytes: Uint8Array, start: number, end: number): number {
    let hash = 0x811c9dc5 ^ (end - start);
    let at = start;
    for (; at + 4 <= end; at += 4) {
      hash = Math.imul(hash ^ this.#words.getInt32(at), 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    for (; at < end; at += 1) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193);
    hash ^= hash >>> 15;
    return Math.imul(hash, 0x2c1b3c6d) >>> 8;
  }

  #add(bytes: Uint8Array, start: number, end: number, slot: number): number {
    const entry = this.count;
    if (entry >= ENTRIES_MAX || this.values.length + end - start > BYTES_MAX) return -1;
    if (entry >= this.#starts.length) {
      const grown = new Int32Array(2 * entry);
      grown.set(this.#starts);
      this.#starts = grown;
    }
    this.#starts[entry] = this.values.length;
    this.values.add(bytes.subarray(start, end));
    if (this.#knownWords.buffer !== this.values.bytes.buffer) this.#knownWords = wordsOf(this.values.bytes);
    this.#slots[slot] = entry + 1;
    this.count = entry + 1;
    return entry;
  }
}

const wordsOf = ({ buffer, byteOffset, byteLength }: Uint8Array | Int32Array): DataView =>
  new DataView(buffer, byteOffset, byteLength);

/** The length before a value of its own length. */
export function sizeAt(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] ?? 0) |
      ((bytes[at + 1] ?? 0) << 8) |
      ((bytes[at + 2] ?? 0) << 16) |
      ((bytes[at + 3] ?? 0) << 24)) >>>
    0
  );
}
