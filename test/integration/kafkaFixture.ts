/**
 * What the Kafka tests share: topics of their own, producers, sources that are stopped again, feeds read to
 * an offset.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Admin, type ITopicConfig, Kafka, logLevel, type Producer } from 'kafkajs';
import { expect, onTestFinished } from 'vitest';
import type { TopicPartition } from '../../journal/ids.ts';
import { systemClock } from '../../src/system/clock.ts';
import { createKafkaSource } from '../../src/sources/kafka/source.ts';
import type {
  KafkaSourceOptions,
  KafkaTuning,
  RecordDecoding,
  SourceLog,
} from '../../src/sources/kafka/options.ts';
import type {
  FetchedBatch,
  PartitionFeed,
  Source,
  SourceListener,
  TopicFacts,
} from '../../src/sources/port.ts';

export function client(brokers: string[]): Kafka {
  return new Kafka({
    brokers,
    clientId: 'tests',
    logLevel: logLevel.NOTHING,
    retry: { retries: 8, initialRetryTime: 100 },
  });
}

export async function adminOf(brokers: string[]): Promise<Admin> {
  const admin = client(brokers).admin();
  await admin.connect();
  onTestFinished(() => admin.disconnect());
  return admin;
}

export async function producerOf(brokers: string[], transactionalId?: string): Promise<Producer> {
  const idempotence =
    transactionalId === undefined ? {} : { transactionalId, maxInFlightRequests: 1, idempotent: true };
  const producer = client(brokers).producer({ allowAutoTopicCreation: false, ...idempotence });
  await producer.connect();
  onTestFinished(() => producer.disconnect());
  return producer;
}

export const unique = (name: string): string => `${name}-${randomBytes(6).toString('hex')}`;

/** A topic of this test only. */
export async function makeTopic(
  brokers: string[],
  partitions = 1,
  config: Record<string, string> = {},
): Promise<string> {
  const topic = unique('records');
  await createTopic(brokers, { topic, numPartitions: partitions, configEntries: entries(config) });
  return topic;
}

export async function createTopic(brokers: string[], config: ITopicConfig): Promise<void> {
  const admin = await adminOf(brokers);
  // kafkajs's own wait fails where the broker has not heard of the new topic yet.
  await admin.createTopics({ topics: [config], waitForLeaders: false });
  const { source } = sourceOf(brokers, [config.topic], { tuning: { pollMs: 50 } });
  await factsOf(source);
  await source.stop();
}

/** Moves the log start: what is below `offset` is gone. */
export async function deleteRecords(brokers: string[], topic: string, offset: number): Promise<void> {
  const admin = await adminOf(brokers);
  await admin.fetchTopicOffsets(topic); // kafkajs must have met the topic
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: String(offset) }] });
}

const entries = (config: Record<string, string>) =>
  Object.entries(config).map(([name, value]) => ({ name, value }));

export interface LogLine {
  readonly level: keyof SourceLog;
  readonly message: string;
  readonly fields: object;
}

export interface TestSource {
  readonly source: Source;
  readonly lines: LogLine[];
}

/** A source that is stopped when the test ends. */
export function sourceOf(
  brokers: string[],
  topics: string[],
  { groupId = unique('group'), ...options }: Partial<KafkaSourceOptions> = {},
): TestSource {
  const lines: LogLine[] = [];
  const level = (name: keyof SourceLog) => (fields: object, message: string) =>
    void lines.push({ level: name, message, fields });
  const log: SourceLog = {
    debug: level('debug'),
    info: level('info'),
    warn: level('warn'),
    error: level('error'),
  };
  const common = { clientId: 'tidemark-test', stateDir: null, clock: systemClock };
  const source = createKafkaSource({ ...common, ...options, brokers, topics, groupId, log });
  onTestFinished(() => source.stop());
  return { source, lines };
}

export function tempDir(): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'tidemark-kafka-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Of the source's first topic, once that exists. */
export async function factsOf(source: Source): Promise<TopicFacts> {
  for (;;) {
    const { topics, missing } = await source.describe({
      wait: true,
      onWaiting: () => undefined,
      signal: new AbortController().signal,
    });
    const [facts] = topics;
    if (facts !== undefined) return facts;
    if (missing === undefined) throw new Error('the source names no topic');
    await systemClock.pause(20);
  }
}

export interface ReadRecord {
  readonly offset: bigint;
  readonly key: string | null;
  readonly value: string | null;
  readonly timestampMs: number;
}

export function recordsOf(batch: FetchedBatch): ReadRecord[] {
  const cursor = batch.records();
  const found: ReadRecord[] = [];
  while (cursor.next()) {
    const { keyStart, keyEnd, valueStart, valueEnd, timestampMs } = cursor;
    found.push({
      offset: cursor.baseOffset + BigInt(cursor.offsetDelta),
      key: keyStart < 0 ? null : cursor.keyBytes.toString('utf8', keyStart, keyEnd),
      value: valueStart < 0 ? null : cursor.valueBytes.toString('utf8', valueStart, valueEnd),
      timestampMs,
    });
  }
  return found;
}

/** Pulls until nextOffset has reached `end`; checks what every batch promises. */
export async function readTo(feed: PartitionFeed, end: bigint, from = 0n): Promise<ReadRecord[]> {
  const found: ReadRecord[] = [];
  for (let next = from; next < end;) {
    const batch = await feed.next();
    if (batch.fetchedOffset !== next)
      throw new Error(`a gap: fetched at ${batch.fetchedOffset} instead of ${next}`);
    if (batch.nextOffset <= batch.fetchedOffset) throw new Error(`no progress at ${batch.fetchedOffset}`);
    found.push(...recordsOf(batch));
    next = batch.nextOffset;
  }
  return found;
}

interface ReadOptions {
  readonly brokers: string[];
  readonly topic: string;
  readonly partition?: number;
  readonly from?: bigint;
  readonly tuning?: Partial<KafkaTuning>;
}

/**
 * Everything that partition 0 (or another) holds for a reader of committed records, which is the same in both
 * ways of reading.
 */
export async function readAll(
  brokers: string[],
  topic: string,
  { partition = 0, from = 0n, tuning = {} }: Omit<ReadOptions, 'brokers' | 'topic'> = {},
): Promise<ReadRecord[]> {
  const records = await readDecoded('batches', { brokers, topic, partition, from, tuning });
  expect(await readDecoded('records', { brokers, topic, partition, from, tuning })).toEqual(records);
  return records;
}

/** The same in one of the ways, for a topic that changes behind the reader. */
export async function readDecoded(
  decode: RecordDecoding,
  { brokers, topic, partition = 0, from = 0n, tuning = {} }: ReadOptions,
): Promise<ReadRecord[]> {
  const { source } = sourceOf(brokers, [topic], { tuning: { ...tuning, decode } });
  const ranges = await source.ranges(topic);
  const feed = source.open({ topic, partition }, from, null);
  return readTo(feed, ranges[partition]?.endOffset ?? 0n, from);
}

export const values = (records: readonly ReadRecord[]): (string | null)[] =>
  records.map(({ value }) => value);

/** Collects assignments, and lets a test wait for the next one that it likes. */
export class Assignments implements SourceListener {
  readonly seen: (readonly TopicPartition[])[] = [];
  readonly failures: unknown[] = [];
  #waiting: { accepts: (partitions: readonly TopicPartition[]) => boolean; resolve: () => void }[] = [];

  assigned(partitions: readonly TopicPartition[]): void {
    this.seen.push(partitions);
    this.#waiting = this.#waiting.filter(({ accepts, resolve }) => {
      if (accepts(partitions)) resolve();
      return !accepts(partitions);
    });
  }

  topicAppeared(): void {
    throw new Error('a Kafka source has its topics from the start');
  }

  failed(error: unknown): void {
    this.failures.push(error);
  }

  get latest(): readonly TopicPartition[] {
    return this.seen.at(-1) ?? [];
  }

  /** Resolves at once where the latest assignment is accepted already. */
  async until(accepts: (partitions: readonly TopicPartition[]) => boolean): Promise<void> {
    if (this.seen.length > 0 && accepts(this.latest)) return;
    await new Promise<void>((resolve) => {
      this.#waiting.push({ accepts, resolve });
    });
  }
}
