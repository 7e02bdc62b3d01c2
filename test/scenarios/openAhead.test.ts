/** Many buckets in one batch: their files are opened together, and never more than may be open. */
import { describe, expect, test } from 'vitest';
import { defaultRollingPolicy } from '../../actors/rolling/policy.ts';
import { partId } from '../../journal/ids.ts';
import { systemClock } from '../../src/system/clock.ts';
import { FailureLatch } from '../../src/system/concurrency.ts';
import { FileRoom } from '../../src/writing/fileRoom.ts';
import { RecordRouter } from '../../src/writing/recordRouter.ts';
import { PartWriter } from '../../src/writing/partWriter.ts';
import { RunStats } from '../../src/writing/runStats.ts';
import { WriteBuffers } from '../../src/writing/writeBuffers.ts';
import { scanRecords, toFetchedBatch } from '../../src/sources/kafka/records/batches.ts';
import type { FetchedBatch } from '../../src/sources/port.ts';
import { buildBatch, type BuiltRecord } from '../unit/sources/kafka/batchBuilder.ts';
import { TextLine } from '../../src/formats/text/line.ts';
import { BadRecords } from '../../src/writing/badRecords.ts';
import { byTime, patternOf } from '../unit/actors/buckets/ownBuckets.ts';
import type { BucketAssigner } from '../../actors/buckets/rule.ts';
import { RecordBucketAssigner } from '../../actors/buckets/parts/assigner.ts';

const bySecond = byTime(
  (slot) => `b${slot}`,
  (ms) => Math.floor(ms / 1_000),
);

/** Record `offset` belongs to bucket `offset % buckets`. */
function batchOf(records: number, buckets: number): FetchedBatch {
  const built = Array.from({ length: records }, (_, offsetDelta) => ({
    offsetDelta,
    timestampDelta: (offsetDelta % buckets) * 1_000,
    value: Buffer.from(`r${offsetDelta}`),
  }));
  return fetched(built);
}

function fetched(built: readonly BuiltRecord[]): FetchedBatch {
  const records = buildBatch({ baseOffset: 0n, records: built });
  const facts = { name: 't/0', fetchedOffset: 0n, lastStableOffset: -1n, abortedTransactions: [] };
  return toFetchedBatch(scanRecords({ ...facts, records }));
}

class Scene {
  readonly stats: RunStats;
  readonly opened: { bucket: string; firstOffset: bigint; text: string }[] = [];
  mostHeld = 0;
  /** Rounds of openings that were under way at once. */
  rounds = 0;
  readonly router: RecordRouter;
  #opening = 0;
  #held = 0;
  readonly #buffers = new WriteBuffers();

  constructor(
    openFilesMax: number,
    roomForFiles: () => Promise<void> = () => Promise.resolve(),
    shared: { stats: RunStats; fileRoom: FileRoom } | null = null,
    assigner: BucketAssigner = bySecond,
  ) {
    this.stats = shared?.stats ?? new RunStats({ keepFiles: false });
    const options = {
      assigner,
      ...{ records: new TextLine('bad'), tombstones: 'skip' as const },
      bad: new BadRecords({ to: 'stop', stopAfter: 1 }, { topic: 'numbers', partition: 0 }),
      rolling: defaultRollingPolicy({ maxBytes: 1e9, maxAgeMs: 1e9, maxIdleMs: 1e9 }),
      clock: systemClock,
      stats: this.stats,
      openPart: (bucket: string, firstOffset: bigint) => this.#open(bucket, firstOffset),
      fileRoom: shared?.fileRoom ?? new FileRoom(this.stats, openFilesMax),
      roomForFiles,
    };
    this.router = new RecordRouter(options, 0n);
  }

  async #open(bucket: string, firstOffset: bigint): Promise<PartWriter> {
    if (this.#opening === 0) this.rounds += 1;
    this.#opening += 1;
    await new Promise((resolve) => setImmediate(resolve));
    this.#opening -= 1;
    this.#held += 1;
    this.mostHeld = Math.max(this.mostHeld, this.#held);
    const one = { bucket, firstOffset, text: '' };
    this.opened.push(one);
    const id = partId(this.opened.length.toString(16).padStart(32, '0'));
    const file = {
      write: async (bytes: Uint8Array) => void (one.text += Buffer.from(bytes).toString()),
      persist: async () => null,
      closeForCommit: async () => {
        this.#held -= 1;
        return null;
      },
      abandon: async () => undefined,
    };
    const target = { partId: id, finalUri: bucket, temporaryUri: bucket };
    const shared = { stats: this.stats, latch: new FailureLatch(), buffers: this.#buffers };
    const writer = new PartWriter({ partId: id, bucket, target, file, firstOffset, nowMs: 0, ...shared });
    return writer;
  }

  /** Every bucket's lines, in the order in which its files were opened. */
  async lines(): Promise<Map<string, string>> {
    const cut = this.router.cut();
    await Promise.all(cut.parts.map(({ durable }) => durable));
    const lines = new Map<string, string>();
    const inOrder = this.opened.toSorted((one, other) => Number(one.firstOffset - other.firstOffset));
    for (const { bucket, text } of inOrder) lines.set(bucket, (lines.get(bucket) ?? '') + text);
    return lines;
  }
}

function expected(records: number, buckets: number): Map<string, string> {
  const lines = new Map<string, string>();
  for (let offset = 0; offset < records; offset += 1) {
    const bucket = `b${offset % buckets}`;
    lines.set(bucket, `${lines.get(bucket) ?? ''}r${offset}\n`);
  }
  return lines;
}

describe('many buckets in one batch', () => {
  test('are opened in one go, each named by its own first record', async () => {
    const scene = new Scene(Infinity);
    await scene.router.consume(batchOf(300, 100), null);
    expect(scene.rounds).toBe(1);
    expect(scene.opened.length).toBe(100);
    for (const { bucket, firstOffset } of scene.opened) expect(bucket).toBe(`b${firstOffset}`);
    expect(await scene.lines()).toEqual(expected(300, 100));
    await scene.router.abandon();
    expect(scene.stats.heldFiles).toBe(0);
  });

  test('that begin behind the end of a bounded run are not opened', async () => {
    const scene = new Scene(Infinity);
    await scene.router.consume(batchOf(100, 100), 40n);
    expect(scene.opened.length).toBe(40);
    await scene.router.abandon();
  });

  test('never hold more files open than may be: those that waited longest are rolled', async () => {
    const scene = new Scene(20);
    await scene.router.consume(batchOf(400, 50), null);
    expect(scene.mostHeld).toBeLessThanOrEqual(20);
    expect(scene.opened.length).toBeGreaterThan(50);
    expect(await scene.lines()).toEqual(expected(400, 50));
    await scene.router.abandon();
    expect(scene.stats.heldFiles).toBe(0);
  });

  test('never hold more files open than may be among many partitions: others are rolled', async () => {
    const stats = new RunStats({ keepFiles: false });
    const shared = { stats, fileRoom: new FileRoom(stats, 20) };
    const scenes = Array.from({ length: 100 }, () => new Scene(20, undefined, shared));
    let mostHeld = 0;
    await Promise.all(
      scenes.map(async (scene) => {
        await scene.router.consume(batchOf(6, 3), null);
        mostHeld = Math.max(mostHeld, stats.heldFiles);
        expect(await scene.lines()).toEqual(expected(6, 3));
      }),
    );
    expect(mostHeld).toBeLessThanOrEqual(20);
    for (const scene of scenes) await scene.router.abandon();
    expect(stats.heldFiles).toBe(0);
  });

  test('ten thousand of them are written, each to its file', async () => {
    const scene = new Scene(Infinity);
    await scene.router.consume(batchOf(20_000, 10_000), null);
    expect(scene.stats.heldFiles).toBe(10_000);
    expect(scene.rounds).toBeLessThanOrEqual(10);
    expect(await scene.lines()).toEqual(expected(20_000, 10_000));
    await scene.router.abandon();
    expect(scene.stats.heldFiles).toBe(0);
  });

  test('where memory is short the files that hold most are rolled first, and no record is lost', async () => {
    const scene = new Scene(Infinity);
    await scene.router.consume(batchOf(300, 100), null);
    expect(scene.router.rolls.largestBytes()).toBeGreaterThan(0);
    await scene.router.rolls.rollLargest();
    expect(scene.stats.heldFiles).toBe(99);
    while (scene.router.rolls.largestBytes() > 0) await scene.router.rolls.rollLargest();
    expect(scene.stats.heldFiles).toBe(0);
    expect(await scene.lines()).toEqual(expected(300, 100));
    await scene.router.abandon();
  });

  test('no file is opened before there is memory for it', async () => {
    const room = Promise.withResolvers<undefined>();
    const scene = new Scene(Infinity, () => room.promise);
    const consumed = scene.router.consume(batchOf(10, 5), null);
    await new Promise((resolve) => setImmediate(resolve));
    expect(scene.opened).toEqual([]);
    room.resolve(undefined);
    await consumed;
    expect(scene.opened.length).toBe(5);
    await scene.router.abandon();
  });
});

describe('folders by the key', () => {
  const MANY = 50_000;
  const byKey = (): RecordBucketAssigner => {
    const { tokens, finestUnit } = patternOf('{key}');
    return new RecordBucketAssigner({
      ...{ time: 'record-time', tokens, finestUnit, timezone: 'UTC', fallback: 'unknown' },
    });
  };
  const keyed = (keyOf: (offset: number) => Buffer, value: Buffer | null): FetchedBatch => {
    const built = Array.from({ length: MANY }, (_, offsetDelta) => {
      return { offsetDelta, timestampDelta: 0, key: keyOf(offsetDelta), value };
    });
    return fetched(built);
  };
  const memoryAfter = async (batch: FetchedBatch): Promise<{ bytes: number; files: number }> => {
    const assigner = byKey();
    const scene = new Scene(100, undefined, null, assigner);
    await scene.router.consume(batch, null);
    expect(scene.router.nextOffset).toBe(BigInt(MANY));
    return { bytes: assigner.memoryBytes, files: scene.opened.length };
  };
  const BYTES_MAX = 3 * 1024 * 1024;

  test('records in no file leave nothing of their keys behind', async () => {
    const { bytes, files } = await memoryAfter(keyed((offset) => Buffer.from(`key ${offset}`), null));
    expect(files).toBe(0);
    expect(bytes).toBeLessThan(BYTES_MAX);
  });

  test('neither do many keys that are one folder', async () => {
    const noText = (offset: number): Buffer =>
      Buffer.from(Array.from({ length: 16 }, (_, bit) => ((offset >> bit) & 1) + 0xfe));
    const { bytes, files } = await memoryAfter(keyed(noText, Buffer.from('v')));
    expect(files).toBe(1);
    expect(bytes).toBeLessThan(BYTES_MAX);
  });
});
