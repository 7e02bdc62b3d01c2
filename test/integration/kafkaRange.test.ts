/** Offsets: where a job starts, what the log holds, and what is no longer there. */
import { expect, test } from 'vitest';
import { describeIntegration, services } from '../services/integration.ts';
import {
  adminOf,
  createTopic,
  deleteRecords,
  factsOf,
  makeTopic,
  producerOf,
  readTo,
  sourceOf,
  unique,
  values,
} from './kafkaFixture.ts';

describeIntegration('ranges of real Kafka topics', () => {
  const { brokers } = services();
  const quick = { tuning: { outOfRangeStableMs: 500, pollMs: 100 } };

  async function filled(count: number): Promise<string> {
    const topic = await makeTopic(brokers);
    const producer = await producerOf(brokers);
    const messages = Array.from({ length: count }, (_, index) => ({
      value: `v${index}`,
      timestamp: String(1_000 * (index + 1)),
    }));
    await producer.send({ topic, messages });
    return topic;
  }

  test('startFrom: earliest, latest, a time, and the end for a time after every record', async () => {
    const topic = await filled(10);
    await deleteRecords(brokers, topic, 3);
    const { source } = sourceOf(brokers, [topic]);
    expect(await source.ranges(topic)).toEqual([{ startOffset: 3n, endOffset: 10n }]);
    expect(await source.startOffsets(topic, { type: 'earliest' })).toEqual([3n]);
    expect(await source.startOffsets(topic, { type: 'latest' })).toEqual([10n]);
    expect(await source.startOffsets(topic, { type: 'time', atMs: 5_500 })).toEqual([5n]);
    expect(await source.startOffsets(topic, { type: 'time', atMs: 6_000 })).toEqual([5n]);
    expect(await source.startOffsets(topic, { type: 'time', atMs: 0 })).toEqual([3n]);
    expect(await source.startOffsets(topic, { type: 'time', atMs: 9_999_999 })).toEqual([10n]);
  });

  test('startFrom group: what the group has committed, and earliest where it has not', async () => {
    const [topic, groupId] = [await makeTopic(brokers, 2), unique('group')];
    const producer = await producerOf(brokers);
    await producer.send({ topic, messages: Array.from({ length: 9 }, () => ({ partition: 1, value: 'x' })) });
    const admin = await adminOf(brokers);
    const { source } = sourceOf(brokers, [topic], { groupId });
    expect(await source.startOffsets(topic, { type: 'group' })).toEqual([0n, 0n]);
    await admin.setOffsets({ groupId, topic, partitions: [{ partition: 1, offset: '7' }] });
    expect(await source.startOffsets(topic, { type: 'group' })).toEqual([0n, 7n]);
  });

  test('startFrom offsets: what is given, if the log holds it', async () => {
    const topic = await filled(10);
    await deleteRecords(brokers, topic, 3);
    const { source } = sourceOf(brokers, [topic]);
    const from = (offset: bigint) =>
      source.startOffsets(topic, { type: 'offsets', offsets: { [topic]: { 0: offset } } });
    expect(await from(3n)).toEqual([3n]);
    expect(await from(10n)).toEqual([10n]);
    for (const offset of [2n, 11n])
      await expect(from(offset)).rejects.toMatchObject({
        code: 'SOURCE_START_INVALID',
        message: expect.stringContaining(
          `${topic}/0 is to begin at ${offset}, but its log holds 3 up to 10 (the next one)`,
        ) as string,
      });
  });

  test('below the log start: the lost range is named, nothing is read from elsewhere', async () => {
    const topic = await filled(10);
    await deleteRecords(brokers, topic, 6);
    const { source, lines } = sourceOf(brokers, [topic], quick);
    const feed = source.open({ topic, partition: 0 }, 2n, null);
    await expect(feed.next()).rejects.toMatchObject({
      code: 'SOURCE_RANGE_LOST',
      message: expect.stringContaining(`offsets 2 to 5 of ${topic}/0`) as string,
      fields: { partition: `${topic}/0`, fromOffset: 2n, toOffset: 6n },
    });
    await expect(feed.next()).rejects.toMatchObject({ code: 'SOURCE_RANGE_LOST' });
    expect(lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });

  test('what was fetched before the range is lost is still delivered', async () => {
    const topic = await filled(10);
    const { source } = sourceOf(brokers, [topic], quick);
    const feed = source.open({ topic, partition: 0 }, 0n, null);
    expect(await readTo(feed, 10n)).toHaveLength(10);
    await deleteRecords(brokers, topic, 10);
    const producer = await producerOf(brokers);
    await producer.send({ topic, messages: [{ value: 'after' }] });
    expect(values(await readTo(feed, 11n, 10n))).toEqual(['after']);
  });

  test('beyond the end of the log: an error, and none of the records that come later', async () => {
    const topic = await filled(4);
    const { source } = sourceOf(brokers, [topic], quick);
    const feed = source.open({ topic, partition: 0 }, 9n, null);
    await expect(feed.next()).rejects.toMatchObject({
      code: 'SOURCE_TRUNCATED',
      fields: { partition: `${topic}/0`, divergedAt: 4n, nextOffset: 9n, leaderEpoch: null },
    });
  });

  test('the leader epoch below an offset to jump to, also where retention has removed that', async () => {
    const topic = await filled(4);
    const { source } = sourceOf(brokers, [topic], quick);
    const below = (offset: bigint) => source.epochBelow?.({ topic, partition: 0 }, offset);
    expect(await below(4n)).toEqual({ epoch: 0, startOffset: 0n });
    expect(await below(0n)).toBeNull();
    await expect(below(5n)).rejects.toMatchObject({
      ...{ code: 'SOURCE_TRUNCATED', fields: { divergedAt: 4n, nextOffset: 5n } },
    });
    await deleteRecords(brokers, topic, 4);
    expect(await below(4n)).toEqual({ epoch: 0, startOffset: 0n });
  });

  test('an offset that is outside the log for a moment only stops nothing', async () => {
    const topic = await filled(4);
    const { source, lines } = sourceOf(brokers, [topic], {
      tuning: { outOfRangeStableMs: 60_000, pollMs: 50 },
    });
    const feed = source.open({ topic, partition: 0 }, 6n, null);
    const next = feed.next();
    const looks = (): number => lines.filter(({ message }) => message.endsWith('still.')).length;
    while (looks() < 3) await new Promise((resolve) => setTimeout(resolve, 20));
    const producer = await producerOf(brokers);
    await producer.send({ topic, messages: ['a', 'b', 'c'].map((value) => ({ value })) });
    expect((await next).nextOffset).toBe(7n);
  });

  test('a recreated topic: at open, and while it is read, it is another topic', async () => {
    const topic = await filled(5);
    const { source } = sourceOf(brokers, [topic], quick);
    const { topicId } = await factsOf(source);
    await source.verifyIdentity(topic, topicId);
    const reading = source.open({ topic, partition: 0 }, 0n, topicId);
    await readTo(reading, 5n);
    const admin = await adminOf(brokers);
    await admin.deleteTopics({ topics: [topic] });
    await createTopic(brokers, { topic, numPartitions: 1 });
    // The old feed's offset is beyond the new log's end, or its leader is looked for anew: either way the id
    // tells.
    await expect(reading.next()).rejects.toMatchObject({ code: 'SOURCE_REPLACED' });
    await expect(source.verifyIdentity(topic, topicId)).rejects.toMatchObject({
      code: 'SOURCE_REPLACED',
      fields: { topic, expectedTopicId: topicId },
    });
    await expect(source.open({ topic, partition: 0 }, 0n, topicId).next()).rejects.toMatchObject({
      code: 'SOURCE_REPLACED',
    });
    const { topicId: newId } = await factsOf(source);
    expect(newId).not.toBe(topicId);
    await source.verifyIdentity(topic, newId);
  });

  test('a deleted topic: its feeds end with an error when it stays away', async () => {
    const topic = await filled(5);
    const { source } = sourceOf(brokers, [topic], quick);
    const { topicId } = await factsOf(source);
    const feed = source.open({ topic, partition: 0 }, 0n, topicId);
    await readTo(feed, 5n);
    const admin = await adminOf(brokers);
    await admin.deleteTopics({ topics: [topic] });
    await expect(feed.next()).rejects.toMatchObject({
      code: 'SOURCE_REPLACED',
      message: expect.stringContaining('deleted') as string,
    });
    await expect(source.verifyIdentity(topic, topicId)).rejects.toMatchObject({ code: 'SOURCE_REPLACED' });
  });

  test('describe waits for a missing topic, says so once, and continues when it is made', async () => {
    const topic = unique('later');
    const { source } = sourceOf(brokers, [topic], { tuning: { pollMs: 50 } });
    const told: string[] = [];
    const waiting = new Promise<void>((resolve) => {
      const onWaiting = (message: string): void => {
        told.push(message);
        resolve();
      };
      const described = source.describe({ wait: true, onWaiting, signal: new AbortController().signal });
      described
        .then((facts) => expect(facts.topics).toMatchObject([{ topic, partitions: 3 }]))
        .catch(() => undefined);
    });
    await waiting;
    await createTopic(brokers, { topic, numPartitions: 3 });
    const { partitions } = await factsOf(source);
    expect(partitions).toBe(3);
    expect(told.filter((message) => message.includes(topic))).toEqual(told.slice(0, told.length));
    expect(told[0]).toContain('never creates one');
  });

  test('describe ends its wait when it is told to', async () => {
    const { source } = sourceOf(['127.0.0.1:1'], [unique('never')], { tuning: { pollMs: 60_000 } });
    const ending = new AbortController();
    const described = source.describe({ wait: true, onWaiting: () => ending.abort(), signal: ending.signal });
    await expect(described).rejects.toMatchObject({ name: 'AbortError' });
  });
});
