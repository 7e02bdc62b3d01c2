/**
 * Rows as texts that are equal if, and only if, the rows are. A text is JSON in one line: fields in the order
 * of the schema, whole numbers and the digits of decimals exact, dates and times as their numbers, bytes in
 * base64.
 */
import { isUtf8 } from 'node:buffer';
import type { RowField, RowNode, ValueKind } from './rowShape.ts';

export type Value = boolean | number | bigint | Uint8Array;

/** The entries of a column, one after the other. */
export interface ColumnEntries {
  /** Whether each entry was passed. Then there are no levels. */
  readonly isOver: boolean;
  /** Levels of the next entry. */
  readonly def: number;
  readonly rep: number;
  /** Passes an entry that has no value. */
  skip(): void;
  /** Passes an entry that has one, and returns its text. Throws an Error if it has none, or no such one. */
  take(kind: ValueKind): string;
}

/** Throws Errors if the columns do not fit together. */
export class RowTexts {
  readonly #root: RowNode;
  readonly #columns: readonly ColumnEntries[];

  constructor(root: RowNode, columns: readonly ColumnEntries[]) {
    this.#root = root;
    this.#columns = columns;
  }

  /** Whether there are no more rows. */
  get isOver(): boolean {
    return this.#columns.every(({ isOver }) => isOver);
  }

  next(): string {
    for (const { isOver, rep } of this.#columns) {
      if (isOver) throw new Error('a column has fewer rows than others');
      if (rep !== 0) throw new Error('a column begins a row within a list');
    }
    return this.#textOf(this.#root);
  }

  #textOf(node: RowNode): string {
    const { isOptional, def, firstColumn } = node;
    const first = this.#at(firstColumn);
    if (isOptional && first.def < def) return this.#skipped(node, def - 1, 'null');
    switch (node.type) {
      case 'leaf':
        if (first.def !== def) throw new Error(`a value has the definition level ${first.def}, not ${def}`);
        return first.take(node.kind);
      case 'record':
        return this.#recordText(node.fields);
      case 'list':
        if (first.def <= def) return this.#skipped(node, def, '[]');
        return `[${this.#items(node, node.itemRep, () => this.#textOf(node.element)).join(',')}]`;
      case 'map': {
        if (first.def <= def) return this.#skipped(node, def, '{}');
        const entry = (): string => `${this.#textOf(node.key)}:${this.#textOf(node.value)}`;
        return `{${this.#items(node, node.itemRep, entry).join(',')}}`;
      }
    }
  }

  #recordText(fields: readonly RowField[]): string {
    let text = '{';
    for (const { label, node } of fields) text += (text.length > 1 ? ',' : '') + label + this.#textOf(node);
    return `${text}}`;
  }

  #items({ firstColumn, endColumn }: RowNode, itemRep: number, textOfItem: () => string): string[] {
    const texts: string[] = [];
    for (let goesOn = true; goesOn;) {
      texts.push(textOfItem());
      goesOn = this.#at(firstColumn).rep === itemRep;
      for (let column = firstColumn + 1; column < endColumn; column += 1) {
        if ((this.#at(column).rep === itemRep) !== goesOn)
          throw new Error('a list is longer in one column than in another');
      }
    }
    return texts;
  }

  /** Nothing is there: each column below says so, at the same level. */
  #skipped({ firstColumn, endColumn }: RowNode, level: number, text: string): string {
    for (let column = firstColumn; column < endColumn; column += 1) {
      const entries = this.#at(column);
      if (entries.def !== level) throw new Error('what is null in one column is not in another');
      entries.skip();
    }
    return text;
  }

  #at(column: number): ColumnEntries {
    const entries = this.#columns[column];
    if (entries === undefined) throw new Error(`there is no column ${column}`);
    return entries;
  }
}

/** Throws an Error if it is no value of the kind. */
export function textOfValue(kind: ValueKind, value: Value | undefined): string {
  if (value instanceof Uint8Array) return textOfBytes(kind, value);
  if (value === undefined || kind === 'text' || kind === 'bytes') throw new Error('a value is missing');
  return kind === 'float' ? floatText(Number(value)) : String(value);
}

function textOfBytes(kind: ValueKind, value: Uint8Array): string {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  switch (kind) {
    case 'text':
      if (!isUtf8(bytes)) throw new Error('a text is no UTF-8');
      return JSON.stringify(bytes.toString('utf8'));
    case 'bytes':
      return `"${bytes.toString('base64')}"`;
    case 'decimal':
      return String(BigInt.asIntN(8 * bytes.length, BigInt(`0x${bytes.toString('hex')}`)));
    default:
      throw new Error('bytes are where a number is expected');
  }
}

/** The shortest digits that only this number has; minus zero is another one than zero. */
function floatText(value: number): string {
  if (Object.is(value, -0)) return '-0';
  return Number.isFinite(value) ? String(value) : `"${value}"`;
}
