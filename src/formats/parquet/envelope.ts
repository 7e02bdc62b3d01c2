/** Records without a schema of their own: what Kafka says of each, and its key and value as bytes. */
import { utf8Length } from '../../../kernels/text/ascii.ts';
import type { RecordBytes } from '../../../kernels/text/recordBytes.ts';
import type { BadReason, BadValue } from './badValue.ts';
import type { Column } from './column.ts';
import { int64, setBigInt64, setInt64 } from './numbers.ts';
import type { Field, LeafType, ParquetSchema } from './schema.ts';
import type { SchemaNode } from './schemaTree.ts';

/**
 * The schema of records as Kafka has them. @param text whether key and value are text, which must be valid
 * UTF-8.
 */
export function recordEnvelope(text: 'binary' | 'string' = 'binary'): ParquetSchema {
  const content: LeafType = text === 'string' ? { type: 'string' } : { type: 'bytes' };
  const required = (name: string, type: Field['type']): Field => ({ name, type, optional: false });
  const headerFields = [
    required('key', { type: 'string' }),
    { name: 'value', type: { type: 'bytes' }, optional: true } as const,
  ];
  return {
    name: 'record',
    fields: [
      required('topic', { type: 'string' }),
      required('partition', { type: 'int' }),
      required('offset', { type: 'long' }),
      required('timestamp', { type: 'timestamp', unit: 'millis', isUtc: true }),
      { name: 'key', type: content, optional: true },
      { name: 'value', type: content, optional: true },
      required('headers', {
        type: 'list',
        element: { type: { type: 'record', fields: headerFields }, optional: false },
      }),
    ],
  };
}

export const RECORD_ENVELOPE: ParquetSchema = recordEnvelope();

export interface EnvelopeHeader {
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
}

/** A record, as a cursor of a source shows it. */
export interface EnvelopeRecord extends RecordBytes {
  readonly baseOffset: bigint;
  readonly offsetDelta: number;
  readonly headers?: readonly EnvelopeHeader[];
}

/** Appends records to the columns of `recordEnvelope`. */
export class EnvelopeWriter {
  readonly #columns: readonly Column[];
  readonly #isText: boolean;
  #baseOffset = 0n;
  #baseLow = 0;
  #baseHigh = 0;

  /** Null if the schema is no envelope. */
  static over(schema: ParquetSchema, root: SchemaNode): EnvelopeWriter | null {
    const text = JSON.stringify(schema);
    const isText = text === JSON.stringify(recordEnvelope('string'));
    return isText || text === JSON.stringify(RECORD_ENVELOPE)
      ? new EnvelopeWriter(root.columns, isText)
      : null;
  }

  constructor(columns: readonly Column[], isText: boolean) {
    this.#columns = columns;
    this.#isText = isText;
  }

  /** @param row its number. After a failure the columns are as before. */
  append(topic: Uint8Array, partition: number, record: EnvelopeRecord, row: number): BadValue | null {
    const problem = this.#problemOf(record);
    if (problem !== null) return problem;
    for (const column of this.#columns) column.beginRow(row);
    const [topics, partitions, offsets, timestamps, keys, values, headerKeys, headerValues] = this.#columns;
    topics?.addBytes(topic, 0, topic.length);
    topics?.addLevels(0, 0);
    partitions?.addInt32(partition);
    partitions?.addLevels(0, 0);
    if (offsets !== undefined) this.#addOffset(offsets, record);
    setInt64(record.timestampMs);
    timestamps?.addInt64(int64.low, int64.high);
    timestamps?.addLevels(0, 0);
    if (keys !== undefined) addOptional(keys, record.keyBytes, record.keyStart, record.keyEnd);
    if (values !== undefined) addOptional(values, record.valueBytes, record.valueStart, record.valueEnd);
    if (headerKeys !== undefined && headerValues !== undefined) {
      addHeaders(headerKeys, headerValues, record.headers);
    }
    return null;
  }

  #problemOf(record: EnvelopeRecord): BadValue | null {
    for (const { key } of record.headers ?? []) {
      const at = invalidUtf8At(key, 0, key.length);
      if (at >= 0) return bad('utf8', 'headers[].key', at);
    }
    if (!this.#isText) return null;
    const { keyBytes, keyStart, keyEnd, valueBytes, valueStart, valueEnd } = record;
    const keyAt = keyStart < 0 ? -1 : invalidUtf8At(keyBytes, keyStart, keyEnd);
    if (keyAt >= 0) return bad('utf8', 'key', keyAt);
    const valueAt = valueStart < 0 ? -1 : invalidUtf8At(valueBytes, valueStart, valueEnd);
    return valueAt >= 0 ? bad('utf8', 'value', valueAt) : null;
  }

  /** The base is one bigint for a whole batch: it is taken apart once. */
  #addOffset(column: Column, { baseOffset, offsetDelta }: EnvelopeRecord): void {
    if (baseOffset !== this.#baseOffset) {
      setBigInt64(baseOffset);
      this.#baseOffset = baseOffset;
      this.#baseLow = int64.low >>> 0;
      this.#baseHigh = int64.high;
    }
    const low = this.#baseLow + offsetDelta;
    column.addInt64(low | 0, (this.#baseHigh + Math.floor(low / 2 ** 32)) | 0);
    column.addLevels(0, 0);
  }
}

function addOptional(column: Column, bytes: Uint8Array, start: number, end: number): void {
  if (start >= 0) column.addBytes(bytes, start, end);
  column.addLevels(start >= 0 ? 1 : 0, 0);
}

function addHeaders(keys: Column, values: Column, headers: readonly EnvelopeHeader[] | undefined): void {
  if (headers === undefined || headers.length === 0) {
    keys.addLevels(0, 0);
    values.addLevels(0, 0);
    return;
  }
  for (const [index, { key, value }] of headers.entries()) {
    const rep = index === 0 ? 0 : 1;
    keys.addBytes(key, 0, key.length);
    keys.addLevels(1, rep);
    if (value !== null) values.addBytes(value, 0, value.length);
    values.addLevels(value === null ? 1 : 2, rep);
  }
}

/** Where the bytes are no valid UTF-8, from the start of them; -1 if they are. */
function invalidUtf8At(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end) {
    if ((bytes[at] ?? 0) < 0x80) at += 1;
    else {
      const length = utf8Length(bytes, at, end);
      if (length === 0) return at - start;
      at += length;
    }
  }
  return -1;
}

const bad = (reason: BadReason, path: string, at: number): BadValue => ({ reason, path, at });
