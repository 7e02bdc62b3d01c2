/**
 * The rows of one column that are not in a row group yet: values as PLAIN writes them, and their levels.
 * All columns are of one class, whatever they hold: the engine compiles what works on them once.
 */
import type { ColumnShape } from './columnShape.ts';
import type { ColumnSpan } from './tail.ts';

const BYTES_AT_FIRST = 256;
/** How many times as large a column may become at once, up to what it was: each step copies it. */
const STEP = 8;
/** A buffer that is not larger is kept for the next row group. */
const KEPT_BYTES_MAX = 1 << 12;
/** What a column takes besides its buffers, about. */
const OBJECT_BYTES = 2_048;

/** How far a column was filled. */
export interface ColumnMark {
  readonly usedBytes: number;
  readonly values: number;
  readonly entries: number;
}

export class Column {
  readonly shape: ColumnShape;
  /** Copied from the shape, for the hot path. */
  readonly kind: number;
  readonly maxDef: number;
  readonly maxRep: number;

  /** Values, as PLAIN writes them; booleans as one byte each. */
  bytes: Uint8Array;
  ints: Int32Array;
  floats: Float32Array;
  doubles: Float64Array;
  /** Bytes of `bytes` that are in use. */
  used = 0;
  /** Values that are not null. */
  values = 0;

  /** Definition and repetition levels, one for each entry; empty where the maximum is 0. */
  defs = new Uint8Array(0);
  reps = new Uint8Array(0);
  /** Values, nulls, and empty lists. */
  entries = 0;

  /** Where the row began that is being appended. `beginRow` and `undoRow` go by it. */
  #row = -1;
  #rowUsed = 0;
  #rowValues = 0;
  #rowEntries = 0;
  /** Bytes of the row group before. */
  #usedBefore = 0;

  constructor(shape: ColumnShape) {
    this.shape = shape;
    this.kind = shape.kind;
    this.maxDef = shape.maxDef;
    this.maxRep = shape.maxRep;
    const memory = new ArrayBuffer(BYTES_AT_FIRST);
    this.bytes = new Uint8Array(memory);
    this.ints = new Int32Array(memory);
    this.floats = new Float32Array(memory);
    this.doubles = new Float64Array(memory);
  }

  /** Memory that its rows take. */
  get heldBytes(): number {
    return this.used + (this.maxDef > 0 ? this.entries : 0) + (this.maxRep > 0 ? this.entries : 0);
  }

  /** Remembers where the row begins; once a row, however many entries it has. */
  beginRow(row: number): void {
    if (this.#row === row) return;
    this.#row = row;
    this.#rowUsed = this.used;
    this.#rowValues = this.values;
    this.#rowEntries = this.entries;
  }

  /** Removes what the row has appended, if it has. */
  undoRow(row: number): void {
    if (this.#row !== row) return;
    this.#row = -1;
    this.used = this.#rowUsed;
    this.values = this.#rowValues;
    this.entries = this.#rowEntries;
  }

  mark(): ColumnMark {
    return { usedBytes: this.used, values: this.values, entries: this.entries };
  }

  /** An entry: its value, if it has one (`def` is the maximum), is appended beside it. */
  addLevels(def: number, rep: number): void {
    const at = this.entries;
    if (this.maxDef > 0) {
      if (at >= this.defs.length) this.defs = grownLevels(this.defs, at + 1);
      this.defs[at] = def;
    }
    if (this.maxRep > 0) {
      if (at >= this.reps.length) this.reps = grownLevels(this.reps, at + 1);
      this.reps[at] = rep;
    }
    this.entries = at + 1;
  }

  addBoolean(value: number): void {
    if (this.used + 1 > this.bytes.length) this.grow(1);
    this.bytes[this.used] = value;
    this.used += 1;
    this.values += 1;
  }

  addInt32(value: number): void {
    if (this.used + 4 > this.bytes.length) this.grow(4);
    this.ints[this.used >>> 2] = value;
    this.used += 4;
    this.values += 1;
  }

  /** @param low the low 32 bits. @param high the high 32 bits; both signed or unsigned. */
  addInt64(low: number, high: number): void {
    if (this.used + 8 > this.bytes.length) this.grow(8);
    const at = this.used >>> 2;
    this.ints[at] = low;
    this.ints[at + 1] = high;
    this.used += 8;
    this.values += 1;
  }

  addFloat(value: number): void {
    if (this.used + 4 > this.bytes.length) this.grow(4);
    this.floats[this.used >>> 2] = value;
    this.used += 4;
    this.values += 1;
  }

  addDouble(value: number): void {
    if (this.used + 8 > this.bytes.length) this.grow(8);
    this.doubles[this.used >>> 3] = value;
    this.used += 8;
    this.values += 1;
  }

  /** Bytes of any length, or, for a column of fixed length, of that one. */
  addBytes(source: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (this.used + 4 + length > this.bytes.length) this.grow(4 + length);
    const to = this.shape.isSized ? this.used + 4 : this.used;
    if (length < 32) {
      for (let index = 0; index < length; index += 1) this.bytes[to + index] = source[start + index] ?? 0;
    } else {
      this.bytes.set(source.subarray(start, end), to);
    }
    if (this.shape.isSized) this.endSized(to + length);
    else {
      this.used = to + length;
      this.values += 1;
    }
  }

  /** Entries that another column of this shape had. */
  addSpan({ entries, values, defs, reps, bytes }: ColumnSpan): void {
    if (this.used + bytes.length > this.bytes.length) this.grow(bytes.length);
    this.bytes.set(bytes, this.used);
    if (this.maxDef > 0) this.defs = withLevels(this.defs, this.entries, defs);
    if (this.maxRep > 0) this.reps = withLevels(this.reps, this.entries, reps);
    this.used += bytes.length;
    this.values += values;
    this.entries += entries;
  }

  /** Ends a value that was written from `used + 4` on, before `end`. */
  endSized(end: number): void {
    const { bytes, used } = this;
    const length = end - used - 4;
    bytes[used] = length;
    bytes[used + 1] = length >>> 8;
    bytes[used + 2] = length >>> 16;
    bytes[used + 3] = length >>> 24;
    this.used = end;
    this.values += 1;
  }

  /**
   * Makes room for that many bytes more, and half of what the column takes then; or in few steps for what it
   * took in the row group before.
   */
  grow(bytes: number): void {
    const needed = this.used + bytes;
    const usual = Math.max(needed, Math.min(2 * needed, needed + (needed >>> 1) + 1024));
    this.#resize(Math.max(usual, Math.min(STEP * needed, this.#usedBefore)));
  }

  /** Removes all rows; their memory is for the next ones. */
  reset(): void {
    this.used = 0;
    this.values = 0;
    this.entries = 0;
    this.#row = -1;
  }

  /** Removes all rows, and gives their memory back: a file may wait long for its next rows. */
  clear(): void {
    this.#usedBefore = this.used;
    this.reset();
    if (this.bytes.length > KEPT_BYTES_MAX) this.#resize(0);
    if (this.defs.length > KEPT_BYTES_MAX) this.defs = new Uint8Array(0);
    if (this.reps.length > KEPT_BYTES_MAX) this.reps = new Uint8Array(0);
  }

  /** Memory that it takes, with what is not filled. */
  get memoryBytes(): number {
    return OBJECT_BYTES + this.bytes.length + this.defs.length + this.reps.length;
  }

  #resize(bytes: number): void {
    const memory = new ArrayBuffer(Math.ceil(Math.max(bytes, BYTES_AT_FIRST) / 8) * 8);
    const grown = new Uint8Array(memory);
    grown.set(this.bytes.subarray(0, this.used));
    this.bytes = grown;
    this.ints = new Int32Array(memory);
    this.floats = new Float32Array(memory);
    this.doubles = new Float64Array(memory);
  }
}

function withLevels(levels: Uint8Array<ArrayBuffer>, at: number, added: Uint8Array): Uint8Array<ArrayBuffer> {
  const target = at + added.length > levels.length ? grownLevels(levels, at + added.length) : levels;
  target.set(added, at);
  return target;
}

function grownLevels(levels: Uint8Array, needed: number): Uint8Array<ArrayBuffer> {
  const grown = new Uint8Array(needed + (needed >>> 1) + 64);
  grown.set(levels);
  return grown;
}
