/**
 * The same batches over their bytes, by kafkajs's decoder record by record, and by kafkajs's decoder of whole
 * batches.
 */
import { createRequire } from 'node:module';
import { gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { CompressionCodecs, CompressionTypes } from 'kafkajs';
import { compressFrameSync, decompressFrameSync } from 'lz4-napi';
import { compressSync, uncompressSync } from 'snappy';
import { describe, expect, test } from 'vitest';
import type { RecordDecoding } from '../../../../../src/sources/kafka/options.ts';
import {
  type PartitionRecords,
  scanRecords,
  toFetchedBatch,
} from '../../../../../src/sources/kafka/records/batches.ts';
import { buildBatch, type BuiltBatch, buildMarker, type BuiltRecord, valued } from '../batchBuilder.ts';

const load = createRequire(import.meta.url);
const Decoder = load('kafkajs/src/protocol/decoder') as new (bytes: Buffer) => object;
const decodeBatch = load('kafkajs/src/protocol/recordBatch/v0/decoder') as (decoder: object) => Promise<{
  records: { offset: string; timestamp: string; key: Buffer | null; value: Buffer | null; headers: object }[];
}>;

/** kafkajs brings gzip only. */
const unpacking = (unpack: (bytes: Buffer) => Buffer) => () => ({
  compress: () => Promise.reject(new Error('nothing is compressed here')),
  decompress: (bytes: Buffer) => Promise.resolve(unpack(bytes)),
});
CompressionCodecs[CompressionTypes.Snappy] = unpacking((bytes) => uncompressSync(bytes) as Buffer);
CompressionCodecs[CompressionTypes.LZ4] = unpacking(decompressFrameSync);
CompressionCodecs[CompressionTypes.ZSTD] = unpacking((bytes) => zstdDecompressSync(bytes));

interface Read {
  readonly offset: bigint;
  readonly timestampMs: number;
  readonly key: string | null;
  readonly value: string | null;
}

interface Outcome {
  readonly records: Read[];
  readonly nextOffset: bigint | null;
  readonly failure: unknown;
}

function read(part: Partial<PartitionRecords>, decode: RecordDecoding): Outcome {
  const defaults = { name: 't/0', fetchedOffset: 0n, lastStableOffset: -1n, abortedTransactions: [] };
  const records: Read[] = [];
  let nextOffset: bigint | null = null;
  try {
    const scanned = scanRecords({ ...defaults, records: Buffer.alloc(0), ...part });
    nextOffset = scanned.nextOffset;
    const cursor = toFetchedBatch(scanned, decode).records();
    while (cursor.next()) {
      const { keyBytes, keyStart, keyEnd, valueBytes, valueStart, valueEnd, timestampMs } = cursor;
      records.push({
        offset: cursor.baseOffset + BigInt(cursor.offsetDelta),
        timestampMs,
        key: keyStart < 0 ? null : keyBytes.toString('hex', keyStart, keyEnd),
        value: valueStart < 0 ? null : valueBytes.toString('hex', valueStart, valueEnd),
      });
    }
    return { records, nextOffset, failure: null };
  } catch (error) {
    return { records, nextOffset, failure: error };
  }
}

/** What kafkajs makes of one batch, with its headers. */
async function kafkajsRecords(batch: Buffer) {
  const { records } = await decodeBatch(new Decoder(batch));
  return records.map(({ offset, timestamp, key, value, headers }) => ({
    read: {
      offset: BigInt(offset),
      timestampMs: Number(timestamp),
      key: key?.toString('hex') ?? null,
      value: value?.toString('hex') ?? null,
    },
    headers: Object.entries(headers).map(([name, bytes]) => [name, bytes as Buffer | null] as const),
  }));
}

const codecs: BuiltBatch['codec'][] = [
  undefined,
  { id: 1, compress: (bytes) => gzipSync(bytes) },
  { id: 2, compress: (bytes) => compressSync(bytes) },
  { id: 3, compress: (bytes) => compressFrameSync(bytes) },
  { id: 4, compress: (bytes) => zstdCompressSync(bytes) },
];

const bytes = fc.oneof(
  { weight: 2, arbitrary: fc.constant(null) },
  { weight: 10, arbitrary: fc.uint8Array({ maxLength: 40 }).map((all) => Buffer.from(all)) },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 60, max: 20_000 }).map((length) => Buffer.alloc(length, 'long')),
  },
);
/** Varints of one to five bytes, and of up to seven for times. */
const step = fc.oneof(
  fc.integer({ min: 1, max: 5 }),
  fc.integer({ min: 60, max: 70 }),
  fc.integer({ min: 1, max: 2 ** 27 }),
);
const record = fc.record({
  step,
  timestampDelta: fc.oneof(fc.constant(0), fc.integer(), fc.integer({ min: -(2 ** 45), max: 2 ** 45 })),
  key: bytes,
  value: bytes,
  headers: fc.array(fc.tuple(fc.constantFrom('trace', 'ö'), bytes), { maxLength: 1 }),
});

const PRODUCERS = [7n, 8n];
const batch = fc.record({
  kind: fc.constantFrom('plain', 'plain', 'transactional', 'commit', 'abort', 'empty'),
  producerId: fc.constantFrom(...PRODUCERS),
  records: fc.array(record, { minLength: 1, maxLength: 8 }),
  /** Offsets that were compacted away behind the batch's records, and between batches. */
  gone: fc.constantFrom(0, 0, 1, 300),
  hole: fc.constantFrom(0n, 0n, 5n, 2n ** 33n),
  firstTimestamp: fc.constantFrom(0n, -1n, 1_700_000_000_000n),
  logAppendTime: fc.boolean(),
  codec: fc.constantFrom(...codecs),
});
type DrawnBatch = typeof batch extends fc.Arbitrary<infer Drawn> ? Drawn : never;

interface Log {
  readonly batches: Buffer[];
  readonly built: { readonly bytes: Buffer; readonly drawn: DrawnBatch; readonly records: BuiltRecord[] }[];
  /** What is committed by the definition: a batch is visible unless its producer's next marker aborts it. */
  readonly visible: Buffer[];
  readonly abortedTransactions: { producerId: bigint; firstOffset: bigint }[];
  readonly endOffset: bigint;
}

function layOut(drawnBatches: readonly DrawnBatch[]): Log {
  let baseOffset = 0n;
  const open = new Map<bigint, { bytes: Buffer; firstOffset: bigint }[]>();
  const batches: Buffer[] = [];
  const hidden = new Set<Buffer>();
  const built: Log['built'] = [];
  const abortedTransactions: Log['abortedTransactions'] = [];
  // What is still open at the end is aborted, so that every transaction has an end.
  const ends = PRODUCERS.map((producerId) => ({ ...drawnBatches[0]!, kind: 'abort', producerId }) as const);
  for (const drawn of [...drawnBatches, ...ends]) {
    const { kind, producerId, gone, hole } = drawn;
    baseOffset += hole;
    if (kind === 'commit' || kind === 'abort') {
      const marker = buildMarker(baseOffset, producerId, kind);
      const transaction = open.get(producerId) ?? [];
      open.delete(producerId);
      if (kind === 'abort' && transaction[0] !== undefined) {
        abortedTransactions.push({ producerId, firstOffset: transaction[0].firstOffset });
        for (const one of transaction) hidden.add(one.bytes);
      }
      batches.push(marker);
      hidden.add(marker);
      baseOffset += 1n;
      continue;
    }
    let offsetDelta = -1;
    const records = (kind === 'empty' ? [] : drawn.records).map((one) => {
      offsetDelta += one.step;
      return { ...one, offsetDelta };
    });
    const lastOffsetDelta = Math.max(0, offsetDelta) + gone;
    const transactional = kind === 'transactional';
    const one = buildBatch({
      ...drawn,
      ...{ baseOffset, records, lastOffsetDelta, transactional, maxTimestamp: 1_800_000_000_000n },
      producerId: transactional ? producerId : -1n,
      codec: kind === 'empty' ? undefined : drawn.codec,
    });
    if (transactional)
      open.set(producerId, [...(open.get(producerId) ?? []), { bytes: one, firstOffset: baseOffset }]);
    batches.push(one);
    built.push({ bytes: one, drawn, records });
    baseOffset += BigInt(lastOffsetDelta) + 1n;
  }
  const visible = batches.filter((one) => !hidden.has(one));
  return { batches, built, visible, abortedTransactions, endOffset: baseOffset };
}

const logs = fc.array(batch, { minLength: 1, maxLength: 6 }).map(layOut);

describe('both ways to the records', () => {
  test("give what kafkajs's own decoder gives, from every batch's offset on", async () => {
    let seen = 0;
    await fc.assert(
      fc.asyncProperty(logs, fc.oneof(fc.constant(0), fc.nat()), async (log, from) => {
        const first = log.batches[from % log.batches.length]!;
        const fetchedOffset = first.readBigInt64BE(0) + BigInt(from % 3);
        const expected = (await Promise.all(log.visible.map(kafkajsRecords))).flat();
        const part = {
          fetchedOffset,
          abortedTransactions: log.abortedTransactions,
          records: Buffer.concat(log.batches.slice(log.batches.indexOf(first))),
        };
        // A broker names the transactions that reach into the fetch, and begins with the batch that holds the
        // offset.
        const outcome = {
          records: expected.map((one) => one.read).filter(({ offset }) => offset >= fetchedOffset),
          nextOffset: log.endOffset > fetchedOffset ? log.endOffset : fetchedOffset,
          failure: null,
        };
        seen += outcome.records.length;
        expect(read(part, 'batches')).toEqual(outcome);
        expect(read(part, 'records')).toEqual(outcome);
      }),
      { numRuns: 150 },
    );
    expect(seen).toBeGreaterThan(200);
  });

  test('the headers that they pass over are those that were written', async () => {
    await fc.assert(
      fc.asyncProperty(logs, async ({ built }) => {
        for (const { bytes: one, records } of built) {
          const decoded = await kafkajsRecords(one);
          expect(decoded.map(({ headers }) => headers)).toEqual(records.map(({ headers }) => headers));
        }
      }),
      { numRuns: 30 },
    );
  });

  test('read up to a batch that is cut off, and say where to go on', () => {
    fc.assert(
      fc.property(logs, fc.nat(), (log, cut) => {
        const all = Buffer.concat(log.batches);
        const records = all.subarray(0, cut % all.length);
        const part = { records, abortedTransactions: log.abortedTransactions };
        const [inBulk, oneByOne] = [read(part, 'batches'), read(part, 'records')];
        expect(inBulk.failure).toBeNull();
        expect(oneByOne).toEqual(inBulk);
        const { nextOffset } = inBulk;
        const rest = read({ ...part, records: all, fetchedOffset: nextOffset! }, 'records');
        expect([...inBulk.records, ...rest.records]).toEqual(
          read({ ...part, records: all }, 'batches').records,
        );
      }),
      { numRuns: 80 },
    );
  });
});

describe('damage', () => {
  test.each(['batches', 'records'] as const)(
    'a flipped bit behind the CRC, by %s: what is before it is given, then it is told, and nothing ' +
      'behind it is given',
    async (decode) => {
      const drawn = fc.tuple(logs, fc.nat(), fc.nat(), fc.boolean());
      await fc.assert(
        fc.asyncProperty(drawn, async ([log, which, where, isStable]) => {
          const index = which % log.batches.length;
          const damaged = Buffer.from(log.batches[index]!);
          const at = 21 + (where % (damaged.length - 21));
          damaged.writeUInt8(damaged.readUInt8(at) ^ (1 << (where % 8)), at);
          const batches = log.batches.with(index, damaged);
          const { abortedTransactions, endOffset } = log;
          const common = { abortedTransactions, lastStableOffset: isStable ? endOffset : -1n };
          const failure = {
            code: 'SOURCE_BATCH_CORRUPT',
            fields: { partition: 't/0', offset: damaged.readBigInt64BE(0) },
          };
          const before = log.visible.filter((one) => log.batches.indexOf(one) < index);
          const expected = (await Promise.all(before.map(kafkajsRecords))).flat().map((one) => one.read);
          const outcome = read({ ...common, records: Buffer.concat(batches) }, decode);
          expect(outcome.records).toEqual(expected);
          if (index === 0) expect(outcome.failure).toMatchObject(failure);
          else {
            expect(outcome.failure).toBeNull();
            const again = Buffer.concat(batches.slice(index));
            const told = read({ ...common, fetchedOffset: outcome.nextOffset!, records: again }, decode);
            expect(told).toMatchObject({ records: [], failure });
          }
        }),
        { numRuns: 80 },
      );
    },
  );

  const plain = buildBatch({ baseOffset: 40n, records: valued('first', 'second', 'third') });
  const body = plain.subarray(61);
  const secondAt = 1 + body.readUInt8(0) / 2;
  /** Its checksum is right: what made it was wrong. */
  const wrong = (change: (copy: Buffer) => Buffer | undefined, records = 3): Buffer => {
    const copy = Buffer.from(body);
    const bytesOf = change(copy) ?? copy;
    const codec = { id: 0, compress: () => bytesOf };
    return buildBatch({
      baseOffset: 40n,
      codec,
      records: valued('first', 'second', 'third').slice(0, records),
    });
  };
  const valueLengthAt = secondAt + 5;
  test.each<[string, Buffer, number]>([
    ['a value reaches beyond its record', wrong((copy) => void copy.writeUInt8(18, valueLengthAt)), 1],
    ['a value leaves no room for headers', wrong((copy) => void copy.writeUInt8(14, valueLengthAt)), 1],
    ['a key reaches beyond its record', wrong((copy) => void copy.writeUInt8(120, secondAt + 4)), 1],
    ['a record reaches beyond its batch', wrong((copy) => copy.subarray(0, -1)), 2],
    ['a record has a negative length', wrong((copy) => void copy.writeUInt8(3, secondAt)), 1],
    ['the batch ends before its last record', wrong((copy) => copy.subarray(0, secondAt)), 1],
    ['there are more records than the batch says', wrong(() => undefined, 2), 2],
  ])(
    '%s: it is told with its offset, what is before it is right, and what is behind it is not given',
    (_name, records, whole) => {
      for (const decode of ['batches', 'records'] as const) {
        const outcome = read({ records, fetchedOffset: 40n }, decode);
        expect(outcome.records.map(({ offset }) => offset)).toEqual([40n, 41n, 42n].slice(0, whole));
        expect(outcome.failure).toMatchObject({ code: 'SOURCE_BATCH_CORRUPT' });
        expect(String(outcome.failure)).toContain(`behind offset ${39n + BigInt(whole)}`);
      }
    },
  );
});
