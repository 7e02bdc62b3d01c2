/** What a feed delivers of real topics. */
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { describeIntegration, services } from '../services/integration.ts';
import { runKafkaTool } from '../services/servers.ts';
import {
  adminOf,
  makeTopic,
  producerOf,
  readAll,
  readDecoded,
  type ReadRecord,
  readTo,
  sourceOf,
  unique,
  values,
} from './kafkaFixture.ts';

describeIntegration('records of real Kafka topics', () => {
  const { brokers } = services();

  test('a transactional topic: aborted records and markers are never delivered', async () => {
    const topic = await makeTopic(brokers);
    const producer = await producerOf(brokers, unique('tx'));
    for (const [outcome, value] of [
      ['commit', 'a'],
      ['abort', 'b'],
      ['commit', 'c'],
      ['abort', 'd'],
    ] as const) {
      const transaction = await producer.transaction();
      const messages = [0, 1, 2].map((index) => ({ value: `${value}${index}` }));
      await transaction.send({ topic, messages });
      await transaction[outcome]();
    }
    const records = await readAll(brokers, topic);
    expect(values(records)).toEqual(['a0', 'a1', 'a2', 'c0', 'c1', 'c2']);
    expect(records.map(({ offset }) => offset)).toEqual([0n, 1n, 2n, 8n, 9n, 10n]);
  });

  test('two interleaved transactional producers, from every offset: only committed records', async () => {
    const topic = await makeTopic(brokers);
    const [one, two] = [await producerOf(brokers, unique('tx')), await producerOf(brokers, unique('tx'))];
    const plain = await producerOf(brokers);
    const committed: string[] = [];
    for (const [first, second] of [
      ['abort', 'abort'],
      ['abort', 'commit'],
      ['commit', 'abort'],
    ] as const) {
      const [a, b] = [await one.transaction(), await two.transaction()];
      for (const step of [0, 1]) {
        // The key of a transaction marker, on an ordinary record.
        await a.send({
          topic,
          messages: [{ key: Buffer.from([0, 0, 0, 0]), value: `${first}/${second} a${step}` }],
        });
        await b.send({ topic, messages: [{ value: `${first}/${second} b${step}` }] });
        await plain.send({ topic, messages: [{ value: `plain ${first}/${second} ${step}` }] });
        if (first === 'commit') committed.push(`${first}/${second} a${step}`);
        if (second === 'commit') committed.push(`${first}/${second} b${step}`);
        committed.push(`plain ${first}/${second} ${step}`);
      }
      await b[second]();
      await a[first]();
    }
    const all = await readAll(brokers, topic);
    expect(values(all)).toEqual(committed);
    for (const decode of ['batches', 'records'] as const) {
      const { source } = sourceOf(brokers, [topic], { tuning: { decode } });
      const [range] = await source.ranges(topic);
      for (let from = 1n; from < range!.endOffset; from += 1n) {
        const feed = source.open({ topic, partition: 0 }, from, null);
        expect(await readTo(feed, range!.endOffset, from)).toEqual(
          all.filter(({ offset }) => offset >= from),
        );
        await feed.close();
      }
    }
  });

  test('an open transaction holds back later records; until-end ends at the last stable offset', async () => {
    const topic = await makeTopic(brokers);
    const [plain, transactional] = [await producerOf(brokers), await producerOf(brokers, unique('tx'))];
    await plain.send({ topic, messages: [{ value: 'before' }] });
    const transaction = await transactional.transaction();
    await transaction.send({ topic, messages: [{ value: 'open' }] });
    await plain.send({ topic, messages: [{ value: 'behind' }] });
    const { source } = sourceOf(brokers, [topic]);
    expect(await source.ranges(topic)).toEqual([{ startOffset: 0n, endOffset: 1n }]);
    expect(await source.startOffsets(topic, { type: 'latest' })).toEqual([1n]);
    const feed = source.open({ topic, partition: 0 }, 0n, null);
    expect(values(await readTo(feed, 1n))).toEqual(['before']);
    const next = feed.next();
    await transaction.commit();
    const batch = await next;
    expect(batch.fetchedOffset).toBe(1n);
    expect((await source.ranges(topic))[0]?.endOffset).toBe(4n);
  });

  test('fetches of only aborted records do not stall: nextOffset continues without records', async () => {
    const topic = await makeTopic(brokers);
    const producer = await producerOf(brokers, unique('tx'));
    for (let round = 0; round < 5; round += 1) {
      const transaction = await producer.transaction();
      await transaction.send({
        topic,
        messages: Array.from({ length: 20 }, () => ({ value: 'x'.repeat(2_000) })),
      });
      await transaction.abort();
    }
    const { source } = sourceOf(brokers, [topic], { tuning: { fetchBytesMax: 10_000 } });
    const [range] = await source.ranges(topic);
    expect(range?.endOffset).toBe(105n);
    const feed = source.open({ topic, partition: 0 }, 0n, null);
    expect(await readTo(feed, 105n)).toEqual([]);
    const committed = await producer.transaction();
    await committed.send({ topic, messages: [{ value: 'at last' }] });
    await committed.commit();
    expect(values(await readTo(feed, 106n, 105n))).toEqual(['at last']);
  });

  test('a compacted topic: holes, and batches whose last records are gone, are passed over', async () => {
    const config = {
      'cleanup.policy': 'compact',
      'segment.ms': '100',
      'min.cleanable.dirty.ratio': '0.001',
      'max.compaction.lag.ms': '100',
      'delete.retention.ms': '0',
    };
    const topic = await makeTopic(brokers, 1, config);
    const producer = await producerOf(brokers);
    // In each batch the last records are overwritten by the next one, so that its tail is compacted away.
    for (let round = 0; round < 5; round += 1) {
      const keys = [`kept-${round}`, 'hot-1', 'hot-2', 'hot-3'];
      await producer.send({
        topic,
        messages: keys.map((key) => ({ key, value: `${key} of round ${round}` })),
      });
    }
    const { source } = sourceOf(brokers, [topic]);
    const compacted = async (): Promise<boolean> => {
      // A segment is rolled by an append only, and the newest is never compacted.
      await producer.send({ topic, messages: [{ key: 'roll', value: 'roll' }] });
      const records = await readDecoded('batches', { brokers, topic });
      return records.filter(({ key }) => key === 'hot-1').length === 1;
    };
    while (!(await compacted())) await pause(300);
    const [range] = await source.ranges(topic);
    const records = await readDecoded('batches', { brokers, topic });
    // What is behind the rounds may still be compacted between two reads.
    const ofRounds = ({ offset }: ReadRecord): boolean => offset < 20n;
    const decoded = await readDecoded('records', { brokers, topic });
    expect(decoded.filter(ofRounds)).toEqual(records.filter(ofRounds));
    const rounds = records.filter(({ key }) => key?.startsWith('kept') === true);
    expect(rounds.map(({ offset, key }) => [offset, key])).toEqual(
      [0, 1, 2, 3, 4].map((round) => [BigInt(round * 4), `kept-${round}`]),
    );
    expect(records.find(({ key }) => key === 'hot-3')).toMatchObject({
      offset: 19n,
      value: 'hot-3 of round 4',
    });
    // From within a hole too, and batch by batch, where the end of each has to be known.
    const tiny = sourceOf(brokers, [topic], { tuning: { fetchBytesMax: 50 } });
    const feed = tiny.source.open({ topic, partition: 0 }, 6n, null);
    expect(await readTo(feed, range!.endOffset, 6n)).toEqual(records.filter(({ offset }) => offset >= 6n));
  });

  test('null values, null and empty keys, and headers', async () => {
    const topic = await makeTopic(brokers);
    const producer = await producerOf(brokers);
    const headers = { trace: 'abc', list: ['x', 'y'], binary: Buffer.from([0, 255]) };
    const messages = [
      { key: 'k', value: 'v', headers, timestamp: '1000' },
      { key: 'tombstone', value: null, headers },
      { key: null, value: '' },
      { key: '', value: 'last' },
    ];
    await producer.send({ topic, messages });
    const records = await readAll(brokers, topic);
    expect(records.map(({ key, value }) => ({ key, value }))).toEqual(
      messages.map(({ key, value }) => ({ key, value })),
    );
    expect(records[0]?.timestampMs).toBe(1_000);
    expect(records.map(({ offset }) => offset)).toEqual([0n, 1n, 2n, 3n]);
  });

  test.each(['gzip', 'snappy', 'lz4', 'zstd', 'none'])('%s from a Java producer', async (codec) => {
    const topic = await makeTopic(brokers);
    await runKafkaTool('org.apache.kafka.tools.ProducerPerformance', [
      ...['--topic', topic, '--num-records', '3000', '--throughput', '-1', '--payload-monotonic'],
      ...[
        '--producer-props',
        `bootstrap.servers=${brokers.join(',')}`,
        `compression.type=${codec}`,
        'linger.ms=50',
      ],
      'batch.size=65536',
    ]);
    const records = await readAll(brokers, topic, { tuning: { fetchBytesMax: 4_096 } });
    expect(values(records)).toEqual(Array.from({ length: 3_000 }, (_, index) => String(index)));
    expect(records.map(({ offset }) => offset)).toEqual(
      Array.from({ length: 3_000 }, (_, index) => BigInt(index)),
    );
    // From the middle of a compressed batch.
    const rest = await readAll(brokers, topic, { from: 1_234n });
    expect(rest).toEqual(records.slice(1_234));
  });

  test('records of 1 MB and more among small ones, through fetches that ask for less', async () => {
    const topic = await makeTopic(brokers, 2, { 'max.message.bytes': String(8 * 1024 * 1024) });
    const producer = await producerOf(brokers);
    const sizes = [10, 1_000_000, 20, 3_000_000, 30, 1_048_576, 40];
    for (const partition of [0, 1]) {
      for (const size of sizes)
        await producer.send({ topic, messages: [{ partition, value: 'x'.repeat(size) }] });
    }
    const { source } = sourceOf(brokers, [topic], {
      tuning: { fetchBytesMax: 100_000, requestBytesMax: 150_000 },
    });
    const lengths = await Promise.all(
      [0, 1].map(async (partition) => {
        await readAll(brokers, topic, { partition });
        const records = await readTo(source.open({ topic, partition }, 0n, null), BigInt(sizes.length));
        return records.map(({ value }) => value?.length);
      }),
    );
    expect(lengths).toEqual([sizes, sizes]);
  });

  test('an empty topic: the feed waits, delivers the first record, and ends with an AbortError', async () => {
    const topic = await makeTopic(brokers);
    const { source } = sourceOf(brokers, [topic]);
    expect(await source.ranges(topic)).toEqual([{ startOffset: 0n, endOffset: 0n }]);
    const feed = source.open({ topic, partition: 0 }, 0n, null);
    const first = feed.next();
    const producer = await producerOf(brokers);
    await producer.send({ topic, messages: [{ value: 'first' }] });
    expect((await first).nextOffset).toBe(1n);
    const waiting = feed.next();
    await feed.close();
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
    await expect(feed.next()).rejects.toMatchObject({ name: 'AbortError' });
  });

  test('many partitions of one source: each in order, an idle one does not delay a busy one', async () => {
    const topic = await makeTopic(brokers, 4);
    const producer = await producerOf(brokers);
    const count = 2_000;
    for (const partition of [0, 1, 2]) {
      const messages = Array.from({ length: count }, (_, index) => ({
        partition,
        value: `${partition}:${index}`,
      }));
      await producer.send({ topic, messages });
    }
    const { source } = sourceOf(brokers, [topic], { tuning: { fetchBytesMax: 2_000 } });
    source.open({ topic, partition: 3 }, 0n, null);
    const read = await Promise.all(
      [0, 1, 2].map((partition) => readTo(source.open({ topic, partition }, 0n, null), BigInt(count))),
    );
    for (const [partition, records] of read.entries()) {
      expect(values(records)).toEqual(Array.from({ length: count }, (_, index) => `${partition}:${index}`));
    }
  });

  test('a topic is never created by asking for it', async () => {
    const topic = unique('never-made');
    const { source } = sourceOf(brokers, [topic]);
    const signal = new AbortController().signal;
    const told: string[] = [];
    const onWaiting = (message: string): number => told.push(message);
    const described = await source.describe({ wait: false, onWaiting, signal });
    expect(described).toMatchObject({ topics: [], missing: [topic] });
    expect(told).toEqual([expect.stringContaining(topic)]);
    await expect(source.ranges(topic)).rejects.toMatchObject({ code: 'SOURCE_TOPIC_MISSING' });
    const admin = await adminOf(brokers);
    expect(await admin.listTopics()).not.toContain(topic);
  });
});
