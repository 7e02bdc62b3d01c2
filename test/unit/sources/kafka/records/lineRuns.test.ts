/**
 * Lines copied in bulk against the same router record by record: files, offsets, checksums and failures have
 * to be the same.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { timeBuckets } from '../../../../../actors/buckets/time/assigner.ts';
import { noBuckets } from '../../../../../actors/buckets/none/rule.ts';
import type { BucketAssigner } from '../../../../../actors/buckets/rule.ts';
import { timePattern } from '../../../actors/buckets/ownBuckets.ts';
import { defaultRollingPolicy } from '../../../../../actors/rolling/policy.ts';
import { crc64Of } from '../../../../../kernels/crc64.ts';
import { partId } from '../../../../../journal/ids.ts';
import { reserve } from '../../../../../kernels/memory.ts';
import { FailureLatch } from '../../../../../src/system/concurrency.ts';
import { FileRoom } from '../../../../../src/writing/fileRoom.ts';
import { RecordRouter } from '../../../../../src/writing/recordRouter.ts';
import { PartWriter } from '../../../../../src/writing/partWriter.ts';
import { RunStats } from '../../../../../src/writing/runStats.ts';
import { BUFFER_BYTES_MAX, WriteBuffers } from '../../../../../src/writing/writeBuffers.ts';
import { scanRecords, toFetchedBatch } from '../../../../../src/sources/kafka/records/batches.ts';
import type { FetchedBatch, RecordCursor } from '../../../../../src/sources/port.ts';
import type { RouteRun } from '../../../../../kernels/lines.ts';
import type { OpenFile } from '../../../../../src/stores/port.ts';
import { buildBatch, type BuiltBatch, type BuiltRecord } from '../batchBuilder.ts';
import type { Decode } from '../../../../../src/config/jobConfig.ts';
import type { LineFormat, Tombstones } from '../../../../../src/formats/format.ts';
import { RecordLine } from '../../../../../src/formats/json/recordLine.ts';
import { TextLine } from '../../../../../src/formats/text/line.ts';
import { BadRecords } from '../../../../../src/writing/badRecords.ts';

const area = reserve(8 * BUFFER_BYTES_MAX);
const START_MS = 1_700_000_000_000;

/** Keeps a copy of what it is given: buffers are used again. */
class CopyingFile implements OpenFile {
  readonly pieces: Buffer[] = [];
  write = async (bytes: Uint8Array): Promise<void> => void this.pieces.push(Buffer.from(bytes));
  persist = async (): Promise<null> => null;
  closeForCommit = async (): Promise<null> => null;
  abandon = async (): Promise<void> => undefined;
}

interface Written {
  readonly files: unknown[];
  readonly cuts: unknown[];
  readonly nextOffset: bigint;
  readonly failure: string | null;
  readonly takenBytes: number;
  /** Records of the file that has most of them. */
  readonly recordsMost: number;
  /** Records that were left out, or written as bad. */
  readonly bad: number;
  /** Records that were copied in bulk. */
  readonly copied: number;
}

interface Fixture {
  readonly batches: readonly BuiltBatch[];
  readonly assigner: BucketAssigner;
  readonly maxBytes: number;
  readonly maxRecords: number | undefined;
  readonly lines: LinesOf;
  readonly tombstones: Tombstones;
  readonly badTo: 'stop' | 'skip' | 'file';
  readonly startOffset: bigint;
  readonly endOffset: bigint | null;
  /** Added to the byte here of the first batch, its checksum being made right again. */
  readonly damage: number | null;
}

/** Hides `routeRecords`, or counts what it copies. */
function observed(cursor: RecordCursor, inBulk: boolean, count: (records: number) => void): RecordCursor {
  const routeRecords = cursor.routeRecords?.bind(cursor);
  const counting = (run: RouteRun): number => {
    const records = routeRecords?.(run) ?? 0;
    count(records);
    return records;
  };
  return Object.defineProperty(cursor, 'routeRecords', { value: inBulk ? counting : undefined });
}

function fetchedOf({ batches, damage }: Fixture): FetchedBatch[] {
  return batches.map((built, index) => {
    const bytes = index === 0 && damage !== null ? damaged(built, damage) : buildBatch(built);
    const fetchedOffset = built.baseOffset;
    const part = {
      name: 't/0',
      fetchedOffset,
      lastStableOffset: -1n,
      abortedTransactions: [],
      records: bytes,
    };
    return toFetchedBatch(scanRecords(part));
  });
}

function damaged(built: BuiltBatch, at: number): Buffer {
  const plain = buildBatch(built);
  const records = plain.subarray(61);
  const body = Buffer.from(records);
  body[at % body.length] = (body[at % body.length] ?? 0) ^ 0x81;
  return buildBatch({ ...built, codec: { id: 0, compress: () => body } });
}

async function write(fixture: Fixture, inBulk: boolean): Promise<Written> {
  const stats = new RunStats({ keepFiles: false });
  const latch = new FailureLatch();
  const buffers = inBulk ? new WriteBuffers(area) : new WriteBuffers();
  const files: { file: CopyingFile; bucket: string; firstOffset: bigint }[] = [];
  const openPart = async (bucket: string, firstOffset: bigint): Promise<PartWriter> => {
    const file = new CopyingFile();
    files.push({ file, bucket, firstOffset });
    const id = partId(files.length.toString(16).padStart(32, '0'));
    const target = { partId: id, finalUri: bucket, temporaryUri: bucket };
    return new PartWriter({ partId: id, bucket, target, file, firstOffset, nowMs: 0, stats, latch, buffers });
  };
  const { maxBytes, maxRecords } = fixture;
  const rolling = defaultRollingPolicy({ maxBytes, maxRecords, maxAgeMs: 1e9, maxIdleMs: 1e9 });
  let [nowMs, wallMs] = [0, 0];
  const clock = { nowMs: () => nowMs, wallMs: () => START_MS + (wallMs += 700) } as never;
  const router = new RecordRouter(
    {
      ...{ assigner: fixture.assigner, rolling, clock, stats, fileRoom: new FileRoom(stats), openPart },
      ...{ records: formatOf(fixture.lines), tombstones: fixture.tombstones },
      bad: new BadRecords({ to: fixture.badTo, stopAfter: 1_000 }, { topic: 'numbers', partition: 0 }),
    },
    fixture.startOffset,
  );
  let copied = 0;
  let recordsMost = 0;
  let bad = 0;
  let failure: string | null = null;
  const cuts: unknown[] = [];
  for (const batch of fetchedOf(fixture)) {
    nowMs += 1;
    const records = (): RecordCursor => observed(batch.records(), inBulk, (count) => (copied += count));
    try {
      await router.consume({ ...batch, records }, fixture.endOffset);
    } catch (error) {
      failure = String(error);
    }
    const cut = router.cut();
    const durable = await Promise.all(cut.parts.map((part) => part.durable));
    cuts.push({
      ...cut,
      parts: cut.parts.map(({ writer, durable: _durable, ...part }, index) => ({
        ...{
          ...part,
          ...durable[index],
          part: writer.partId,
          lastWriteAtMs: writer.roll === null ? writer.lastWriteAtMs : null,
        },
      })),
    });
    bad += cut.bad.counts.reduce((sum, { records }) => sum + records, 0);
    recordsMost = Math.max(recordsMost, ...cut.parts.map((part) => part.records));
    router.checkpointed(cut);
    if (failure !== null) break;
  }
  const { nextOffset } = router;
  await router.abandon();
  const { takenBytes } = buffers;
  const contents = files.map(({ file, ...rest }) => {
    const bytes = Buffer.concat(file.pieces);
    return { ...rest, length: bytes.length, crc64: crc64Of(bytes) };
  });
  return { files: contents, cuts, nextOffset, failure, takenBytes, recordsMost, bad, copied };
}

/** What values consist of: digits, what JSON escapes, what is rare, and what is no UTF-8. */
const fillings = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('', '{"a":"b\\\\c"}', '"\\\\"', 'one\ttwo\r') },
  { weight: 1, arbitrary: fc.constantFrom('ä€😀', '\u0001', '\u007f', '\ud800') },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 30 }) },
);

function filled(bytes: number, filling: string, number: number): Buffer {
  return Buffer.alloc(bytes, `${number}${filling}`);
}

const records = fc
  .array(
    fc.record({
      count: fc.integer({ min: 1, max: 60 }),
      valueBytes: fc.oneof(
        { weight: 20, arbitrary: fc.integer({ min: 0, max: 200 }) },
        { weight: 1, arbitrary: fc.integer({ min: 1_000, max: 20_000 }) },
        { weight: 1, arbitrary: fc.constant(null) },
      ),
      keyBytes: fc.oneof(fc.constant(null), fc.integer({ min: 0, max: 90 })),
      hasHeaders: fc.boolean(),
      /** Where a line feed is, in some of the values. */
      feedAt: fc.oneof(fc.constant(null), fc.nat({ max: 200 })),
      stepMs: fc.oneof(fc.integer({ min: -50, max: 50 }), fc.integer({ min: -3_000, max: 3_000 })),
      gap: fc.integer({ min: 1, max: 300 }),
      fillings: fc.array(fillings, { minLength: 1, maxLength: 4 }),
      /** So that buckets take turns. */
      turnsMs: fc.array(fc.integer({ min: -5_000, max: 5_000 }), { minLength: 1, maxLength: 9 }),
    }),
    { minLength: 1, maxLength: 12 },
  )
  .map((runs) => {
    const built: BuiltRecord[] = [];
    let offsetDelta = 0;
    let timestampDelta = 0;
    for (const run of runs) {
      const { count, valueBytes, keyBytes, hasHeaders, feedAt, stepMs, gap, turnsMs, fillings } = run;
      for (let number = 0; number < count; number += 1) {
        const value =
          valueBytes === null
            ? null
            : filled(valueBytes, fillings[number % fillings.length] ?? '', built.length);
        if (value !== null && feedAt !== null && number % 10 === 9 && feedAt < value.length)
          value[feedAt] = 0x0a;
        const key = keyBytes === null ? null : filled(keyBytes, fillings[0] ?? '', number);
        built.push({
          offsetDelta,
          timestampDelta: timestampDelta + (turnsMs[number % turnsMs.length] ?? 0),
          key,
          value,
          headers: hasHeaders ? [['h', Buffer.from('x')]] : [],
        });
        offsetDelta += 1;
        timestampDelta += stepMs;
      }
      offsetDelta += gap - 1;
    }
    return built;
  });

/** Values as text, or whole records as JSON. */
type LinesOf =
  | { readonly type: 'text'; readonly lineFeeds: 'bad' | 'keep' }
  | { readonly type: 'json'; readonly topic: string; readonly key: Decode; readonly value: Decode };

const decode = fc.constantFrom('bytes' as const, 'string' as const);
const lines: fc.Arbitrary<LinesOf> = fc.oneof(
  fc.record({
    type: fc.constant('text' as const),
    lineFeeds: fc.constantFrom('bad' as const, 'keep' as const),
  }),
  fc.record({
    ...{ type: fc.constant('json' as const), key: decode, value: decode },
    topic: fc.constantFrom('t', 'a-topic-with-a-name-of-some-length', 'x'.repeat(600)),
  }),
);

function formatOf(one: LinesOf): LineFormat {
  if (one.type === 'text') return new TextLine(one.lineFeeds);
  const { topic, key, value } = one;
  return new RecordLine({ topic, partition: 3 }, { key, value });
}

const byClock = timeBuckets('wall-clock', timePattern('HH-mm-ss'), 'UTC');
const perSecond = timeBuckets('record-time', timePattern('HH-mm-ss'), 'UTC');
const perMillisecond = timeBuckets('record-time', timePattern('HH-mm-ss-SSS'), 'UTC');
const perHour = timeBuckets('record-time', timePattern('yyyy-MM-dd--HH'), 'Asia/Kolkata');

const fixtures: fc.Arbitrary<Fixture> = fc
  .record({
    batches: fc.array(fc.record({ records, logAppendTime: fc.boolean() }), { minLength: 1, maxLength: 4 }),
    firstTimestamp: fc.oneof(
      { weight: 6, arbitrary: fc.constant(BigInt(START_MS)) },
      { weight: 1, arbitrary: fc.constantFrom(0n, -1n, 73_526_399_500n, 2n ** 62n, -(2n ** 62n)) },
    ),
    assigner: fc.constantFrom(noBuckets(), byClock, perSecond, perMillisecond, perHour),
    maxBytes: fc.oneof(fc.integer({ min: 1, max: 5_000 }), fc.constant(1e9)),
    lines,
    tombstones: fc.constantFrom('skip', 'bad'),
    badTo: fc.constantFrom('stop', 'skip', 'file'),
    maxRecords: fc.oneof(fc.constant(undefined), fc.integer({ min: 1, max: 90 })),
    startOffset: fc.bigInt({ min: 0n, max: 400n }),
    endOffset: fc.oneof(fc.constant(null), fc.bigInt({ min: 401n, max: 3_000n })),
    damage: fc.oneof(
      { weight: 2, arbitrary: fc.constant(null) },
      { weight: 1, arbitrary: fc.nat({ max: 60 }) },
    ),
  })
  .map(({ batches, firstTimestamp, ...rest }) => {
    let baseOffset = 0n;
    const built = batches.map((batch) => {
      const one = { ...batch, baseOffset, firstTimestamp, maxTimestamp: BigInt(START_MS) };
      baseOffset += BigInt((batch.records.at(-1)?.offsetDelta ?? 0) + 1);
      return one;
    });
    return { ...rest, batches: built };
  });

describe('lines that are copied in bulk', () => {
  it('make the same files, cuts, offsets and failures as record by record', async () => {
    const copied = new Map<string, number>();
    let failures = 0;
    let full = 0;
    let bad = 0;
    await fc.assert(
      fc.asyncProperty(fixtures, async (fixture) => {
        const inBulk = await write(fixture, true);
        const oneByOne = await write(fixture, false);
        const { lines } = fixture;
        const kind = lines.type === 'text' ? lines.lineFeeds : `${lines.key} ${lines.value}`;
        copied.set(kind, (copied.get(kind) ?? 0) + inBulk.copied);
        if (inBulk.failure !== null) failures += 1;
        bad += inBulk.bad;
        expect(inBulk).toEqual({ ...oneByOne, copied: inBulk.copied });
        expect(inBulk.takenBytes).toBe(0);
        const most = fixture.maxRecords ?? Infinity;
        if (inBulk.recordsMost === most) full += 1;
        expect(inBulk.recordsMost).toBeLessThanOrEqual(most);
      }),
      { numRuns: 300 },
    );
    const kinds = ['bad', 'keep', 'bytes bytes', 'bytes string', 'string bytes', 'string string'];
    expect([...copied.keys()].toSorted()).toEqual(kinds.toSorted());
    for (const [kind, records] of copied) expect(records, kind).toBeGreaterThan(100);
    expect(failures).toBeGreaterThan(0);
    expect(bad).toBeGreaterThan(20);
    expect(full).toBeGreaterThan(10);
  });
});
