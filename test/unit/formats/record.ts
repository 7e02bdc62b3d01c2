/** Records for tests of formats, as a cursor over a Kafka batch holds them. */
import type { RecordCursor } from '../../../src/sources/port.ts';

export interface Header {
  readonly name: Buffer;
  readonly value: Buffer | null;
}

export interface Fields {
  readonly offset?: bigint;
  readonly timestampMs?: number;
  readonly key?: Buffer | null;
  readonly value?: Buffer | null;
  readonly headers?: readonly Header[];
}

/** Each part lies somewhere within a larger buffer. */
export function recordOf({ offset = 7n, timestampMs = 1_000, ...rest }: Fields): RecordCursor {
  const key = embedded(rest.key ?? null);
  const value = embedded(rest.value ?? null);
  const headers = embedded(encodedHeaders(rest.headers ?? []));
  return {
    ...{ baseOffset: offset - 2n, offsetDelta: 2, timestampMs, next: () => false },
    ...{ keyBytes: key.bytes, keyStart: key.start, keyEnd: key.end },
    ...{ valueBytes: value.bytes, valueStart: value.start, valueEnd: value.end },
    ...{ headersBytes: headers.bytes, headersStart: headers.start, headersEnd: headers.end },
  };
}

function embedded(bytes: Buffer | null): { bytes: Buffer; start: number; end: number } {
  if (bytes === null) return { bytes: Buffer.from('"}]'), start: -1, end: -1 };
  const around = Buffer.concat([Buffer.from('{"'), bytes, Buffer.from('"}]')]);
  return { bytes: around, start: 2, end: 2 + bytes.length };
}

function encodedHeaders(headers: readonly Header[]): Buffer {
  const pieces = headers.flatMap(({ name, value }) => [
    varint(name.length),
    name,
    varint(value === null ? -1 : value.length),
    value ?? Buffer.alloc(0),
  ]);
  return Buffer.concat([varint(headers.length), ...pieces]);
}

/** Zigzag. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = (value << 1) ^ (value >> 31);
  while ((rest & ~0x7f) !== 0) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  return Buffer.from([...bytes, rest]);
}
