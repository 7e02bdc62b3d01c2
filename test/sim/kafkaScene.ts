/** Kafka of the world alone, and what processes see of it. */
import { expect } from 'vitest';
import type { TopicPartition } from '../../journal/ids.ts';
import type { SimProcess } from '../../sim/process.ts';
import type { LogItem, RecordShape } from '../../sim/schedule.ts';
import type { Scheduler } from '../../sim/scheduler.ts';
import { SimKafka, type KafkaFaults, type SimKafkaOptions } from '../../sim/simKafka.ts';
import type { FetchedBatch, PartitionFeed, Source } from '../../src/sources/port.ts';
import { eventually, newProcess, newScheduler } from './simulated.ts';

export const TOPIC = 'numbers';
export const at = (partition: number): TopicPartition => ({ topic: TOPIC, partition });
export const shape = (records: number, more: Partial<RecordShape> = {}): RecordShape => ({
  ...{ records, nullEvery: 0, timestampMs: 1_000, stepMs: 10 },
  ...more,
});
export const records = (atMs: number, count: number, more: Partial<RecordShape> = {}): LogItem => ({
  ...{ type: 'records', atMs },
  ...shape(count, more),
});

export interface Scene {
  readonly scheduler: Scheduler;
  readonly kafka: SimKafka;
  member(place: number, life?: number): Member;
}

/** A process, its source, and what its listener was told last. */
export interface Member {
  readonly process: SimProcess;
  readonly source: Source;
  assigned: readonly number[] | null;
  join(): Promise<void>;
}

export const OPTIONS: SimKafkaOptions = {
  sessionMs: 1_500,
  heartbeatMs: 300,
  timeoutMs: 200,
  fetchBatchesMax: 2,
  dismissesDeadMember: true,
};

export function scene(
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

export interface Read {
  readonly offset: number;
  readonly value: string | null;
}

export function recordsOf(batch: FetchedBatch): Read[] {
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
export async function readTo(
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

export const value = (offset: number, partition = 0): Read => ({ offset, value: `${partition}:${offset}` });
