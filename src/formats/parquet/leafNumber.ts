/** A number of JSON as a value of a column: every form of a number, and every type that takes one. */
import type { BadReason } from './badValue.ts';
import type { Column } from './column.ts';
import { PHYSICAL } from './columnShape.ts';
import { exactNumber, int64, setBigInt64 } from './numbers.ts';

const INT32_MIN = -(2n ** 31n);
const INT32_MAX = 2n ** 31n - 1n;
const DAY_MILLIS = 86_400_000n;

/** Appends the number bytes[start, end), which has JSON's grammar; or says why it cannot be. */
export function addNumber(column: Column, bytes: Uint8Array, start: number, end: number): BadReason | null {
  const { type } = column.shape;
  switch (type.type) {
    case 'float':
    case 'double':
      return addFloating(column, bytes, start, end);
    case 'int':
    case 'long':
    case 'date':
    case 'timestamp':
      return addWhole(column, exactNumber(bytes, start, end, 0));
    case 'time': {
      const value = exactNumber(bytes, start, end, 0);
      const dayEnd = type.unit === 'millis' ? DAY_MILLIS : DAY_MILLIS * 1000n;
      if (typeof value === 'bigint' && (value < 0n || value >= dayEnd)) return 'outOfRange';
      return addWhole(column, value);
    }
    case 'decimal': {
      const value = exactNumber(bytes, start, end, type.scale);
      const most = 10n ** BigInt(type.precision);
      if (typeof value === 'bigint' && (value >= most || value <= -most)) return 'outOfRange';
      return addWhole(column, value);
    }
    default:
      return 'wrongType';
  }
}

function addFloating(column: Column, bytes: Uint8Array, start: number, end: number): BadReason | null {
  const value = Number(Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1'));
  if (column.shape.physical === PHYSICAL.double) {
    if (!Number.isFinite(value)) return 'outOfRange';
    column.addDouble(value);
    return null;
  }
  if (!Number.isFinite(Math.fround(value))) return 'outOfRange';
  column.addFloat(value);
  return null;
}

function addWhole(column: Column, value: bigint | BadReason): BadReason | null {
  if (typeof value !== 'bigint') return value;
  switch (column.shape.physical) {
    case PHYSICAL.int32:
      if (value < INT32_MIN || value > INT32_MAX) return 'outOfRange';
      column.addInt32(Number(value));
      return null;
    case PHYSICAL.int64:
      if (!setBigInt64(value)) return 'outOfRange';
      column.addInt64(int64.low, int64.high);
      return null;
    default:
      addTwosComplement(column, value);
      return null;
  }
}

/** Highest byte first. The value fits: its digits were counted. */
function addTwosComplement(column: Column, value: bigint): void {
  const { widthBytes } = column.shape;
  const bytes = Buffer.allocUnsafe(widthBytes);
  let rest = value;
  for (let at = widthBytes - 1; at >= 0; at -= 1) {
    bytes[at] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  column.addBytes(bytes, 0, widthBytes);
}
