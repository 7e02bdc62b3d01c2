/**
 * What is journaled of a part file with a rows file beside it: the store's handle of the part file, and what
 * is durable of the rows file.
 */
import { crc64Hex, type Crc64Hex } from '../../journal/ids.ts';
import type { DurablePart, StoreHandle } from '../stores/port.ts';

export interface RowsDurable {
  readonly length: number;
  readonly crc64: Crc64Hex;
}

export function rowsHandle(file: StoreHandle, { length, crc64 }: RowsDurable): StoreHandle {
  return { file, rows: { length, crc64 } };
}

/** Null for a file that has no rows file. */
export function rowsOf({ handle }: Pick<DurablePart, 'handle'>): RowsDurable | null {
  const rows = isMap(handle) ? handle['rows'] : undefined;
  if (rows === undefined || !isMap(rows)) return null;
  const { length, crc64 } = rows;
  return typeof length === 'number' && typeof crc64 === 'string' ? { length, crc64: crc64Hex(crc64) } : null;
}

/** As the store knows the file. */
export function withoutRows<Durable extends DurablePart>(durable: Durable): Durable {
  const { handle } = durable;
  return rowsOf(durable) === null || !isMap(handle)
    ? durable
    : { ...durable, handle: handle['file'] ?? null };
}

function isMap(handle: StoreHandle | undefined): handle is Readonly<Record<string, StoreHandle>> {
  return typeof handle === 'object' && handle !== null && !Array.isArray(handle);
}
