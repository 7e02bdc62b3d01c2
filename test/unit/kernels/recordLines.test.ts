/** Whole records as JSON lines by the kernel: each is compared with the line that RecordLine makes. */
import { describe, expect, it } from 'vitest';
import { routeFunction } from '../../../kernels/lines.ts';
import { reserve } from '../../../kernels/memory.ts';
import { FillState, RouteTable, VECTOR_BYTES } from '../../../kernels/routeTable.ts';
import { RecordLine } from '../../../src/formats/json/recordLine.ts';
import { scanRecords, toFetchedBatch } from '../../../src/sources/kafka/records/batches.ts';
import { buildBatch, type BuiltRecord } from '../sources/kafka/batchBuilder.ts';

const bytes = reserve(64 * 1_024);
const AT = { topic: 'clicks', partition: 7 };

type As = 'bytes' | 'string';

interface Batch {
  readonly baseOffset?: bigint;
  readonly firstMs?: number;
  readonly key?: As;
  readonly value?: As;
  /** Room for lines. */
  readonly roomBytes?: number;
}

/** How many lines the kernel writes behind the first record, which are those that RecordLine makes. */
function written(
  records: readonly Partial<BuiltRecord>[],
  { baseOffset = 0n, firstMs = 0, key = 'bytes', value = 'string', roomBytes = bytes.length }: Batch = {},
): number {
  const all = [{}, ...records].map((record, index) => ({
    ...{ offsetDelta: index, key: null, value: Buffer.from('v'), headers: [] },
    ...record,
  }));
  const built = buildBatch({ baseOffset, firstTimestamp: BigInt(firstMs), records: all });
  const part = {
    name: 't/0',
    fetchedOffset: baseOffset,
    lastStableOffset: -1n,
    abortedTransactions: [],
    records: built,
  };
  const batch = toFetchedBatch(scanRecords(part));
  const line = new RecordLine(AT, { key, value });
  const expected: string[] = [];
  const slow = batch.records();
  while (slow.next()) {
    const bad = line.encode(slow);
    expected.push(bad ?? line.bytes.toString('latin1', line.start, line.end));
  }
  if (line.inBulk === null) throw new Error('The kernel has no such lines.');
  const [routes, fill] = [new RouteTable(), new FillState()];
  const slotMs = 2 ** 62;
  routes.set(0, fill);
  fill.turnTo(bytes.byteOffset, roomBytes - VECTOR_BYTES);
  const cursor = batch.records();
  cursor.next();
  const count = cursor.routeRecords?.({
    ...{ fromDelta: 0, toDelta: Infinity, owner: routes.owner, slotMs, nowMs: 1 },
    ...{
      route: routeFunction({ isCounted: false, lines: line.inBulk }),
      begin: line.inBulk.type === 'records' ? line.inBulk.begin : bytes,
    },
  });
  const lines = Buffer.from(bytes.subarray(0, fill.filled)).toString('latin1').split('\n').slice(0, -1);
  routes.remove(0);
  fill.free();
  expect(lines).toEqual(expected.slice(1, 1 + (count ?? 0)));
  return count ?? 0;
}

const around = (number: number): number[] =>
  [number - 2, number - 1, number, number + 1].filter((one) => one > 0);
const powers = Array.from({ length: 15 }, (_, power) => 10 ** power).flatMap(around);
const texts = (...values: readonly (string | Buffer)[]): Partial<BuiltRecord>[] =>
  values.map((value) => ({ value: Buffer.from(value) }));

describe('whole records by the kernel', () => {
  it('have their offsets and times in decimal, whatever their digits', () => {
    for (const number of [...powers, 99_999_999, 100_000_000, 12_345_678, 2 ** 40])
      expect(
        written([{}, {}], { baseOffset: BigInt(number), firstMs: Math.min(number, 2 ** 45) }),
        String(number),
      ).toBe(2);
  });

  it('are left to TypeScript beyond the numbers that are exact, and before 1970', () => {
    expect(written([{}, {}], { baseOffset: 2n ** 53n - 2n })).toBe(1);
    expect(written([{}, {}], { baseOffset: 2n ** 53n })).toBe(0);
    expect(written([{ timestampDelta: 0 }, { timestampDelta: -1 }], { firstMs: 0 })).toBe(1);
    expect(written([{ timestampDelta: 2 ** 45 }], { firstMs: 0 })).toBe(1);
  });

  it('have each ASCII character as JSON has it; others are left to TypeScript', () => {
    const usual = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code)).filter(
      (one) => one >= ' ' || '\b\t\n\f\r'.includes(one),
    );
    expect(written(texts(...usual))).toBe(usual.length);
    for (const rare of ['\u0000', '\u0001', '\u001f', 'ä', '€']) {
      for (let at = 0; at < 40; at += 1) {
        expect(written(texts('x'.repeat(at) + rare)), rare).toBe(0);
        expect(written(texts(`${'x'.repeat(at)}"${rare}`)), rare).toBe(0);
      }
    }
  });

  it('have texts of any length, with escapes anywhere', () => {
    const plain = Array.from({ length: 70 }, (_, length) => 'y'.repeat(length));
    expect(written(texts(...plain))).toBe(70);
    const quoted = Array.from({ length: 50 }, (_, at) => `${'z'.repeat(at)}"${'z'.repeat(49 - at)}`);
    expect(written(texts(...quoted))).toBe(50);
    expect(written(texts('"'.repeat(40), '\\'.repeat(33), '{"a":"b","c":"d"}'))).toBe(3);
  });

  it('have bytes of any length in base64, and keys like values', () => {
    const some = Array.from({ length: 60 }, (_, length) =>
      Buffer.from(Array.from({ length }, (_one, at) => (at * 37 + length) % 256)),
    );
    expect(written(texts(...some), { value: 'bytes' })).toBe(60);
    const keys = some.map((key) => ({ key }));
    expect(written(keys, { key: 'bytes' })).toBe(60);
    expect(
      written([{ key: Buffer.from('a"b') }, { key: null }, { key: Buffer.alloc(0) }], { key: 'string' }),
    ).toBe(3);
    expect(written([{ key: Buffer.from('ü') }], { key: 'string' })).toBe(0);
  });

  it('with headers or without a value are left to TypeScript', () => {
    expect(written([{}, { headers: [['h', Buffer.from('x')]] }, {}])).toBe(1);
    expect(written([{}, { value: null }, {}])).toBe(1);
  });

  it('end where a line might not fit', () => {
    const line =
      '{"topic":"clicks","partition":7,"offset":1,"timestamp":0,"key":null,"value":"v","headers":[]}\n'
        .length;
    const many = Array.from({ length: 9 }, () => ({}));
    const count = written(many, { roomBytes: 5 * line });
    expect(count).toBeGreaterThan(0);
    expect(count).toBeLessThan(5);
  });
});
