/** Unpacking takes no more memory than the job has for it, whatever a batch holds. */
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { compressFrameSync } from 'lz4-napi';
import { compressSync } from 'snappy';
import { describe, expect, test } from 'vitest';
import { scanRecords, toFetchedBatch } from '../../../src/sources/kafka/records/batches.ts';
import type { FetchedBatch, RecordCursor } from '../../../src/sources/port.ts';
import { NoRoomYet, UnpackRoom } from '../../../src/sources/unpackRoom.ts';
import { buildBatch, valued, type BuiltRecord } from './kafka/batchBuilder.ts';

const MIB = 1024 * 1024;

interface TestCodec {
  readonly id: number;
  readonly compress: (bytes: Buffer) => Buffer;
}

const xerial = (bytes: Buffer): Buffer => {
  const header = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1]);
  const packed = compressSync(bytes);
  const length = Buffer.alloc(4);
  length.writeInt32BE(packed.length);
  return Buffer.concat([header, length, packed]);
};
const CODECS: readonly [string, TestCodec][] = [
  ['gzip', { id: 1, compress: (bytes) => gzipSync(bytes) }],
  ['snappy', { id: 2, compress: (bytes) => compressSync(bytes) }],
  ['snappy, as Java writes it', { id: 2, compress: xerial }],
  ['lz4', { id: 3, compress: (bytes) => compressFrameSync(bytes) }],
  ['zstd', { id: 4, compress: (bytes) => zstdCompressSync(bytes) }],
];

const large = (bytes: number): BuiltRecord[] => [{ offsetDelta: 0, value: Buffer.alloc(bytes, 'x') }];

function fetched(
  batches: Buffer[],
  room: UnpackRoom,
  decode: 'batches' | 'records' = 'batches',
): FetchedBatch {
  const options = { name: 'orders/3', fetchedOffset: 0n, lastStableOffset: -1n, abortedTransactions: [] };
  return toFetchedBatch(scanRecords({ ...options, records: Buffer.concat(batches) }), decode, room);
}

const lengths = (cursor: RecordCursor): number[] => {
  const found: number[] = [];
  while (cursor.next()) found.push(cursor.valueEnd - cursor.valueStart);
  return found;
};

describe.each(CODECS)('%s', (_name, codec) => {
  const bomb = buildBatch({ baseOffset: 2n, codec, records: large(6 * MIB), lastOffsetDelta: 4 });
  const small = buildBatch({ baseOffset: 0n, codec, records: valued('one', 'two') });

  test('a batch that takes more than the room is told with its offsets, and takes next to nothing', () => {
    const room = new UnpackRoom(2 * MIB);
    const cursor = fetched([small, bomb], room).records();
    expect([cursor.next(), cursor.next()]).toEqual([true, true]);
    const before = process.memoryUsage().arrayBuffers;
    const told = {
      code: 'SOURCE_BATCH_TOO_LARGE',
      message: expect.stringContaining('Raise memory') as string,
      fields: expect.objectContaining({ fromOffset: 2n, toOffset: 7n, bytesMax: 2 * MIB }) as object,
    };
    expect(() => cursor.next()).toThrow(expect.objectContaining(told));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(5 * MIB);
    expect(room.heldBytes).toBe(0);
  });

  test('what fits is read, and the room is free afterwards', () => {
    const room = new UnpackRoom(7 * MIB);
    for (const decode of ['batches', 'records'] as const)
      expect(lengths(fetched([small, bomb], room, decode).records())).toEqual([3, 3, 6 * MIB]);
    expect(room.heldBytes).toBe(0);
  });

  test('what has no room beside another waits for it, and is then read from where it was', async () => {
    const room = new UnpackRoom(10 * MIB);
    const [first, second] = [fetched([bomb], room).records(), fetched([small, bomb], room).records()];
    expect(first.next()).toBe(true);
    let shortage: NoRoomYet | null = null;
    const found: bigint[] = [];
    try {
      while (second.next()) found.push(second.baseOffset + BigInt(second.offsetDelta));
    } catch (error) {
      if (!(error instanceof NoRoomYet)) throw error;
      shortage = error;
    }
    expect([found, shortage]).toEqual([[0n, 1n], expect.any(NoRoomYet)]);
    first.release?.();
    await shortage?.whenRoom;
    expect(second.next()).toBe(true);
    expect(second.valueEnd - second.valueStart).toBe(6 * MIB);
    second.release?.();
    expect(room.heldBytes).toBe(0);
  });
});
