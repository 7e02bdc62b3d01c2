/** The content of a JSON string as a value of a column, for every type that takes one. */
import { hexDigit, MINUS } from '../../../kernels/text/ascii.ts';
import type { BadReason } from './badValue.ts';
import { decodeBase64 } from './base64.ts';
import type { Column } from './column.ts';
import type { LeafType } from './schema.ts';
import { isoTime, readDate, readTime, readTimestamp } from '../../../kernels/text/isoTime.ts';
import { numberEnd } from './jsonReader.ts';
import { addNumber } from './leafNumber.ts';
import { composeInt64, int64 } from './numbers.ts';

const UUID_LENGTH = 36;
const uuid = Buffer.alloc(16);

/** Appends the text bytes[start, end), valid UTF-8 without escapes; or says why it cannot be. */
export function addText(column: Column, bytes: Uint8Array, start: number, end: number): BadReason | null {
  const { type } = column.shape;
  switch (type.type) {
    case 'string':
      column.addBytes(bytes, start, end);
      return null;
    case 'bytes':
    case 'fixed':
      return addBase64(column, type, bytes, start, end);
    case 'uuid':
      return addUuid(column, bytes, start, end);
    case 'enum':
      if (column.shape.symbols.find(bytes, start, end) < 0) return 'notASymbol';
      column.addBytes(bytes, start, end);
      return null;
    case 'decimal':
      return numberEnd(bytes, start, end) === end ? addNumber(column, bytes, start, end) : 'format';
    case 'date':
      if (!readDate(bytes, start, end)) return 'format';
      column.addInt32(isoTime.days);
      return null;
    case 'time':
      return readTime(bytes, start, end) ? addTime(column, type.unit) : 'format';
    case 'timestamp':
      return readTimestamp(bytes, start, end, type.isUtc) ? addTimestamp(column, type.unit) : 'format';
    default:
      return 'wrongType';
  }
}

function addTime(column: Column, unit: 'millis' | 'micros'): null {
  const { seconds, nanos } = isoTime;
  if (unit === 'millis') column.addInt32(seconds * 1000 + Math.floor(nanos / 1e6));
  else {
    composeInt64(seconds, 1e6, Math.floor(nanos / 1000), false);
    column.addInt64(int64.low, int64.high);
  }
  return null;
}

/** Digits below the unit are cut off, so that a moment never becomes a later one. */
function addTimestamp(column: Column, unit: 'millis' | 'micros' | 'nanos'): BadReason | null {
  const perSecond = unit === 'millis' ? 1000 : unit === 'micros' ? 1e6 : 1e9;
  const { seconds, nanos } = isoTime;
  const part = Math.floor(nanos / (1e9 / perSecond));
  const fits =
    seconds >= 0
      ? composeInt64(seconds, perSecond, part, false)
      : composeInt64(-seconds - 1, perSecond, perSecond - part, true);
  if (!fits) return 'outOfRange';
  column.addInt64(int64.low, int64.high);
  return null;
}

function addBase64(
  column: Column,
  type: LeafType,
  bytes: Uint8Array,
  start: number,
  end: number,
): BadReason | null {
  const decoded = decodeBase64(bytes, start, end);
  if (decoded === null) return 'format';
  if (type.type === 'fixed' && decoded.length !== type.lengthBytes) return 'length';
  column.addBytes(decoded, 0, decoded.length);
  return null;
}

function addUuid(column: Column, bytes: Uint8Array, start: number, end: number): BadReason | null {
  if (end - start !== UUID_LENGTH) return 'format';
  let digits = 0;
  for (let index = 0; index < UUID_LENGTH; index += 1) {
    const byte = bytes[start + index] ?? 0;
    if (index === 8 || index === 13 || index === 18 || index === 23) {
      if (byte !== MINUS) return 'format';
      continue;
    }
    const digit = hexDigit(byte);
    if (digit < 0) return 'format';
    const at = digits >> 1;
    uuid[at] = (digits & 1) === 0 ? digit << 4 : (uuid[at] ?? 0) | digit;
    digits += 1;
  }
  column.addBytes(uuid, 0, uuid.length);
  return null;
}
