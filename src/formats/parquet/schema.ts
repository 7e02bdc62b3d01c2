/** What a Parquet file holds: its fields and their types, wherever the description came from. */
import { TidemarkError } from '../../../journal/errors.ts';

export type TimeUnit = 'millis' | 'micros' | 'nanos';

/** A type whose values are one column. */
export type LeafType =
  | { readonly type: 'boolean' | 'int' | 'long' | 'float' | 'double' }
  | { readonly type: 'string' }
  /** The text of a JSON value of any shape. */
  | { readonly type: 'json' }
  /** Base64 in JSON. */
  | { readonly type: 'bytes' }
  | { readonly type: 'uuid' }
  | { readonly type: 'date' }
  | { readonly type: 'time'; readonly unit: 'millis' | 'micros' }
  /** A moment (`isUtc`), or what a clock on the wall shows. */
  | { readonly type: 'timestamp'; readonly unit: TimeUnit; readonly isUtc: boolean }
  | { readonly type: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly type: 'fixed'; readonly lengthBytes: number }
  | { readonly type: 'enum'; readonly symbols: readonly string[] };

export type ValueType =
  | LeafType
  | { readonly type: 'record'; readonly fields: readonly Field[] }
  | { readonly type: 'list'; readonly element: Slot }
  | { readonly type: 'map'; readonly value: Slot };

/** A place for a value. An optional one may be null, and a field may then be missing, too. */
export interface Slot {
  readonly type: ValueType;
  readonly optional: boolean;
}

export interface Field extends Slot {
  readonly name: string;
}

export interface ParquetSchema {
  readonly name: string;
  readonly fields: readonly Field[];
}

/**
 * More columns than anybody reads; a schema that nests names many times would need more memory than there is.
 */
const COLUMNS_MAX = 20_000;
/** A level is kept in one byte; each step down adds at most two. */
const DEPTH_MAX = 60;
/** More digits than any reader takes. */
const DECIMAL_DIGITS_MAX = 38;

/** CONFIG_INVALID: the schema cannot be used. `at` says where in it. */
export function schemaError(at: string, problem: string): TidemarkError {
  const place = at === '' ? 'The schema' : `The schema at ${at}`;
  return new TidemarkError('CONFIG_INVALID', `${place} ${problem}.`, {
    fields: { problems: [`${at === '' ? 'schema' : at}: ${problem}`] },
  });
}

/** The schema itself, once it is certain that a Parquet file can have it. Throws CONFIG_INVALID. */
export function checkedSchema(schema: ParquetSchema): ParquetSchema {
  const counter = { columns: 0 };
  checkFields(schema.fields, '', 1, counter);
  return schema;
}

function checkFields(
  fields: readonly Field[],
  at: string,
  depth: number,
  counter: { columns: number },
): void {
  if (fields.length === 0) throw schemaError(at, 'has no fields; Parquet has no empty records');
  const names = new Set<string>();
  for (const { name, type } of fields) {
    const place = at === '' ? name : `${at}.${name}`;
    if (name === '') throw schemaError(at, 'has a field without a name');
    if (!name.isWellFormed()) throw schemaError(at, 'has a field whose name is no valid text');
    if (names.has(name)) throw schemaError(place, 'is there twice');
    names.add(name);
    checkType(type, place, depth, counter);
  }
}

function checkType(type: ValueType, at: string, depth: number, counter: { columns: number }): void {
  if (depth > DEPTH_MAX) throw schemaError(at, `is nested deeper than ${DEPTH_MAX} levels`);
  switch (type.type) {
    case 'record':
      checkFields(type.fields, at, depth + 1, counter);
      return;
    case 'list':
      checkType(type.element.type, `${at}[]`, depth + 1, counter);
      return;
    case 'map':
      counter.columns += 1;
      checkType(type.value.type, `${at}{}`, depth + 1, counter);
      return;
    default:
      counter.columns += 1;
      if (counter.columns > COLUMNS_MAX) throw schemaError('', `has more than ${COLUMNS_MAX} columns`);
      checkLeaf(type, at);
  }
}

function checkLeaf(type: LeafType, at: string): void {
  if (type.type === 'decimal') {
    const { precision, scale } = type;
    if (!Number.isInteger(precision) || precision < 1 || precision > DECIMAL_DIGITS_MAX) {
      throw schemaError(at, `is a decimal of ${precision} digits; 1 to ${DECIMAL_DIGITS_MAX} are possible`);
    }
    if (!Number.isInteger(scale) || scale < 0 || scale > precision) {
      throw schemaError(at, `is a decimal of scale ${scale}; 0 to its ${precision} digits are possible`);
    }
  }
  if (type.type === 'fixed' && !(Number.isInteger(type.lengthBytes) && type.lengthBytes > 0)) {
    throw schemaError(at, `is fixed(${type.lengthBytes}); a length of one byte or more is possible`);
  }
  if (type.type === 'enum' && type.symbols.length === 0) throw schemaError(at, 'is an enum without symbols');
}
