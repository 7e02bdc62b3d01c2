import { describe, expect, test } from 'vitest';
import { TidemarkError } from '../../journal/errors.ts';
import type { TopicPartition } from '../../journal/ids.ts';
import type { SimProcess } from '../../src/fuzz/process.ts';
import type { LogItem, RecordShape } from '../../src/fuzz/schedule.ts';
import type { Scheduler } from '../../src/fuzz/scheduler.ts';
import { SimKafka, type KafkaFaults, type SimKafkaOptions } from '../../src/fuzz/simKafka.ts';
import type { FetchedBatch, PartitionFeed, Source } from '../../src/source/port.ts';
import { eventually, newProcess, newScheduler, pass, settlesWithin } from './simulated.ts';

const TOPIC = 'numbers';
const at = (partition: number): TopicPartition => ({ topic: TOPIC, partition });
const shape = (records: number, more: Partial<RecordShape> = {}): RecordShape => ({
  ...{ records, nullEvery: 0, timestampMs: 1_000, stepMs: 10 },
  ...more,
});
const records = (atMs: number, count: number, more: Partial<RecordShape> = {}): LogItem => ({
  ...{ type: 'records', atMs },
  ...shape(count, more),
});

interface Scene {
  readonly scheduler: Scheduler;
  readonly kafka: SimKafka;
  member(place: number, life?: number): Member;
}

/** A process, its source, and what its listener was told last. */
interface Member {
  readonly process: SimProcess;
  readonly source: Source;
  assigned: readonly number[] | null;
  join(): Promise<void>;
}

const OPTIONS: SimKafkaOptions = {
  sessionMs: 1_500,
  heartbeatMs: 300,
  timeoutMs: 200,
  fetchBatchesMax: 2,
  dismissesDeadMember: true,
};

function scene(
  partitions: readonly (readonly LogItem[])[],
  options: Partial<SimKafkaOptions> = {},
  faults: KafkaFaults = { atOffsetCommit: () => null },
  seed = 1,
): Scene {
  const scheduler = newScheduler(seed);
  const kafka = new SimKafka(scheduler, faults, { topic: TOPIC, partitions }, { ...OPTIONS, ...options });
  return {
    scheduler,
    kafka,
    member: (place, life = 0) => {
      const process = newProcess(scheduler, { place, life });
      const source = kafka.connect(process);
      const member: Member = {
        ...{ process, source, assigned: null },
        join: () =>
          source.start({
            assigned: (given) => {
              member.assigned = given.map(({ partition }) => partition);
            },
            topicAppeared: () => undefined,
            failed: (error) => {
              throw error as Error;
            },
          }),
      };
      return member;
    },
  };
}

interface Read {
  readonly offset: number;
  readonly value: string | null;
}

function recordsOf(batch: FetchedBatch): Read[] {
  const found: Read[] = [];
  const cursor = batch.records();
  while (cursor.next()) {
    const isNull = cursor.valueStart < 0;
    found.push({
      offset: Number(cursor.baseOffset) + cursor.offsetDelta,
      value: isNull ? null : cursor.valueBytes.toString('utf8', cursor.valueStart, cursor.valueEnd),
    });
  }
  return found;
}

/** Pulls until `offset` is reached; checks that batches follow each other without a gap. */
async function readTo(
  scheduler: Scheduler,
  feed: PartitionFeed,
  from: number,
  offset: number,
): Promise<Read[]> {
  const found: Read[] = [];
  let next = BigInt(from);
  while (next < BigInt(offset)) {
    const batch = await eventually(scheduler, feed.next());
    expect(batch.fetchedOffset).toBe(next);
    expect(batch.nextOffset).toBeGreaterThan(next);
    const read = recordsOf(batch);
    for (const { offset: at } of read) {
      expect(at).toBeGreaterThanOrEqual(Number(batch.fetchedOffset));
      expect(at).toBeLessThan(Number(batch.nextOffset));
    }
    found.push(...read);
    next = batch.nextOffset;
  }
  return found;
}

const value = (offset: number, partition = 0): Read => ({ offset, value: `${partition}:${offset}` });

describe('the log', () => {
  test('holes, aborted transactions and control records occupy offsets and are never seen', async () => {
    const log: LogItem[] = [
      records(0, 2),
      { type: 'hole', atMs: 1, offsets: 3 },
      { type: 'transaction', atMs: 2, endsAtMs: 3, committed: false, ...shape(2) },
      records(4, 1),
      { type: 'transaction', atMs: 5, endsAtMs: 6, committed: true, ...shape(2) },
      { type: 'hole', atMs: 7, offsets: 2 },
    ];
    const { scheduler, kafka, member } = scene([log]);
    // 0 1 | hole 2 3 4 | aborted 5 6, its marker 7 | 8 | committed 9 10, its marker 11 | hole 12 13
    const found = await readTo(scheduler, member(0).source.open(at(0), 0n, null), 0, 14);
    expect(found).toEqual([0, 1, 8, 9, 10].map((offset) => value(offset)));
    expect(
      kafka
        .log(0)
        .expected()
        .map(({ offset }) => Number(offset)),
    ).toEqual([0, 1, 8, 9, 10]);
  });

  test('nothing at or behind an open transaction is seen before it ends, also what was committed behind it', async () => {
    const log: LogItem[] = [
      records(0, 2),
      { type: 'transaction', atMs: 10, endsAtMs: 500, committed: true, ...shape(2) },
      records(20, 3),
    ];
    const { scheduler, member } = scene([log]);
    const { source } = member(0);
    const feed = source.open(at(0), 0n, null);
    expect(await readTo(scheduler, feed, 0, 2)).toEqual([value(0), value(1)]);
    const next = feed.next();
    expect(await settlesWithin(scheduler, 400, next)).toBe(false);
    expect(await eventually(scheduler, source.ranges(TOPIC))).toEqual([{ startOffset: 0n, endOffset: 2n }]);
    const batch = await eventually(scheduler, next);
    expect(scheduler.nowMs).toBeGreaterThanOrEqual(500);
    const rest = await readTo(scheduler, feed, Number(batch.nextOffset), 8);
    // The control record took the offset that was next when the transaction ended: behind the batch of 4, 5 and 6.
    expect([...recordsOf(batch), ...rest]).toEqual([2, 3, 4, 5, 6].map((offset) => value(offset)));
  });

  test('a batch that begins before the asked offset gives no record below it', async () => {
    const { scheduler, member } = scene([[records(0, 5), records(0, 2)]]);
    const feed = member(0).source.open(at(0), 3n, null);
    const batch = await eventually(scheduler, feed.next());
    expect(batch.fetchedOffset).toBe(3n);
    expect(
      recordsOf(batch)
        .map(({ offset }) => offset)
        .slice(0, 2),
    ).toEqual([3, 4]);
    expect(batch.records().baseOffset).toBe(0n);
    expect(recordsOf(batch)).toEqual(recordsOf(batch));
  });

  test('null values are records', async () => {
    const { scheduler, kafka, member } = scene([[records(0, 4, { nullEvery: 2 })]]);
    const found = await readTo(scheduler, member(0).source.open(at(0), 0n, null), 0, 4);
    expect(found).toEqual([value(0), { offset: 1, value: null }, value(2), { offset: 3, value: null }]);
    expect(kafka.log(0).expected()).toHaveLength(2);
  });

  test('a feed waits for what is not there yet, and ends with AbortError when it is closed', async () => {
    const { scheduler, member } = scene([[records(700, 1)]]);
    const { source } = member(0);
    const [patient, closed] = [source.open(at(0), 0n, null), source.open(at(0), 0n, null)];
    const never = closed.next();
    scheduler.after(100, null, () => void closed.close());
    await expect(eventually(scheduler, never)).rejects.toMatchObject({ name: 'AbortError' });
    await expect(closed.next()).rejects.toMatchObject({ name: 'AbortError' });
    expect(recordsOf(await eventually(scheduler, patient.next()))).toEqual([value(0)]);
    expect(scheduler.nowMs).toBeGreaterThanOrEqual(700);
  });

  test('an offset behind the end of the log is an error, never a wait', async () => {
    const { scheduler, member } = scene([[records(0, 2)]]);
    await pass(scheduler, 10);
    const feed = member(0).source.open(at(0), 3n, null);
    await expect(eventually(scheduler, feed.next())).rejects.toMatchObject({ code: 'SOURCE_BEYOND_END' });
  });
});

describe('the group', () => {
  const four = [[], [], [], []];

  test('spreads the partitions over its members, each to one', async () => {
    const { scheduler, member } = scene(four);
    const [one, other] = [member(0), member(1)];
    await eventually(scheduler, one.join());
    expect(one.assigned).toHaveLength(4);
    await eventually(scheduler, other.join());
    await pass(scheduler, 1_000);
    expect([...(one.assigned ?? []), ...(other.assigned ?? [])].sort()).toEqual([0, 1, 2, 3]);
    expect(one.assigned).toHaveLength(2);
  });

  test('who loses a partition may learn it after the new owner: for a while both believe', async () => {
    let both = 0;
    for (let seed = 0; seed < 20; seed += 1) {
      const { scheduler, member } = scene([[]], {}, undefined, seed);
      const [one, other] = [member(0, seed), member(1, seed)];
      await eventually(scheduler, one.join());
      const joined = other.join();
      await scheduler.run(() => one.assigned?.length === 1 && other.assigned?.length === 1, {
        tasksMax: 1_000,
        untilMs: scheduler.nowMs + 1_000,
      });
      if (one.assigned?.length === 1 && other.assigned?.length === 1) both += 1;
      await eventually(scheduler, joined);
    }
    expect(both).toBeGreaterThan(0);
  });

  test('expels a member that is paused for longer than its session; it goes on believing until it wakes', async () => {
    const { scheduler, kafka, member } = scene(four);
    const [zombie, heir] = [member(0), member(1)];
    await eventually(scheduler, zombie.join());
    await eventually(scheduler, heir.join());
    await pass(scheduler, 500);
    const believed = zombie.assigned;
    zombie.process.pause(6_000);
    await pass(scheduler, 4_000);
    expect(heir.assigned?.toSorted()).toEqual([0, 1, 2, 3]);
    expect(zombie.assigned).toBe(believed);
    expect(believed).toHaveLength(2);
    await pass(scheduler, 4_000);
    // Awake, it has joined again under another name.
    expect([...(zombie.assigned ?? []), ...(heir.assigned ?? [])].sort()).toEqual([0, 1, 2, 3]);
    expect(kafka.group.owners.map(({ memberId }) => memberId)).not.toContain('p0.0-m1');
  });

  test('a pause shorter than the session changes nothing', async () => {
    const { scheduler, kafka, member } = scene(four);
    const one = member(0);
    await eventually(scheduler, one.join());
    const { generation } = kafka.group;
    one.process.pause(OPTIONS.sessionMs - OPTIONS.heartbeatMs - 50);
    await pass(scheduler, 5_000);
    expect(kafka.group.generation).toBe(generation);
  });

  test.each([
    { dismissesDeadMember: true, waits: 'at once' },
    { dismissesDeadMember: false, waits: 'only after the dead session' },
  ])('a restarted process gets its partitions back $waits', async ({ dismissesDeadMember }) => {
    const { scheduler, member } = scene(four, { dismissesDeadMember });
    const [dead, other] = [member(0), member(1)];
    await eventually(scheduler, dead.join());
    await eventually(scheduler, other.join());
    await pass(scheduler, 1_000);
    dead.process.kill();
    const heir = member(0, 1);
    const isBack = await settlesWithin(scheduler, OPTIONS.heartbeatMs + 200, heir.join());
    expect(isBack).toBe(dismissesDeadMember);
    await pass(scheduler, 3 * OPTIONS.sessionMs);
    expect([...(heir.assigned ?? []), ...(other.assigned ?? [])].sort()).toEqual([0, 1, 2, 3]);
  });

  test('no session runs out while the brokers are away', async () => {
    const { scheduler, kafka, member } = scene(four);
    const one = member(0);
    await eventually(scheduler, one.join());
    const { generation } = kafka.group;
    kafka.goAway(10 * OPTIONS.sessionMs);
    await pass(scheduler, 12 * OPTIONS.sessionMs);
    expect(kafka.group.generation).toBe(generation);
  });

  test('who leaves gives its partitions to the others', async () => {
    const { scheduler, member } = scene(four);
    const [one, other] = [member(0), member(1)];
    await eventually(scheduler, one.join());
    await eventually(scheduler, other.join());
    await eventually(scheduler, one.source.stop());
    await pass(scheduler, 1_000);
    expect(other.assigned?.toSorted()).toEqual([0, 1, 2, 3]);
  });

  test('a former owner goes on reading: fetches need no group', async () => {
    const { scheduler, member } = scene([[records(0, 1), records(3_000, 1)]]);
    const [one, other] = [member(0), member(1)];
    await eventually(scheduler, one.join());
    const feed = one.source.open(at(0), 0n, null);
    expect(await readTo(scheduler, feed, 0, 1)).toEqual([value(0)]);
    await eventually(scheduler, other.join());
    await eventually(scheduler, one.source.verifyIdentity(TOPIC, 'topic-1'));
    expect(await readTo(scheduler, feed, 1, 2)).toEqual([value(1)]);
  });
});

describe('committed offsets', () => {
  const faultOnce = (fault: 'lostReply' | 'lostRequest'): KafkaFaults => {
    let isDue = true;
    return {
      atOffsetCommit: () => {
        const now = isDue ? fault : null;
        isDue = false;
        return now;
      },
    };
  };

  test('the witness stands beside the offset, for every process', async () => {
    const { scheduler, kafka, member } = scene([[], []]);
    const one = member(0);
    await eventually(scheduler, one.join());
    expect(await eventually(scheduler, one.source.readWitness(at(1)))).toBeNull();
    await eventually(scheduler, one.source.commitOffset(at(1), 7n, 'witness'));
    expect(kafka.group.committed(1)).toEqual({ offset: 7n, metadata: 'witness' });
    expect(await eventually(scheduler, member(1).source.readWitness(at(1)))).toBe('witness');
  });

  test.each(['lostReply', 'lostRequest'] as const)(
    '%s: it is sent again until it is acknowledged',
    async (fault) => {
      const { scheduler, kafka, member } = scene([[]], {}, faultOnce(fault));
      const one = member(0);
      await eventually(scheduler, one.join());
      await eventually(scheduler, one.source.commitOffset(at(0), 7n, 'witness'));
      expect(scheduler.nowMs).toBeGreaterThan(OPTIONS.timeoutMs);
      expect(kafka.group.committed(0)?.offset).toBe(7n);
    },
  );

  test('who does not own the partition by its own belief is fenced', async () => {
    const { scheduler, member } = scene([[], []]);
    const [one, other] = [member(0), member(1)];
    await eventually(scheduler, one.join());
    await eventually(scheduler, other.join());
    await pass(scheduler, 1_000);
    const foreign = at(other.assigned?.[0] ?? 0);
    await expect(eventually(scheduler, one.source.commitOffset(foreign, 7n, 'w'))).rejects.toMatchObject({
      code: 'FENCED',
    });
  });

  test('an expelled member that still believes is refused, until it knows, then fenced', async () => {
    const { scheduler, kafka, member } = scene([[]]);
    const [zombie, heir] = [member(0), member(1)];
    await eventually(scheduler, zombie.join());
    zombie.process.pause(3_000);
    await eventually(scheduler, heir.join());
    expect(heir.assigned).toEqual([0]);
    await eventually(scheduler, heir.source.commitOffset(at(0), 9n, 'heir'));
    expect(zombie.assigned).toEqual([0]);
    // Asked before it wakes, so that nothing has told it anything.
    const late = zombie.source.commitOffset(at(0), 5n, 'zombie');
    const outcome = await eventually(
      scheduler,
      late.then(
        () => 'accepted',
        (error: unknown) => (error instanceof TidemarkError ? error.code : 'other'),
      ),
    );
    // Joined anew it may own the partition again; else it is fenced.
    if (zombie.assigned?.length === 0) {
      expect(outcome).toBe('FENCED');
      expect(kafka.group.committed(0)?.metadata).toBe('heir');
    } else {
      expect(outcome).toBe('accepted');
      expect(heir.assigned).toEqual([]);
    }
  });

  test('a commit of a former generation that arrives late is refused', async () => {
    const { scheduler, kafka, member } = scene([[]]);
    const one = member(0);
    await eventually(scheduler, one.join());
    const { memberId, generation } = kafka.group.owners[0] ?? { memberId: '', generation: 0 };
    kafka.group.rebalance();
    await pass(scheduler, 1_000);
    const committed = { offset: 5n, metadata: 'late' };
    expect(kafka.group.commit(memberId, generation, 0, committed)).toBe('outdated');
    expect(kafka.group.commit(memberId, generation + 1, 0, committed)).toBe('ok');
  });

  test('it waits while the brokers are away', async () => {
    const { scheduler, kafka, member } = scene([[]]);
    const one = member(0);
    await eventually(scheduler, one.join());
    kafka.goAway(5_000);
    const commit = one.source.commitOffset(at(0), 7n, 'w');
    expect(await settlesWithin(scheduler, 4_000, commit)).toBe(false);
    await eventually(scheduler, commit);
    expect(kafka.group.committed(0)?.offset).toBe(7n);
  });
});

describe('questions', () => {
  test('facts and start offsets', async () => {
    const { scheduler, member } = scene([[records(0, 3)], []]);
    await pass(scheduler, 1);
    const { source } = member(0);
    const asked = source.describe({
      ...{ wait: true, onWaiting: () => undefined },
      signal: new AbortController().signal,
    });
    expect(await eventually(scheduler, asked)).toMatchObject({
      topics: [{ topic: TOPIC, topicId: 'topic-1', partitions: 2 }],
    });
    expect(await eventually(scheduler, source.startOffsets(TOPIC, { type: 'earliest' }))).toEqual([0n, 0n]);
    expect(await eventually(scheduler, source.startOffsets(TOPIC, { type: 'latest' }))).toEqual([3n, 0n]);
  });

  test('another topic id is another topic', async () => {
    const { scheduler, member } = scene([[]]);
    const { source } = member(0);
    await eventually(scheduler, source.verifyIdentity(TOPIC, 'topic-1'));
    await eventually(scheduler, source.verifyIdentity(TOPIC, null));
    await expect(eventually(scheduler, source.verifyIdentity(TOPIC, 'topic-0'))).rejects.toMatchObject({
      code: 'SOURCE_REPLACED',
    });
  });

  test('are given up when the brokers are away for long', async () => {
    const { scheduler, kafka, member } = scene([[]]);
    kafka.goAway(60_000);
    await expect(
      eventually(scheduler, member(0).source.verifyIdentity(TOPIC, 'topic-1')),
    ).rejects.toMatchObject({ code: 'KAFKA_UNAVAILABLE' });
  });
});
