import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Message } from 'kafkajs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeIntegration, services } from '../services/integration.ts';
import { runKafkaTool } from '../services/servers.ts';
import { client, lines, makeTopic, numbers, produce, transact, withAdmin } from './kafkaTopics.ts';
import { expectCode, TestJob, uniqueName, type PartitionDocument } from './testJob.ts';
import { tidemark } from './tidemarkProcess.ts';

const CODECS = ['gzip', 'snappy', 'lz4', 'zstd'];
/** Topics that stay as they were written. */
const STABLE = ['transactions', 'nulls', 'large', 'times', ...CODECS];
const JAVA_RECORDS = 3_000;
const LARGE_BYTES = 1_000_000;
const HOUR_MS = 3_600_000;
/** 2024-03-01 at 15:30 UTC, half past eleven at night in Shanghai. */
const EVENING_MS = Date.UTC(2024, 2, 1, 15, 30);

/** In each batch the last records are overwritten by the next one, so that its tail is compacted away. */
async function produceCompacted(brokers: readonly string[], topic: string): Promise<void> {
  await makeTopic(brokers, topic, {
    config: {
      'cleanup.policy': 'compact',
      'segment.ms': '100',
      'min.cleanable.dirty.ratio': '0.001',
      'max.compaction.lag.ms': '100',
      'delete.retention.ms': '0',
    },
  });
  for (let round = 0; round < 5; round += 1) {
    const keys = [`kept-${round}`, 'hot-1', 'hot-2'];
    await produce(
      brokers,
      topic,
      keys.map((key) => ({ key, value: `${key} of round ${round}` })),
    );
  }
  // A segment is rolled by an append only, and the newest is never compacted.
  do await produce(brokers, topic, [{ key: 'roll', value: 'roll' }]);
  while ((await keysOf(brokers, topic)).filter((key) => key === 'hot-1').length > 1);
}

/** Every key that the log holds up to its present end. */
async function keysOf(brokers: readonly string[], topic: string): Promise<string[]> {
  const [end] = await withAdmin(brokers, (admin) => admin.fetchTopicOffsets(topic));
  const keys: string[] = [];
  const consumer = client(brokers).consumer({ groupId: uniqueName('look') });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await new Promise<void>((resolve, reject) => {
    const eachMessage = async ({
      message,
    }: {
      message: { key: Buffer | null; offset: string };
    }): Promise<void> => {
      keys.push(String(message.key));
      if (Number(message.offset) === Number(end?.offset) - 1) resolve();
    };
    consumer.run({ autoCommit: false, eachMessage }).catch(reject);
  });
  await consumer.disconnect();
  return keys;
}

async function produceWithJava(brokers: readonly string[], topic: string, codec: string): Promise<void> {
  await makeTopic(brokers, topic);
  await runKafkaTool('org.apache.kafka.tools.ProducerPerformance', [
    ...['--topic', topic, '--num-records', String(JAVA_RECORDS), '--throughput', '-1', '--payload-monotonic'],
    ...[
      '--producer-props',
      `bootstrap.servers=${brokers.join(',')}`,
      `compression.type=${codec}`,
      'linger.ms=50',
    ],
  ]);
}

interface WrittenFile {
  readonly folder: string;
  readonly name: string;
  readonly values: readonly string[];
}

const writtenBy = (job: TestJob): WrittenFile[] =>
  [...job.committed()].map(([file, values]) => ({
    folder: path.dirname(file),
    name: path.basename(file),
    values,
  }));

describeIntegration('Kafka as it is, in one run', () => {
  const theme = uniqueName('reality');
  const topicOf = (what: string): string => `${theme}-${what}`;
  const small = (value: string): Message => ({ value });
  const large = 'x'.repeat(LARGE_BYTES);
  let folder = '';
  let job: TestJob;
  let sections: Readonly<Record<string, unknown>> = {};
  let partitions: readonly PartitionDocument[] = [];
  let files: readonly WrittenFile[] = [];

  const filesOf = (what: string, all = files) =>
    all
      .filter(({ name }) => name.startsWith(`part-${topicOf(what)}-0-`))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const valuesOf = (what: string): string[] => filesOf(what).flatMap(({ values }) => values);
  const partitionOf = (what: string): PartitionDocument =>
    partitions.find(({ topic }) => topic === topicOf(what)) ?? expect.fail(`${what} is not in the status`);

  beforeAll(async () => {
    const { brokers } = services();
    await transact(brokers, topicOf('transactions'), numbers(0, 0, 10), 'commit');
    await transact(brokers, topicOf('transactions'), numbers(0, 10, 20), 'abort');
    await transact(brokers, topicOf('transactions'), numbers(0, 20, 30), 'commit');
    await makeTopic(brokers, topicOf('nulls'));
    const nulls = [
      { key: 'a', value: 'first' },
      { key: 'a', value: null },
      { key: 'b', value: '' },
      { value: null },
    ];
    await produce(brokers, topicOf('nulls'), nulls);
    await makeTopic(brokers, topicOf('large'));
    const mixed = [large, 'small', large, '', large].map(small);
    await produce(brokers, topicOf('large'), mixed);
    await makeTopic(brokers, topicOf('times'), {
      config: { 'message.timestamp.after.max.ms': String(2n ** 63n - 1n) },
    });
    const times = [EVENING_MS, EVENING_MS + HOUR_MS, EVENING_MS, 0, -5, 8.64e15 + 1];
    const timed = times.map((timestamp) => ({ value: String(timestamp), timestamp: String(timestamp) }));
    await produce(brokers, topicOf('times'), timed);
    await Promise.all(CODECS.map((codec) => produceWithJava(brokers, topicOf(codec), codec)));
    await produceCompacted(brokers, topicOf('compacted'));

    folder = await mkdtemp(path.join(tmpdir(), 'tidemark-reality-'));
    const topics = [...STABLE, 'compacted'].map(topicOf);
    sections = {
      bucket: { by: 'record-time', pattern: "'dt='yyyy-MM-dd/'hr='HH", timezone: 'Asia/Shanghai' },
      roll: { maxBytes: '1MiB', maxAge: '1h', maxIdle: '1h' },
    };
    job = new TestJob({ brokers, topic: theme, topics, folder, sections });
    expectCode(await tidemark(['run', job.file, '--until-end']), 0);
    partitions = await job.partitions();
    files = writtenBy(job);
  }, 180_000);

  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  test('a transactional topic: aborted records and markers are never written', () => {
    expect(valuesOf('transactions')).toEqual([...lines(0, 0, 10), ...lines(0, 20, 30)]);
    expect(partitionOf('transactions')).toMatchObject({ recordsRead: 20, nextOffset: '33', lag: '0' });
  });

  test('a compacted topic: each record that is left is written once, its holes are passed over', () => {
    const kept = [0, 1, 2, 3, 4].map((round) => `kept-${round} of round ${round}`);
    const values = valuesOf('compacted');
    expect(values.filter((value) => value.startsWith('kept'))).toEqual(kept);
    expect(values.filter((value) => value.startsWith('hot'))).toEqual([
      'hot-1 of round 4',
      'hot-2 of round 4',
    ]);
    const { recordsRead, nextOffset, lag } = partitionOf('compacted');
    expect(recordsRead).toBe(values.length);
    expect(Number(nextOffset)).toBeGreaterThan(recordsRead);
    expect(lag).toBe('0');
  });

  test('null values are skipped and counted; an empty value is an empty line', () => {
    expect(valuesOf('nulls')).toEqual(['first', '']);
    expect(partitionOf('nulls')).toMatchObject({ recordsRead: 4, recordsSkipped: 2, nextOffset: '4' });
  });

  test.each(CODECS)('%s from a Java producer', (codec) => {
    expect(valuesOf(codec)).toEqual(Array.from({ length: JAVA_RECORDS }, (_, index) => String(index)));
  });

  test('records of 1 MB, with small ones between them; a file is closed by the record that fills it', () => {
    expect(filesOf('large').map(({ values }) => values)).toEqual([
      [large, 'small', large],
      ['', large],
    ]);
  });

  test('with the records decoded by kafkajs one by one: the same files', async () => {
    const { brokers } = services();
    const slow = new TestJob({
      ...{ brokers, topic: uniqueName('decoded'), topics: STABLE.map(topicOf), sections },
    });
    const run = await slow.untilEnd('-D', 'source.kafka.decode=records');
    expectCode(run, 0);
    expect(run.stderr).toContain('Records are decoded by the client library, one by one');
    const written = writtenBy(slow);
    const contents = (what: string, all: readonly WrittenFile[]) =>
      filesOf(what, all).map(({ folder: bucket, values }) => ({ bucket, values }));
    for (const what of STABLE) expect(contents(what, written)).toEqual(contents(what, files));
    const counts = ({ topic, recordsRead, recordsSkipped, nextOffset }: PartitionDocument) => ({
      ...{ topic, recordsRead, recordsSkipped, nextOffset },
    });
    const expected = STABLE.map((what) => counts(partitionOf(what)));
    expect((await slow.partitions()).map(counts)).toEqual(expect.arrayContaining(expected));
  });

  test("the record time in the job's time zone decides the folder; one outside every calendar, too", () => {
    expect(filesOf('times').map(({ folder, values }) => [folder, ...values])).toEqual([
      ['dt=2024-03-01/hr=23', String(EVENING_MS), String(EVENING_MS)],
      ['dt=2024-03-02/hr=00', String(EVENING_MS + HOUR_MS)],
      ['dt=1970-01-01/hr=08', '0'],
      ['dt=1970-01-01/hr=07', '-5'],
      ['unknown-time', String(8.64e15 + 1)],
    ]);
  });
});

describeIntegration('a topic that gains partitions while its coordinator runs', () => {
  test('the new partitions are assigned, begin at offset 0, and every record is written once', async () => {
    const { brokers, natsUrl } = services();
    const topic = uniqueName('gains');
    await makeTopic(brokers, topic);
    await produce(brokers, topic, numbers(0, 0, 10));
    const kafka = { brokers, topics: [topic], groupId: topic, startFrom: 'latest' };
    const job = new TestJob({ brokers, topic, nats: { url: natsUrl }, sections: { source: { kafka } } });
    const coordinator = job.start();
    await coordinator.said('partition claimed');
    await produce(brokers, topic, numbers(0, 10, 20));
    await withAdmin(brokers, (admin) => admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] }));
    // Before any member knows of them: what "latest" would lose.
    await produce(brokers, topic, [...numbers(1, 0, 10), ...numbers(2, 0, 10)]);
    // A member that joins makes the group look at its topics now instead of within half a minute.
    const other = job.start();
    await other.said('partition claimed');
    other.kill('SIGTERM');
    expectCode(await other.ended, 0);
    const claimed = (number: number) =>
      coordinator.saw(
        `claimed ${number}`,
        (line) => line.msg === 'partition claimed' && line['partition'] === `${topic}/${number}`,
      );
    await Promise.all([claimed(1), claimed(2)]);
    coordinator.kill('SIGTERM');
    expectCode(await coordinator.ended, 0);
    await job.finish();
    const values = [...job.committed().values()].flat();
    expect(values.toSorted()).toEqual(
      [...lines(0, 10, 20), ...lines(1, 0, 10), ...lines(2, 0, 10)].toSorted(),
    );
  });
});
