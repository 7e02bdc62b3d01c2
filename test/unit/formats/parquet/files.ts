import { LogReader } from '../../../../src/formats/parquet/rowFrames.ts';
import { restoreRows } from '../../../../src/formats/parquet/rowLog.ts';
import type { RowEncoder } from '../../../../src/formats/rows.ts';
/** Parquet files made from JSON texts, and read by hyparquet. */
import { type FileMetaData, parquetMetadata, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { expect } from 'vitest';
import type { BadValue } from '../../../../src/formats/parquet/badValue.ts';
import { ParquetEncoder, type ParquetOptions } from '../../../../src/formats/parquet/encoder.ts';
import type { ParquetSchema } from '../../../../src/formats/parquet/schema.ts';
import { hex } from './generated.ts';

export const OPTIONS: ParquetOptions = {
  ...{ codec: 'zstd', rowGroupBytes: 1 << 20, createdBy: 'tidemark test' },
};

export function encoderOf(schema: ParquetSchema, options: Partial<ParquetOptions> = {}): ParquetEncoder {
  return new ParquetEncoder(schema, { ...OPTIONS, ...options });
}

/** Appends a text that lies between other bytes, as a record in a batch does. */
export function appendText(encoder: ParquetEncoder, text: string | Buffer): BadValue | null {
  const bytes = Buffer.concat([Buffer.from('"1'), Buffer.from(text), Buffer.from('23"}]')]);
  return encoder.append(bytes, 2, bytes.length - 5);
}

export function appendAll(encoder: ParquetEncoder, texts: readonly string[]): void {
  for (const text of texts) expect(appendText(encoder, text), text).toBeNull();
}

/** All that is left of the file. */
export const finish = (encoder: ParquetEncoder): Buffer =>
  Buffer.concat([...encoder.endRowGroup(), encoder.footer()]);

export function fileOf(
  schema: ParquetSchema,
  texts: readonly string[],
  options: Partial<ParquetOptions> = {},
): Buffer {
  const encoder = encoderOf(schema, options);
  appendAll(encoder, texts);
  return finish(encoder);
}

const bufferOf = (file: Uint8Array): ArrayBuffer => Uint8Array.from(file).buffer;

export const metadataOf = (file: Uint8Array): FileMetaData => parquetMetadata(bufferOf(file));

const parsers = {
  timestampFromMilliseconds: (value: bigint) => value,
  timestampFromMicroseconds: (value: bigint) => value,
  timestampFromNanoseconds: (value: bigint) => value,
  dateFromDays: (days: number) => days,
};

/** The rows; bytes as text, and nothing where there is a null. */
export async function readRows(file: Uint8Array): Promise<unknown[]> {
  const rows = await parquetReadObjects({ file: bufferOf(file), compressors, utf8: false, parsers });
  return rows.map(plain);
}

function plain(value: unknown): unknown {
  if (value === undefined || value === null) return null;
  if (value instanceof Uint8Array) return hex(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

/** An encoder as a later process restores it from the log, which it gets in chunks. */
export function restoredFrom(log: Uint8Array): RowEncoder {
  const reader = new LogReader();
  for (let at = 0; at < log.length; at += 1_000) reader.add(log.subarray(at, at + 1_000));
  return restoreRows(reader);
}
