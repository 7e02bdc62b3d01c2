/** How the values of a type lie in a column: Parquet's physical type, and how JSON is read for it. */
import { KeyTable } from './keyTable.ts';
import type { LeafType } from './schema.ts';

/** Parquet's physical types, by their numbers in the metadata. */
export const PHYSICAL = {
  boolean: 0,
  int32: 1,
  int64: 2,
  float: 4,
  double: 5,
  byteArray: 6,
  fixed: 7,
} as const;
export type Physical = (typeof PHYSICAL)[keyof typeof PHYSICAL];

/** How a value is read from JSON. Numbers, since the hot path switches over them. */
export const KIND = {
  boolean: 0,
  int: 1,
  long: 2,
  float: 3,
  double: 4,
  string: 5,
  json: 6,
  bytes: 7,
  fixed: 8,
  uuid: 9,
  enum: 10,
  decimal: 11,
  date: 12,
  time: 13,
  timestamp: 14,
} as const satisfies Record<LeafType['type'], number>;

export interface ColumnShape {
  readonly type: LeafType;
  readonly kind: number;
  readonly path: readonly string[];
  readonly maxDef: number;
  readonly maxRep: number;
  readonly physical: Physical;
  /** Bytes of one value, as the column keeps it; 0 where each value has its own length. */
  readonly widthBytes: number;
  /** Each value follows its length. */
  readonly isSized: boolean;
  /** What an enum lists; for other types nothing. */
  readonly symbols: KeyTable;
}

export function columnShape(
  type: LeafType,
  path: readonly string[],
  maxDef: number,
  maxRep: number,
): ColumnShape {
  const physical = physicalOf(type);
  const widthBytes = widthOf(type, physical);
  return {
    ...{ type, kind: KIND[type.type], path, maxDef, maxRep, physical, widthBytes },
    isSized: widthBytes === 0,
    symbols: new KeyTable(type.type === 'enum' ? type.symbols.map((symbol) => Buffer.from(symbol)) : []),
  };
}

export function physicalOf(type: LeafType): Physical {
  switch (type.type) {
    case 'boolean':
      return PHYSICAL.boolean;
    case 'int':
    case 'date':
      return PHYSICAL.int32;
    case 'time':
      return type.unit === 'millis' ? PHYSICAL.int32 : PHYSICAL.int64;
    case 'long':
    case 'timestamp':
      return PHYSICAL.int64;
    case 'float':
      return PHYSICAL.float;
    case 'double':
      return PHYSICAL.double;
    case 'decimal':
      return type.precision <= 9 ? PHYSICAL.int32 : type.precision <= 18 ? PHYSICAL.int64 : PHYSICAL.fixed;
    case 'uuid':
    case 'fixed':
      return PHYSICAL.fixed;
    default:
      return PHYSICAL.byteArray;
  }
}

function widthOf(type: LeafType, physical: Physical): number {
  switch (physical) {
    case PHYSICAL.boolean:
      return 1;
    case PHYSICAL.int32:
    case PHYSICAL.float:
      return 4;
    case PHYSICAL.int64:
    case PHYSICAL.double:
      return 8;
    case PHYSICAL.byteArray:
      return 0;
    case PHYSICAL.fixed:
      return fixedLengthOf(type);
  }
}

/** The length of FIXED_LEN_BYTE_ARRAY. */
export function fixedLengthOf(type: LeafType): number {
  if (type.type === 'fixed') return type.lengthBytes;
  return type.type === 'decimal' ? decimalBytes(type.precision) : 16;
}

/** The fewest bytes that hold every signed number of that many digits. */
function decimalBytes(precision: number): number {
  let bytes = 1;
  while (2n ** BigInt(8 * bytes - 1) <= 10n ** BigInt(precision)) bytes += 1;
  return bytes;
}
