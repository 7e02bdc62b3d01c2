import { gzipSync, zstdCompressSync } from 'node:zlib';
import { compressFrameSync } from 'lz4-napi';
import { compressSync } from 'snappy';
import { describe, expect, test } from 'vitest';
import type { TidemarkError } from '../../../../../journal/errors.ts';
import {
  type PartitionRecords,
  scanRecords,
  toFetchedBatch,
} from '../../../../../src/sources/kafka/records/batches.ts';
import type { FetchedBatch } from '../../../../../src/sources/port.ts';
import { buildBatch, buildMarker, valued } from '../batchBuilder.ts';

const NAME = 'orders/3';

function scan(batches: Buffer[], options: Partial<PartitionRecords> = {}) {
  const defaults = { name: NAME, fetchedOffset: 0n, lastStableOffset: 1_000_000n, abortedTransactions: [] };
  return scanRecords({ ...defaults, ...options, records: Buffer.concat(batches) });
}

function contents(batch: FetchedBatch): [offset: bigint, value: string | null][] {
  const found: [bigint, string | null][] = [];
  const cursor = batch.records();
  while (cursor.next()) {
    const { valueBytes, valueStart, valueEnd } = cursor;
    const value = valueStart < 0 ? null : valueBytes.toString('utf8', valueStart, valueEnd);
    found.push([cursor.baseOffset + BigInt(cursor.offsetDelta), value]);
  }
  return found;
}

const visible = (batches: Buffer[], options: Partial<PartitionRecords> = {}) =>
  contents(toFetchedBatch(scan(batches, options)));

describe('what a reader of committed records sees', () => {
  test('aborted records and markers are left out, and nextOffset is behind them', () => {
    const scanned = scan(
      [
        buildBatch({ baseOffset: 0n, producerId: 7n, transactional: true, records: valued('a0', 'a1') }),
        buildBatch({ baseOffset: 2n, records: valued('plain') }),
        buildMarker(3n, 7n, 'abort'),
        buildBatch({ baseOffset: 4n, producerId: 7n, transactional: true, records: valued('b0') }),
        buildMarker(5n, 7n, 'commit'),
      ],
      { abortedTransactions: [{ producerId: 7n, firstOffset: 0n }] },
    );
    expect(contents(toFetchedBatch(scanned))).toEqual([
      [2n, 'plain'],
      [4n, 'b0'],
    ]);
    expect(scanned.nextOffset).toBe(6n);
  });

  test('a fetch that begins inside two aborted transactions delivers neither', () => {
    const aborted = [
      { producerId: 1n, firstOffset: 0n },
      { producerId: 2n, firstOffset: 1n },
    ];
    // kafkajs's own filter lets the first record of the second producer through: it begins one transaction per record.
    const batches = [
      buildBatch({ baseOffset: 10n, producerId: 2n, transactional: true, records: valued('two') }),
      buildBatch({ baseOffset: 11n, producerId: 1n, transactional: true, records: valued('one') }),
      buildMarker(12n, 2n, 'abort'),
      buildBatch({ baseOffset: 13n, producerId: 2n, transactional: true, records: valued('committed') }),
      buildMarker(14n, 1n, 'abort'),
    ];
    expect(visible(batches, { fetchedOffset: 10n, abortedTransactions: aborted })).toEqual([
      [13n, 'committed'],
    ]);
  });

  test('a record whose key looks like an abort marker ends no transaction', () => {
    const markerLike = [{ offsetDelta: 0, key: Buffer.from([0, 0, 0, 0]), value: Buffer.from('x') }];
    const batches = [
      buildBatch({ baseOffset: 0n, producerId: 1n, transactional: true, records: markerLike }),
      buildBatch({ baseOffset: 1n, producerId: 1n, transactional: true, records: valued('aborted') }),
      buildMarker(2n, 1n, 'abort'),
    ];
    expect(visible(batches, { abortedTransactions: [{ producerId: 1n, firstOffset: 0n }] })).toEqual([]);
  });

  test('a commit marker ends no aborted transaction of its producer', () => {
    const batches = [
      buildBatch({ baseOffset: 0n, producerId: 1n, transactional: true, records: valued('committed') }),
      buildMarker(1n, 1n, 'commit'),
      buildBatch({ baseOffset: 2n, producerId: 1n, transactional: true, records: valued('aborted') }),
      buildMarker(3n, 1n, 'abort'),
    ];
    expect(visible(batches, { abortedTransactions: [{ producerId: 1n, firstOffset: 2n }] })).toEqual([
      [0n, 'committed'],
    ]);
  });

  test('a fetch in the middle of a batch delivers its rest only', () => {
    const batches = [buildBatch({ baseOffset: 100n, records: valued('a', 'b', 'c', 'd') })];
    expect(visible(batches, { fetchedOffset: 102n })).toEqual([
      [102n, 'c'],
      [103n, 'd'],
    ]);
  });

  test('nothing at or behind the last stable offset is delivered', () => {
    const batches = [
      buildBatch({ baseOffset: 0n, records: valued('a') }),
      buildBatch({ baseOffset: 1n, records: valued('b', 'c') }),
    ];
    const scanned = scan(batches, { lastStableOffset: 2n });
    expect(contents(toFetchedBatch(scanned))).toEqual([[0n, 'a']]);
    expect(scanned.nextOffset).toBe(1n);
  });
});

describe('where to read on', () => {
  test('behind the offsets that were compacted away at the end of a batch', () => {
    const scanned = scan([buildBatch({ baseOffset: 0n, lastOffsetDelta: 9, records: valued('kept') })]);
    expect(scanned.nextOffset).toBe(10n);
  });

  test('behind a batch of which nothing is left', () => {
    const scanned = scan([buildBatch({ baseOffset: 5n, lastOffsetDelta: 4, records: [] })], {
      fetchedOffset: 5n,
    });
    expect(scanned.nextOffset).toBe(10n);
    expect(contents(toFetchedBatch(scanned))).toEqual([]);
  });

  test('at the cut-off batch, which is not the end', () => {
    const whole = buildBatch({ baseOffset: 0n, records: valued('whole') });
    for (const bytes of [1, 11, 60, 65]) {
      const cut = buildBatch({ baseOffset: 1n, records: valued('cut off') }).subarray(0, bytes);
      const scanned = scan([whole, cut]);
      expect(scanned.nextOffset).toBe(1n);
      expect(scanned.neededBytes).toBeNull();
    }
  });

  test('nowhere, where not one batch is whole: the bytes that it needs are told', () => {
    const batch = buildBatch({ baseOffset: 0n, records: valued('x'.repeat(500)) });
    expect(scan([batch.subarray(0, 100)]).neededBytes).toBe(batch.length);
    expect(scan([batch.subarray(0, 20)]).neededBytes).toBe(40);
    expect(scan([batch.subarray(0, 100)]).nextOffset).toBe(0n);
  });
});

describe('what is damaged is told, never read over', () => {
  test('a flipped bit anywhere behind the CRC', () => {
    const batch = buildBatch({ baseOffset: 42n, records: valued('hello') });
    for (const at of [22, 26, 60, batch.length - 1]) {
      const flipped = Buffer.from(batch);
      flipped.writeUInt8(flipped.readUInt8(at) ^ 0x40, at);
      const options = { fetchedOffset: 42n, lastStableOffset: -1n };
      expect(() => toFetchedBatch(scan([flipped], options))).toThrow(
        expect.objectContaining({
          code: 'SOURCE_BATCH_CORRUPT',
          message: expect.stringContaining('offset 42 of orders/3') as string,
        }),
      );
    }
  });

  test('with its offsets, as far as they are certain: from where it was fetched up to what follows', () => {
    const damaged = buildBatch({ baseOffset: 40n, records: valued('a', 'b', 'c'), lastOffsetDelta: 5 });
    damaged.writeUInt8(damaged.readUInt8(70) ^ 1, 70);
    const follows = buildBatch({ baseOffset: 46n, records: valued('d') });
    const rangeOf = (batches: Buffer[]): unknown => {
      try {
        return scan(batches, { fetchedOffset: 41n });
      } catch (error) {
        const { fromOffset, toOffset } = (error as TidemarkError).fields;
        return [fromOffset, toOffset];
      }
    };
    expect(rangeOf([damaged, follows])).toEqual([41n, 46n]);
    // Records were compacted away, or the header is damaged: nothing that is certain.
    expect(rangeOf([damaged])).toEqual([41n, undefined]);
    const dense = buildBatch({ baseOffset: 40n, records: valued('a', 'b', 'c') });
    dense.writeUInt8(dense.readUInt8(70) ^ 1, 70);
    expect(rangeOf([dense])).toEqual([41n, 43n]);
    follows.writeUInt8(follows.readUInt8(65) ^ 1, 65);
    expect(rangeOf([dense, follows])).toEqual([41n, 43n]);
  });

  test('a flipped bit in a batch that is filtered', () => {
    const marker = buildMarker(0n, 1n, 'commit');
    marker.writeUInt8(marker.readUInt8(50) ^ 1, 50);
    expect(() => toFetchedBatch(scan([marker]))).toThrow(
      expect.objectContaining({ code: 'SOURCE_BATCH_CORRUPT' }),
    );
  });

  test('an old format and an impossible length', () => {
    const old = buildBatch({ baseOffset: 0n, magic: 1, records: valued('old') });
    expect(() => scan([old])).toThrow(expect.objectContaining({ code: 'SOURCE_BATCH_CORRUPT' }));
    const short = buildBatch({ baseOffset: 0n, records: valued('short') });
    short.writeInt32BE(3, 8);
    expect(() => scan([short])).toThrow(expect.objectContaining({ code: 'SOURCE_BATCH_CORRUPT' }));
  });

  test('a compressed batch that cannot be unpacked', () => {
    const codec = { id: 1, compress: () => Buffer.from('not gzip at all') };
    const fields = expect.objectContaining({ fromOffset: 0n, toOffset: 2n }) as object;
    expect(() =>
      contents(toFetchedBatch(scan([buildBatch({ baseOffset: 0n, codec, records: valued('x', 'y') })]))),
    ).toThrow(expect.objectContaining({ code: 'SOURCE_BATCH_CORRUPT', fields }));
  });
});

describe('compressed batches', () => {
  const xerial = (bytes: Buffer): Buffer => {
    const header = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1]);
    const blocks = [bytes.subarray(0, 10), bytes.subarray(10)].map((block) => {
      const packed = compressSync(block);
      const length = Buffer.alloc(4);
      length.writeInt32BE(packed.length);
      return Buffer.concat([length, packed]);
    });
    return Buffer.concat([header, ...blocks]);
  };
  test.each([
    ['gzip', 1, (bytes: Buffer) => gzipSync(bytes)],
    ['snappy, as librdkafka writes it', 2, (bytes: Buffer) => compressSync(bytes)],
    ['snappy, as Java writes it', 2, xerial],
    ['lz4', 3, (bytes: Buffer) => compressFrameSync(bytes)],
    ['zstd', 4, (bytes: Buffer) => zstdCompressSync(bytes)],
  ])('%s', (_name, id, compress) => {
    const codec = { id, compress };
    const batches = [
      buildBatch({ baseOffset: 0n, codec, records: valued('one', 'two') }),
      buildBatch({ baseOffset: 2n, records: valued('three') }),
    ];
    expect(visible(batches, { fetchedOffset: 1n })).toEqual([
      [1n, 'two'],
      [2n, 'three'],
    ]);
  });

  const codec = { id: 3, compress: (bytes: Buffer) => compressFrameSync(bytes) };
  const packed = [
    buildBatch({ baseOffset: 0n, codec, records: valued('one', 'two') }),
    buildBatch({ baseOffset: 2n, codec, records: valued('three') }),
  ];

  test.each(['batches', 'records'] as const)(
    'are unpacked into the same memory, by %s, but never into what another cursor stands on',
    (decode) => {
      const batch = toFetchedBatch(scan(packed), decode);
      const [one, other] = [batch.records(), batch.records()];
      const value = ({ valueBytes, valueStart, valueEnd }: typeof one): string =>
        valueBytes.toString('utf8', valueStart, valueEnd);
      one.next();
      const memory = one.valueBytes.buffer;
      while (other.next()) expect(other.valueBytes.buffer).not.toBe(memory);
      expect(value(one)).toBe('one');
      for (const expected of ['two', 'three']) {
        expect(one.next()).toBe(true);
        expect([value(one), one.valueBytes.buffer === memory]).toEqual([expected, true]);
      }
      expect(one.next()).toBe(false);
    },
  );
});
