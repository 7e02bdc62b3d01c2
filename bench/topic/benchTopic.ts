/** The topics that the bench reads. They stay in Kafka; their end offsets show whether they are complete. */
import path from 'node:path';
import { Kafka, logLevel, type Admin } from 'kafkajs';
import { ensureKafkaJars } from '../../scripts/services/download.ts';
import { shortLivedJava } from '../../scripts/services/kafka.ts';
import { runCommand } from '../../scripts/services/processes.ts';
import { compiled } from '../harness/java.ts';

export type Codec = 'none' | 'lz4' | 'zstd';

export const RECORD_BYTES = 161;
export const PARTITIONS = 4;
/** Different minutes among the records of each partition. */
export const MINUTES = 1_000;
/** A bucket for each of them: all records are of one day. */
export const MINUTE_PATTERN = 'yyyy-MM-dd--HH-mm';

/** Below this, Java does not run long enough for its optimizing compiler to pay off. */
const FEW_RECORDS = 200_000;

/** Each layout of the records has its version: an old topic must not pass for a new one. */
const LAYOUT_VERSION = 1;

export interface TopicOptions {
  readonly brokers: readonly string[];
  readonly codec: Codec;
  readonly records: number;
  readonly log: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** Resolves with the name of a topic that holds exactly these records. */
export async function ensureTopic(options: TopicOptions): Promise<string> {
  const { brokers, codec, records, log } = options;
  const topic = `tidemark-bench-v${LAYOUT_VERSION}-${codec}-${records}`;
  await withAdmin(brokers, async (admin) => {
    const found = await recordsIn(admin, topic);
    if (found === records) {
      log(`topic ${topic}: there from an earlier run`);
      return;
    }
    if (found !== null) await admin.deleteTopics({ topics: [topic] });
    await createTopic(admin, topic);
    await appendRecords(options, topic, { from: 0, count: records });
    const loaded = await recordsIn(admin, topic);
    if (loaded !== records) throw new Error(`topic ${topic} holds ${String(loaded)} records, not ${records}`);
  });
  return topic;
}

/**
 * Resolves with a topic that holds at least these records, and with their number. Appends to a smaller one of
 * an earlier run, since the topics of long runs are large.
 */
export async function ensureLongTopic(options: TopicOptions): Promise<{ topic: string; records: number }> {
  const { brokers, codec, records, log } = options;
  const topic = `tidemark-bench-v${LAYOUT_VERSION}-${codec}-long`;
  return withAdmin(brokers, async (admin) => {
    const found = await recordsIn(admin, topic);
    if (found === null) await createTopic(admin, topic);
    const from = found ?? 0;
    if (from >= records) log(`topic ${topic}: ${from} records are there from an earlier run`);
    else await appendRecords(options, topic, { from, count: records - from });
    return { topic, records: (await recordsIn(admin, topic)) ?? 0 };
  });
}

export async function createTopic(admin: Admin, topic: string): Promise<void> {
  // The records' times are in the past; retention by age must not delete any.
  const configEntries = ['retention.ms', 'retention.bytes'].map((name) => ({ name, value: '-1' }));
  await admin.createTopics({
    topics: [{ topic, numPartitions: PARTITIONS, configEntries }],
    waitForLeaders: true,
  });
}

/** Null if there is no such topic. */
async function recordsIn(admin: Admin, topic: string): Promise<number | null> {
  if (!(await admin.listTopics()).includes(topic)) return null;
  const offsets = await admin.fetchTopicOffsets(topic);
  return offsets.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0);
}

export async function withAdmin<T>(
  brokers: readonly string[],
  work: (admin: Admin) => Promise<T>,
): Promise<T> {
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

/** Uses Kafka's own producer: it is fast, and most topics hold batches like its own. */
export async function appendRecords(
  { brokers, codec, log, signal }: TopicOptions,
  topic: string,
  { from, count }: { readonly from: number; readonly count: number },
): Promise<void> {
  const jars = await ensureKafkaJars(log, signal);
  const classPath = await compiled(path.join(import.meta.dirname, 'LoadTopic.java'), jars, signal);
  log(`topic ${topic}: loading ${count} records ...`);
  const startedMs = performance.now();
  const flags = {
    ...{ brokers: brokers.join(','), topic, partitions: PARTITIONS },
    ...{ from, count, codec, buckets: MINUTES },
  };
  const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const java = [
    ...(count < FEW_RECORDS ? shortLivedJava : []),
    '-Xmx512m',
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=error',
  ];
  await runCommand('java', [...java, '-cp', classPath, 'LoadTopic', ...args], {
    signal,
    onLine: (line) => {
      if (line.startsWith('loaded ')) log(`topic ${topic}: ${line} of ${from + count} records`);
    },
  });
  log(`topic ${topic}: loaded in ${((performance.now() - startedMs) / 1000).toFixed(0)} s`);
}
