/**
 * Where the kernel has to stop: before a record that is damaged, though the checksum of its batch is right.
 */
import { describe, expect, test } from 'vitest';
import { reserve } from '../../../kernels/memory.ts';
import { scanRecords, toFetchedBatch } from '../../../src/sources/kafka/records/batches.ts';
import { FillState, RouteTable, VECTOR_BYTES } from '../../../kernels/routeTable.ts';
import { buildBatch, valued } from '../sources/kafka/batchBuilder.ts';

const bytes = reserve(4_096);
const RECORDS = valued('first', 'second', 'third', 'fourth');
const body = buildBatch({ baseOffset: 0n, records: RECORDS }).subarray(61);
/**
 * A record: length, attributes, timestamp delta, offset delta, key length, value length, value, number of
 * headers.
 */
const THIRD_AT = [0, 1].reduce((at) => at + 1 + body.readUInt8(at) / 2, 0);
const AT = { length: THIRD_AT, key: THIRD_AT + 4, value: THIRD_AT + 5 };
/** As a zigzag varint of one byte. */
const zigzag = (length: number): number => length * 2;

/** What is copied behind the first record of the batch, where these bytes of the third are others. */
function copied(change: readonly (readonly [at: number, byte: number])[], limit: number | null = null) {
  const changed = Buffer.from(body);
  for (const [at, byte] of change) changed.writeUInt8(byte, at);
  const codec = { id: 0, compress: () => changed };
  const records = buildBatch({ baseOffset: 0n, codec, records: RECORDS });
  const part = { name: 't/0', fetchedOffset: 0n, lastStableOffset: -1n, abortedTransactions: [], records };
  const cursor = toFetchedBatch(scanRecords(part)).records();
  cursor.next();
  const [routes, fill] = [new RouteTable(), new FillState()];
  routes.set(0, fill);
  fill.turnTo(bytes.byteOffset, bytes.length - VECTOR_BYTES);
  fill.limitRecords(limit ?? 0);
  const count = cursor.routeRecords?.({
    ...{ fromDelta: 0, toDelta: 100, owner: routes.owner, slotMs: 1_000, nowMs: 7 },
    isCounted: limit !== null,
  });
  const { filled, records: counted, lastOffset, lastWriteAtMs } = fill;
  routes.remove(0);
  fill.free();
  const lines = Buffer.from(bytes.subarray(0, filled)).toString();
  return { count, lines, facts: { counted, lastOffset, lastWriteAtMs }, next: () => cursor.next() };
}

describe('the kernel that copies lines', () => {
  test('copies what is whole', () => {
    const { count, lines, facts, next } = copied([]);
    expect([count, lines, next()]).toEqual([3, 'second\nthird\nfourth\n', false]);
    expect(facts).toEqual({ counted: 3, lastOffset: 3n, lastWriteAtMs: 7 });
  });

  test.each([
    [-1, 0, ''],
    [0, 0, ''],
    [2, 2, 'second\nthird\n'],
    [3, 3, 'second\nthird\nfourth\n'],
    [2 ** 53, 3, 'second\nthird\nfourth\n'],
  ])('stops at a limit of %s records', (limit, records, text) => {
    const { count, lines, facts, next } = copied([], limit);
    expect([count, lines, facts.counted, next()]).toEqual([records, text, records, records < 3]);
  });

  test.each<[string, readonly (readonly [number, number])[]]>([
    ['its value reaches beyond it', [[AT.value, zigzag(9)]]],
    ['its value leaves no room for its headers', [[AT.value, zigzag(6)]]],
    ['its key reaches beyond it', [[AT.key, zigzag(20)]]],
    ['it is shorter than its value', [[AT.length, zigzag(6)]]],
    ['it reaches beyond its batch', [[AT.length, zigzag(40)]]],
    ['its length is negative', [[AT.length, 3]]],
  ])('stops before a record where %s, and the cursor tells it', (_name, change) => {
    const { count, lines, next } = copied(change);
    expect([count, lines]).toEqual([1, 'second\n']);
    expect(next).toThrow(expect.objectContaining({ code: 'SOURCE_BATCH_CORRUPT' }) as Error);
  });
});
