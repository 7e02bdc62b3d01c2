/**
 * Where the kernel has to stop: before a record that is damaged, though the checksum of its batch is right.
 */
import { describe, expect, test } from 'vitest';
import { routeFunction } from '../../../kernels/lines.ts';
import { reserve } from '../../../kernels/memory.ts';
import { scanRecords, toFetchedBatch } from '../../../src/sources/kafka/records/batches.ts';
import { FillState, RouteTable, VECTOR_BYTES } from '../../../kernels/routeTable.ts';
import { buildBatch, valued, type BuiltBatch } from '../sources/kafka/batchBuilder.ts';

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

interface Rules {
  /** Null: records have no limit. */
  readonly limit: number | null;
  readonly isOneLine: boolean;
}

/** What is copied behind the first record of the batch. */
function copiedOf(batch: BuiltBatch, { limit, isOneLine }: Rules) {
  const records = buildBatch(batch);
  const part = { name: 't/0', fetchedOffset: 0n, lastStableOffset: -1n, abortedTransactions: [], records };
  const cursor = toFetchedBatch(scanRecords(part)).records();
  cursor.next();
  const [routes, fill] = [new RouteTable(), new FillState()];
  routes.set(0, fill);
  fill.turnTo(bytes.byteOffset, bytes.length - VECTOR_BYTES);
  fill.limitRecords(limit ?? 0);
  const count = cursor.routeRecords?.({
    ...{ fromDelta: 0, toDelta: 100, owner: routes.owner, slotMs: 1_000, nowMs: 7 },
    route: routeFunction({ isCounted: limit !== null, lines: { type: 'values', isOneLine } }),
    begin: new Uint8Array(0),
  });
  const { filled, records: counted, lastOffset, lastWriteAtMs } = fill;
  routes.remove(0);
  fill.free();
  const lines = Buffer.from(bytes.subarray(0, filled)).toString('latin1');
  return { count, lines, facts: { counted, lastOffset, lastWriteAtMs }, next: () => cursor.next() };
}

/** The same, where these bytes of the third record are others. */
function copied(change: readonly (readonly [at: number, byte: number])[], limit: number | null = null) {
  const changed = Buffer.from(body);
  for (const [at, byte] of change) changed.writeUInt8(byte, at);
  const codec = { id: 0, compress: () => changed };
  return copiedOf({ baseOffset: 0n, codec, records: RECORDS }, { limit, isOneLine: false });
}

const FEED = 0x0a;

/** How many of two records with this value are copied behind a first one; line feeds are around them. */
function copiedLines(value: Buffer, isOneLine: boolean): { count: number | undefined; text: string } {
  const feeds = Buffer.alloc(20, FEED);
  const record = (offsetDelta: number) => ({
    ...{ offsetDelta, key: feeds, value: offsetDelta === 0 ? Buffer.from('first') : value },
    headers: [['h', feeds]] as [string, Buffer][],
  });
  const batch = { baseOffset: 0n, records: [record(0), record(1), record(2)] };
  const { count, lines, facts } = copiedOf(batch, { limit: null, isOneLine });
  expect(facts.counted).toBe(count);
  return { count, text: lines };
}

describe('line feeds in values', () => {
  const lengths = [0, 1, 2, 14, 15, 16, 17, 30, 31, 32, 33, 47, 48, 49, 100];

  test.each(lengths)('none in %s bytes: all are copied, whatever is around them', (length) => {
    const value = Buffer.alloc(length, 'v');
    const line = `${value.toString()}\n`;
    expect(copiedLines(value, true)).toEqual({ count: 2, text: line + line });
  });

  test.each(lengths)('one anywhere in %s bytes: it is left to the router, where that is bad', (length) => {
    for (let at = 0; at < length; at += 1) {
      const value = Buffer.alloc(length, 'v');
      value[at] = FEED;
      expect(copiedLines(value, true), String(at)).toEqual({ count: 0, text: '' });
      expect(copiedLines(value, false).count).toBe(2);
    }
  });
});

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
