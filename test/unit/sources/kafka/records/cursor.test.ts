import { describe, expect, test } from 'vitest';
import { scanRecords, toFetchedBatch } from '../../../../../src/sources/kafka/records/batches.ts';
import type { RecordDecoding } from '../../../../../src/sources/kafka/options.ts';
import type { FetchedBatch, RecordCursor } from '../../../../../src/sources/port.ts';
import { FOR_GOOD, Lent } from '../../../../../src/system/lentMemory.ts';
import { buildBatch, type BuiltBatch, type BuiltRecord, valued } from '../batchBuilder.ts';

const INTERNAL = expect.objectContaining({ code: 'INTERNAL' }) as Error;

function batchOf(records: readonly BuiltRecord[], decode: RecordDecoding): FetchedBatch {
  const facts = { name: 't/0', fetchedOffset: 0n, lastStableOffset: -1n, abortedTransactions: [] };
  return toFetchedBatch(scanRecords({ ...facts, records: buildBatch({ baseOffset: 0n, records }) }), decode);
}

function cursorOver(batches: BuiltBatch[], fetchedOffset = 0n): RecordCursor {
  const records = Buffer.concat(batches.map(buildBatch));
  const scanned = scanRecords({
    name: 't/0',
    fetchedOffset,
    lastStableOffset: -1n,
    abortedTransactions: [],
    records,
  });
  return toFetchedBatch(scanned).records();
}

const text = (bytes: Buffer, start: number, end: number): string => bytes.toString('utf8', start, end);

describe('the record cursor', () => {
  test('tells key, value and null of each apart from empty', () => {
    const cursor = cursorOver([
      {
        baseOffset: 0n,
        records: [
          { offsetDelta: 0, key: Buffer.from('key'), value: Buffer.from('value') },
          { offsetDelta: 1, key: null, value: null },
          { offsetDelta: 2, key: Buffer.alloc(0), value: Buffer.alloc(0) },
        ],
      },
    ]);
    expect(cursor.next()).toBe(true);
    expect(text(cursor.keyBytes, cursor.keyStart, cursor.keyEnd)).toBe('key');
    expect(text(cursor.valueBytes, cursor.valueStart, cursor.valueEnd)).toBe('value');
    expect(cursor.next()).toBe(true);
    expect([cursor.keyStart, cursor.valueStart]).toEqual([-1, -1]);
    expect(cursor.next()).toBe(true);
    expect(cursor.keyEnd - cursor.keyStart).toBe(0);
    expect(cursor.keyStart).toBeGreaterThanOrEqual(0);
    expect(cursor.valueEnd - cursor.valueStart).toBe(0);
    expect(cursor.next()).toBe(false);
    expect(cursor.next()).toBe(false);
  });

  test('passes over headers', () => {
    const headers = [
      ['trace', Buffer.from('abc')],
      ['none', null],
    ] as const;
    const records = [
      { offsetDelta: 0, value: Buffer.from('first'), headers },
      { offsetDelta: 1, value: Buffer.from('second'), headers },
    ];
    const cursor = cursorOver([{ baseOffset: 0n, records }]);
    const values: string[] = [];
    while (cursor.next()) values.push(text(cursor.valueBytes, cursor.valueStart, cursor.valueEnd));
    expect(values).toEqual(['first', 'second']);
  });

  test('reads times before 1970, far ahead, and those that the broker stamped', () => {
    const far = 2 ** 52;
    const own = cursorOver([
      {
        baseOffset: 0n,
        firstTimestamp: 1_000n,
        records: [
          { offsetDelta: 0, timestampDelta: 0 },
          { offsetDelta: 1, timestampDelta: -5_000 },
          { offsetDelta: 2, timestampDelta: far },
        ],
      },
    ]);
    const times: number[] = [];
    while (own.next()) times.push(own.timestampMs);
    expect(times).toEqual([1_000, -4_000, 1_000 + far]);
    const stamped = cursorOver([
      {
        baseOffset: 0n,
        firstTimestamp: 5n,
        maxTimestamp: 77n,
        logAppendTime: true,
        records: [{ offsetDelta: 0, timestampDelta: 3 }],
      },
    ]);
    stamped.next();
    expect(stamped.timestampMs).toBe(77);
  });

  test('offsets have holes within and between batches, beyond 2^53 too', () => {
    const base = 2n ** 60n;
    const cursor = cursorOver(
      [
        { baseOffset: base, records: [{ offsetDelta: 3 }, { offsetDelta: 9 }] },
        { baseOffset: base + 5_000_000_000n, records: [{ offsetDelta: 0 }] },
      ],
      base,
    );
    const offsets: bigint[] = [];
    while (cursor.next()) offsets.push(cursor.baseOffset + BigInt(cursor.offsetDelta));
    expect(offsets).toEqual([base + 3n, base + 9n, base + 5_000_000_000n]);
  });

  test('two cursors over one batch do not disturb each other', () => {
    const records = Buffer.concat([buildBatch({ baseOffset: 0n, records: valued('a', 'b') })]);
    const batch = toFetchedBatch(
      scanRecords({
        name: 't/0',
        fetchedOffset: 0n,
        lastStableOffset: -1n,
        abortedTransactions: [],
        records,
      }),
    );
    const [first, second] = [batch.records(), batch.records()];
    first.next();
    first.next();
    second.next();
    expect([first.offsetDelta, second.offsetDelta]).toEqual([1, 0]);
  });

  test('a record that reaches beyond its batch is an error, not garbage', () => {
    const batch = buildBatch({ baseOffset: 0n, records: valued('aaaa', 'bbbb') });
    const segment = {
      start: 61,
      end: batch.length - 1,
      count: 2,
      baseDelta: 0,
      lastDelta: 1,
      firstTimestampMs: 0,
      appendTimestampMs: null,
    };
    return import('../../../../../src/sources/kafka/records/cursor.ts').then(({ BatchCursor }) => {
      const cursor = new BatchCursor(0n, new Lent([{ ...segment, bytes: batch }], FOR_GOOD));
      expect(cursor.next()).toBe(true);
      const fields = expect.objectContaining({ fromOffset: 1n, toOffset: 2n }) as object;
      expect(() => cursor.next()).toThrow(expect.objectContaining({ code: 'SOURCE_BATCH_CORRUPT', fields }));
    });
  });

  test.each<RecordDecoding>(['batches', 'records'])('is not moved after it was released (%s)', (decode) => {
    const cursor = batchOf(valued('a', 'b'), decode).records();
    expect(cursor.next()).toBe(true);
    cursor.release?.();
    expect(() => cursor.next()).toThrow(INTERNAL);
  });

  test.each<RecordDecoding>(['batches', 'records'])(
    'ends with its batch, which is released once (%s)',
    (decode) => {
      const batch = batchOf(valued('a', 'b'), decode);
      const cursor = batch.records();
      batch.release?.();
      expect(() => cursor.next()).toThrow(INTERNAL);
      expect(() => batch.records().next()).toThrow(INTERNAL);
      expect(() => batch.release?.()).toThrow(INTERNAL);
    },
  );
});
