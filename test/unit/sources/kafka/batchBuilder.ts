/** Builds record batches (magic 2) as a broker would send them. */
import { crc32c } from '../../../../kernels/crc32c.ts';

export interface BuiltRecord {
  readonly offsetDelta: number;
  readonly timestampDelta?: number;
  readonly key?: Buffer | null;
  readonly value?: Buffer | null;
  readonly headers?: readonly (readonly [string, Buffer | null])[];
}

export interface BuiltBatch {
  readonly baseOffset: bigint;
  readonly records: readonly BuiltRecord[];
  /** Where the last records were compacted away. */
  readonly lastOffsetDelta?: number;
  readonly firstTimestamp?: bigint;
  readonly maxTimestamp?: bigint;
  readonly producerId?: bigint;
  readonly transactional?: boolean;
  readonly control?: boolean;
  readonly logAppendTime?: boolean;
  readonly codec?: { readonly id: number; readonly compress: (bytes: Buffer) => Buffer } | undefined;
  readonly magic?: number;
}

export function buildBatch(batch: BuiltBatch): Buffer {
  const { records, baseOffset, codec } = batch;
  const lastOffsetDelta = batch.lastOffsetDelta ?? records.at(-1)?.offsetDelta ?? 0;
  const plain = Buffer.concat(records.map(buildRecord));
  const body = codec === undefined ? plain : codec.compress(plain);
  const bytes = Buffer.alloc(61 + body.length);
  bytes.writeBigInt64BE(baseOffset, 0);
  bytes.writeInt32BE(bytes.length - 12, 8);
  bytes.writeInt8(batch.magic ?? 2, 16);
  const flags = [
    batch.logAppendTime === true ? 0x08 : 0,
    batch.transactional === true ? 0x10 : 0,
    batch.control === true ? 0x20 : 0,
  ];
  bytes.writeInt16BE((codec?.id ?? 0) | flags.reduce((all, flag) => all | flag), 21);
  bytes.writeInt32BE(lastOffsetDelta, 23);
  bytes.writeBigInt64BE(batch.firstTimestamp ?? 0n, 27);
  bytes.writeBigInt64BE(batch.maxTimestamp ?? 0n, 35);
  bytes.writeBigInt64BE(batch.producerId ?? -1n, 43);
  bytes.writeInt32BE(records.length, 57);
  body.copy(bytes, 61);
  bytes.writeUInt32BE(crc32c(bytes, 21, bytes.length), 17);
  return bytes;
}

/** The marker that ends a transaction. */
export function buildMarker(baseOffset: bigint, producerId: bigint, type: 'abort' | 'commit'): Buffer {
  const key = Buffer.from([0, 0, 0, type === 'abort' ? 0 : 1]);
  const records = [{ offsetDelta: 0, key, value: Buffer.alloc(6) }];
  return buildBatch({ baseOffset, producerId, transactional: true, control: true, records });
}

/** Records with consecutive offsets and these values. */
export function valued(...values: string[]): BuiltRecord[] {
  return values.map((value, offsetDelta) => ({ offsetDelta, value: Buffer.from(value) }));
}

function buildRecord({
  offsetDelta,
  timestampDelta = 0,
  key = null,
  value = null,
  headers = [],
}: BuiltRecord): Buffer {
  const body = Buffer.concat([
    Buffer.from([0]),
    varint(BigInt(timestampDelta)),
    varint(BigInt(offsetDelta)),
    field(key),
    field(value),
    varint(BigInt(headers.length)),
    ...headers.flatMap(([name, bytes]) => [field(Buffer.from(name)), field(bytes)]),
  ]);
  return Buffer.concat([varint(BigInt(body.length)), body]);
}

function field(bytes: Buffer | null): Buffer {
  return bytes === null ? varint(-1n) : Buffer.concat([varint(BigInt(bytes.length)), bytes]);
}

function varint(value: bigint): Buffer {
  let left = value >= 0n ? value * 2n : -value * 2n - 1n;
  const bytes: number[] = [];
  for (; left >= 128n; left >>= 7n) bytes.push(Number(left & 127n) | 128);
  bytes.push(Number(left));
  return Buffer.from(bytes);
}
