/**
 * The texts of the rows that are in columns, and in no row group yet. With a single row there: what the row
 * of a record must be in a file.
 */
import type { Column } from './column.ts';
import { PHYSICAL } from './columnShape.ts';
import { sizeAt } from './dictionary.ts';
import type { RowNode, ValueKind } from './rowShape.ts';
import { textOfValue, RowTexts, type ColumnEntries, type Value } from './rowText.ts';

/** A flyweight over the columns of one encoder. */
export class HeldTexts {
  readonly #entries: readonly HeldEntries[];
  readonly #texts: RowTexts;

  constructor(shape: RowNode, columns: readonly Column[]) {
    this.#entries = columns.map((column) => new HeldEntries(column));
    this.#texts = new RowTexts(shape, this.#entries);
  }

  /** Lent, until a row is appended, or this is called again. */
  fromFirst(): RowTexts {
    for (const entries of this.#entries) entries.rewind();
    return this.#texts;
  }
}

class HeldEntries implements ColumnEntries {
  readonly #column: Column;
  #entry = 0;
  #byte = 0;

  constructor(column: Column) {
    this.#column = column;
  }

  get isOver(): boolean {
    return this.#entry >= this.#column.entries;
  }

  get def(): number {
    const { maxDef, defs } = this.#column;
    return maxDef === 0 ? 0 : this.isOver ? -1 : (defs[this.#entry] ?? -1);
  }

  get rep(): number {
    const { maxRep, reps } = this.#column;
    return maxRep === 0 || this.isOver ? 0 : (reps[this.#entry] ?? 0);
  }

  skip(): void {
    this.#entry += 1;
  }

  take(kind: ValueKind): string {
    this.#entry += 1;
    return textOfValue(kind, this.#value());
  }

  /** Begins again with the first entry. */
  rewind(): void {
    this.#entry = 0;
    this.#byte = 0;
  }

  #value(): Value | undefined {
    const { shape, bytes, ints, floats, doubles } = this.#column;
    const at = this.#byte;
    const length = shape.isSized ? sizeAt(bytes, at) : shape.widthBytes;
    const from = shape.isSized ? at + 4 : at;
    this.#byte = from + length;
    switch (shape.physical) {
      case PHYSICAL.boolean:
        return bytes[at] !== 0;
      case PHYSICAL.int32:
        return ints[at >>> 2];
      case PHYSICAL.int64:
        return (BigInt(ints[(at >>> 2) + 1] ?? 0) << 32n) | BigInt((ints[at >>> 2] ?? 0) >>> 0);
      case PHYSICAL.float:
        return floats[at >>> 2];
      case PHYSICAL.double:
        return doubles[at >>> 3];
      default:
        return bytes.subarray(from, from + length);
    }
  }
}
