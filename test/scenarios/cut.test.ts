import { describe, expect, test } from 'vitest';
import { noBuckets } from '../../actors/buckets/none/rule.ts';
import type { BucketAssigner } from '../../actors/buckets/rule.ts';
import { defaultRollingPolicy } from '../../actors/rolling/policy.ts';
import { crc64Of } from '../../kernels/crc64.ts';
import { SourceFailure } from '../../src/sources/failure.ts';
import { partId } from '../../journal/ids.ts';
import { FailureLatch } from '../../src/system/concurrency.ts';
import { FileRoom } from '../../src/writing/fileRoom.ts';
import { RecordRouter, type Cut } from '../../src/writing/recordRouter.ts';
import { WriteBuffers } from '../../src/writing/writeBuffers.ts';
import type { DurablePart } from '../../src/stores/port.ts';
import { PartWriter, type PartCut, type PartWriterOptions } from '../../src/writing/partWriter.ts';
import { RunStats } from '../../src/writing/runStats.ts';
import { systemClock, type Clock } from '../../src/system/clock.ts';
import type { FetchedBatch, RecordCursor } from '../../src/sources/port.ts';
import type { OpenFile } from '../../src/stores/port.ts';
import { NO_LIMITS } from './jobFixture.ts';
import { TextLine } from '../../src/formats/text/line.ts';
import { BadRecords } from '../../src/writing/badRecords.ts';
import { byTime } from '../unit/actors/buckets/ownBuckets.ts';

/** A record of the log; offsets have holes. */
interface Logged {
  readonly offset: bigint;
  readonly value: string | null;
  readonly timestampMs: number;
}

/** Small numbers that look random, the same at every run. */
function numbersFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff;
    return (state >>> 8) % below;
  };
}

const ticks = async (count: number): Promise<void> => {
  for (let tick = 0; tick < count; tick += 1) await Promise.resolve();
};

class LogCursor implements RecordCursor {
  readonly headersStart = -1;
  readonly headersEnd = -1;
  readonly baseOffset: bigint;
  offsetDelta = -1;
  timestampMs = 0;
  readonly keyBytes = Buffer.alloc(0);
  readonly keyStart = -1;
  readonly keyEnd = -1;
  valueBytes: Buffer = Buffer.alloc(0);
  valueStart = -1;
  valueEnd = -1;
  readonly #records: readonly Logged[];
  readonly #failsAt: bigint | null;
  #next = 0;

  constructor(baseOffset: bigint, records: readonly Logged[], failsAt: bigint | null = null) {
    this.baseOffset = baseOffset;
    this.#records = records;
    this.#failsAt = failsAt;
  }

  next(): boolean {
    const record = this.#records[this.#next];
    if (record === undefined) return false;
    this.#next += 1;
    this.offsetDelta = Number(record.offset - this.baseOffset);
    if (record.offset === this.#failsAt) throw new SourceFailure('batchCorrupt', 'the record is damaged');
    this.timestampMs = record.timestampMs;
    this.valueBytes = Buffer.from(`..${record.value ?? ''}`);
    this.valueStart = record.value === null ? -1 : 2;
    this.valueEnd = this.valueBytes.length;
    return true;
  }
}

class MemoryFile implements OpenFile {
  readonly chunks: Buffer[] = [];
  durable = Buffer.alloc(0);
  readonly #slowness: () => number;

  constructor(slowness: () => number) {
    this.#slowness = slowness;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await ticks(this.#slowness());
    this.chunks.push(Buffer.from(bytes));
  }

  async persist(): Promise<number> {
    await ticks(this.#slowness());
    this.durable = Buffer.concat(this.chunks);
    return this.durable.length;
  }

  closeForCommit(): Promise<number> {
    return this.persist();
  }

  async abandon(): Promise<void> {
    await ticks(1);
  }
}

interface BenchOptions {
  readonly assigner?: BucketAssigner;
  readonly maxBytes?: number;
  readonly maxRecords?: number;
  readonly slowness?: () => number;
  readonly clock?: Clock;
}

/** A router into files in memory, and what the completed checkpoints say of them. */
class Bench {
  readonly router: RecordRouter;
  readonly files = new Map<PartWriter, MemoryFile>();
  readonly checkpointed = new Map<PartWriter, PartCut & DurablePart>();
  readonly log: readonly Logged[];
  /** Over all checkpoints. */
  recordsCounted = 0;

  constructor(log: readonly Logged[], options: BenchOptions = {}) {
    this.log = log;
    const { slowness = () => 1, maxBytes = 1e9 } = options;
    const stats = new RunStats({ keepFiles: false });
    this.router = new RecordRouter(
      {
        assigner: options.assigner ?? noBuckets(),
        ...{ records: new TextLine('bad'), tombstones: 'skip' as const },
        bad: new BadRecords({ to: 'stop', stopAfter: 1 }, { topic: 'numbers', partition: 0 }),
        rolling: defaultRollingPolicy({ ...NO_LIMITS, maxBytes, maxRecords: options.maxRecords }),
        clock: options.clock ?? systemClock,
        stats,
        fileRoom: new FileRoom(stats),
        openPart: async (bucket, firstOffset) => {
          await ticks(slowness());
          return this.open({ bucket, firstOffset, stats }, slowness);
        },
      },
      0n,
    );
  }

  open(
    options: Pick<PartWriterOptions, 'bucket' | 'firstOffset' | 'stats' | 'inherited'>,
    slowness = () => 1,
  ): PartWriter {
    const id = partId(this.files.size.toString(16).padStart(32, '0'));
    const file = new MemoryFile(slowness);
    const target = { partId: id, finalUri: `final-${id}`, temporaryUri: `temporary-${id}` };
    const [latch, buffers] = [new FailureLatch(), new WriteBuffers()];
    const writer = new PartWriter({ ...options, partId: id, target, file, nowMs: 0, latch, buffers });
    this.files.set(writer, file);
    return writer;
  }

  batch(from: bigint, to: bigint, failsAt: bigint | null = null): FetchedBatch {
    const records = this.log.filter(({ offset }) => offset >= from && offset < to);
    return {
      fetchedOffset: from,
      nextOffset: to,
      leaderEpoch: null,
      sizeBytes: 0,
      records: () => new LogCursor(from, records, failsAt),
    };
  }

  /** What a checkpoint does: persist, then count. */
  async complete(cut: Cut): Promise<void> {
    for (const part of cut.parts) {
      const durable = await part.durable;
      expect(durable.handle, 'exactly the cut is made durable').toBe(durable.length);
      this.checkpointed.set(part.writer, { ...part, ...durable });
    }
    this.router.checkpointed(cut);
    this.recordsCounted += cut.recordsRead;
    this.#expectConsistent(cut.nextOffset);
  }

  /**
   * P1: what the checkpoints say of the files, cut to their lengths, is each record below nextOffset once, in
   * order.
   */
  #expectConsistent(nextOffset: bigint): void {
    const lines: string[] = [];
    for (const [writer, part] of this.checkpointed) {
      const durable = this.files.get(writer)?.durable.subarray(0, part.length) ?? Buffer.alloc(0);
      expect(durable.length).toBe(part.length);
      expect(crc64Of(durable)).toBe(part.crc64);
      const own = durable.toString().split('\n').slice(0, -1);
      expect(own.length).toBe(part.records);
      const offsets = own.map((line) => Number(line.slice(0, line.indexOf(':'))));
      expect(offsets).toEqual(offsets.toSorted((a, b) => a - b));
      expect([BigInt(offsets[0] ?? -1), BigInt(offsets.at(-1) ?? -1)]).toEqual([
        part.firstOffset,
        part.lastOffset,
      ]);
      lines.push(...own);
    }
    const below = this.log.filter(({ offset, value }) => offset < nextOffset && value !== null);
    expect(lines.sort()).toEqual(below.map(({ value }) => value).sort());
  }
}

function logOf(count: number, number: (below: number) => number, bytes: () => number): Logged[] {
  let offset = 0n;
  return Array.from({ length: count }, () => {
    offset += BigInt(number(5) === 0 ? 1 + number(4) : 1);
    const value = number(9) === 0 ? null : `${offset}:${'x'.repeat(bytes())}`;
    return { offset, value, timestampMs: number(4) };
  });
}

const fourBuckets = byTime((slot) => `b${slot % 3}`);

describe('a cut says of every file what is durable of it, while the router goes on', () => {
  const seeds = Array.from({ length: 12 }, (_, index) => index + 1);
  test.each(seeds)('many buckets, small files, holes and null values: seed %i', async (seed) => {
    const number = numbersFrom(seed);
    const log = logOf(300, number, () => number(60));
    const slowness = (): number => number(6);
    const bench = new Bench(log, { assigner: fourBuckets, maxBytes: 200 + number(400), slowness });
    const end = (log.at(-1)?.offset ?? 0n) + 1n;
    const reading = { isOver: false };
    const read = async (): Promise<void> => {
      while (bench.router.nextOffset < end) {
        const from = bench.router.nextOffset;
        await bench.router.consume(bench.batch(from, from + 1n + BigInt(number(40))), end);
        await ticks(number(3));
      }
      reading.isOver = true;
    };
    const checkpointing = async (): Promise<void> => {
      while (!reading.isOver) {
        await ticks(1 + number(9));
        if (number(4) === 0) bench.router.rolls.rollDue(systemClock.nowMs());
        if (number(6) === 0) bench.router.rolls.rollAll('operator');
        const cut = bench.router.cut();
        await ticks(number(9));
        await bench.complete(cut);
      }
    };
    await Promise.all([read(), checkpointing()]);
    bench.router.rolls.rollAll('end');
    const last = bench.router.cut();
    expect(last.nextOffset).toBe(end);
    await bench.complete(last);
    expect(bench.recordsCounted).toBe(log.length);
    expect([...bench.checkpointed.values()].every(({ roll }) => roll !== null)).toBe(true);
  });

  test.each([
    { maxRecords: 3, maxBytes: 1e9, roll: 'size' },
    { maxRecords: 4, maxBytes: 1e9, roll: 'size' },
    { maxRecords: 5, maxBytes: 40, roll: 'size' },
    { maxRecords: 5, maxBytes: 41, roll: null },
  ])('a file of 4 records and 40 bytes goes on below $maxRecords records and $maxBytes bytes', (limits) => {
    const bench = new Bench([], limits);
    const durable = {
      length: 40,
      crc64: crc64Of(Buffer.alloc(40)),
      records: 4,
      firstOffset: 0n,
      lastOffset: 3n,
      handle: null,
    };
    const stats = new RunStats({ keepFiles: false });
    const inherited = { durable, ageMs: 0 };
    const writer = bench.open({ bucket: '', firstOffset: 0n, stats, inherited });
    bench.router.adopt(writer, true);
    expect(writer.roll?.reason ?? null).toBe(limits.roll);
  });

  test('records larger than every buffer, empty values, and a file that falls behind', async () => {
    const values = ['', 'y'.repeat(1_000_000), '', 'z'.repeat(16 * 1024 - 3), 'w'.repeat(256 * 1024), ''];
    const log = values.map((value, index) => ({
      offset: BigInt(index),
      value: `${index}:${value}`,
      timestampMs: 0,
    }));
    const bench = new Bench(log, { slowness: () => 4 });
    const reading = bench.router.consume(bench.batch(0n, 6n), null);
    for (let cuts = 0; cuts < 8; cuts += 1) {
      await bench.complete(bench.router.cut());
      await ticks(2);
    }
    await reading;
    await bench.complete(bench.router.cut());
    expect(bench.router.nextOffset).toBe(6n);
  });

  test('an empty value is a line of its own, also where the buffer is full to its last byte', async () => {
    const number = numbersFrom(7);
    const log = Array.from({ length: 40_000 }, (_, index) => ({
      offset: BigInt(index),
      value: number(3) === 0 ? `${index}:` : `${index}:abc`,
      timestampMs: 0,
    }));
    const bench = new Bench(log);
    await bench.router.consume(bench.batch(0n, 40_000n), null);
    await bench.complete(bench.router.cut());
  });
});

describe('a cut counts exactly the records that were dealt with', () => {
  const log = Array.from({ length: 10 }, (_, index) => ({
    offset: BigInt(index),
    value: `${index}:v`,
    timestampMs: 0,
  }));

  test('where a record in the middle of a batch cannot be read', async () => {
    const bench = new Bench(log);
    await bench.router.consume(bench.batch(0n, 4n), null);
    await expect(bench.router.consume(bench.batch(4n, 10n, 7n), null)).rejects.toThrow('damaged');
    const cut = bench.router.cut();
    expect([cut.nextOffset, cut.recordsRead]).toEqual([7n, 7]);
    await bench.complete(cut);
  });

  test('where a batch begins before the cursor: nothing is taken twice', async () => {
    const bench = new Bench(log);
    await bench.router.consume(bench.batch(0n, 6n), null);
    await bench.router.consume(bench.batch(3n, 9n), null);
    const cut = bench.router.cut();
    expect([cut.nextOffset, cut.recordsRead]).toEqual([9n, 9]);
    await bench.complete(cut);
  });

  test('where a batch ends before the cursor: the cursor never goes back', async () => {
    const bench = new Bench(log);
    await bench.router.consume(bench.batch(0n, 6n), null);
    await bench.router.consume(bench.batch(2n, 4n), null);
    expect(bench.router.nextOffset).toBe(6n);
    await bench.complete(bench.router.cut());
  });

  test('where the bounded end lies in the middle of a batch', async () => {
    const bench = new Bench(log);
    await bench.router.consume(bench.batch(0n, 10n), 5n);
    const cut = bench.router.cut();
    expect([cut.nextOffset, cut.recordsRead]).toEqual([5n, 5]);
    await bench.complete(cut);
  });

  test('where the bounded end is a hole behind the last record', async () => {
    const bench = new Bench([...log, { offset: 20n, value: '20:v', timestampMs: 0 }]);
    await bench.router.consume(bench.batch(0n, 21n), 15n);
    expect(bench.router.nextOffset).toBe(15n);
    await bench.complete(bench.router.cut());
  });

  test("where the wall clock's bucket changes within a batch: the open file takes the record", async () => {
    let nowMs = 0;
    const clock: Clock = { ...systemClock, wallMs: () => (nowMs += 1) };
    const perTick: BucketAssigner = {
      ...byTime((slot) => `t${slot}`),
      slotOf: (_record, wallMs) => wallMs,
    };
    const bench = new Bench(log, { assigner: perTick, clock });
    for (let from = 0n; from < 10n; from += 2n)
      await bench.router.consume(bench.batch(from, from + 2n), null);
    expect(bench.files.size).toBe(5);
    await bench.complete(bench.router.cut());
  });
});
