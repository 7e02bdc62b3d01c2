import { expect, test } from 'vitest';
import { describeIntegration, services } from '../services/integration.ts';
import { lines, makeTopic, numbers, produce, transact, withAdmin, withProducer } from './kafkaTopics.ts';
import { committedDigests, expectExactlyOnce, NumberProducer } from './numbers.ts';
import { expectCode, TestJob, uniqueName } from './testJob.ts';

/** Where each partition ends now, by partition. */
async function endOffsets(brokers: readonly string[], topic: string): Promise<number[]> {
  const offsets = await withAdmin(brokers, (admin) => admin.fetchTopicOffsets(topic));
  return offsets.sort((a, b) => a.partition - b.partition).map(({ offset }) => Number(offset));
}

describeIntegration('run --until-end', () => {
  test('ends at the offsets seen at its start although a producer goes on, and commits every file', async () => {
    const { brokers } = services();
    const topic = uniqueName('until-end');
    await makeTopic(brokers, topic, { partitions: 4 });
    const job = new TestJob({ brokers, topic });
    const producer = new NumberProducer([...brokers], topic, { pauseMs: 2 });
    await producer.start();
    const before = await endOffsets(brokers, topic);
    const end = await job.finish();
    const after = await endOffsets(brokers, topic);
    await producer.stop();
    const partitions = await job.partitions();
    for (const { partition, nextOffset, buckets, recordsRead } of partitions) {
      expect(Number(nextOffset)).toBeGreaterThanOrEqual(before[partition]!);
      expect(Number(nextOffset)).toBeLessThan(after[partition]!);
      expect({ buckets, recordsRead }).toEqual({ buckets: [], recordsRead: Number(nextOffset) });
    }
    expectExactlyOnce(
      job.lake,
      partitions.map(({ recordsRead }) => recordsRead),
    );
    expect(end.stdout).toMatch(/^committed \d+ files? with [\d,]+ records\nFILE +RECORDS +SIZE\n/);
  });

  test('twice adds nothing and reads nothing again', async () => {
    const { brokers } = services();
    const topic = uniqueName('twice');
    await makeTopic(brokers, topic);
    await produce(brokers, topic, numbers(0, 0, 100));
    const job = new TestJob({ brokers, topic });
    await job.finish();
    const files = committedDigests(job.lake);
    expect((await job.finish()).stdout).toBe('nothing new was committed\n');
    expect(committedDigests(job.lake)).toEqual(files);
    expect(await job.partitions()).toMatchObject([{ recordsRead: 100, nextOffset: '100', epoch: 2 }]);
  });

  test('of an empty topic ends with exit 0 and no file', async () => {
    const { brokers } = services();
    const topic = uniqueName('empty');
    await makeTopic(brokers, topic, { partitions: 2 });
    const job = new TestJob({ brokers, topic });
    expect((await job.finish()).stdout).toBe('nothing new was committed\n');
    expect(job.committed().size).toBe(0);
  });

  test('of a missing topic fails with exit 1, names it, and creates neither topic nor journal', async () => {
    const { brokers } = services();
    const topic = uniqueName('missing');
    const job = new TestJob({ brokers, topic });
    const end = await job.untilEnd();
    expectCode(end, 1);
    expect(end.stderr).toContain(`tidemark: SOURCE_TOPIC_MISSING: Topic ${topic} does not exist`);
    const topics = await withAdmin(brokers, (admin) => admin.listTopics());
    expect(topics).not.toContain(topic);
    expect(job.committed().size).toBe(0);
  });

  test('of brokers that do not answer gives up after startup.timeout with exit 3 and names them', async () => {
    const sections = { startup: { timeout: '1s' } };
    const job = new TestJob({ brokers: ['127.0.0.1:1'], topic: uniqueName('away'), sections });
    const end = await job.untilEnd();
    expectCode(end, 3);
    expect(end.stderr).toContain('tidemark: SOURCE_UNAVAILABLE: Kafka at 127.0.0.1:1 did not answer');
  });

  test('with a journal server that does not answer gives up after startup.timeout with exit 3 and names it', async () => {
    const { brokers } = services();
    const sections = { startup: { timeout: '1s' } };
    const nats = { url: 'nats://127.0.0.1:1' };
    const job = new TestJob({ brokers, topic: uniqueName('away'), nats, sections });
    const end = await job.untilEnd();
    expectCode(end, 3);
    expect(end.stderr).toContain('tidemark: JOURNAL_UNAVAILABLE: NATS at 127.0.0.1:1 does not answer');
  });

  test.each([
    { what: 'TLS', security: { ssl: true } },
    { what: 'SASL', security: { sasl: { mechanism: 'plain', username: 'u', password: 'p' } } },
  ])('with $what at a listener without ends, and says where to look', async ({ what, security }) => {
    const { brokers } = services();
    const topic = uniqueName('secured');
    await makeTopic(brokers, topic);
    const kafka = { brokers, topics: [topic], groupId: topic, ...security };
    const job = new TestJob({ brokers, topic, sections: { source: { kafka }, startup: { timeout: '2s' } } });
    const end = await job.untilEnd();
    expect([2, 3], end.stderr).toContain(end.code);
    expect(end.stderr).toMatch(
      what === 'TLS' ? /source\.kafka\.ssl|ssl settings/ : /source\.kafka\.sasl|sasl or ssl settings/,
    );
    expect(end.stderr).not.toContain('TimeoutNegativeWarning');
  });

  test('ends behind a tail of aborted records, and before the records of a transaction that is still open', async () => {
    const { brokers } = services();
    const topic = uniqueName('aborted');
    await makeTopic(brokers, topic);
    await produce(brokers, topic, numbers(0, 0, 10));
    await transact(brokers, topic, [{ partition: 0, value: 'never' }], 'abort');
    const job = new TestJob({ brokers, topic });
    await job.finish();
    const [aborted] = await job.partitions();
    // Ten records, an aborted one, its marker.
    expect(aborted).toMatchObject({ nextOffset: '12', recordsRead: 10, lag: '0' });

    await withProducer(
      brokers,
      async (producer) => {
        const transaction = await producer.transaction();
        await transaction.send({ topic, messages: numbers(0, 10, 20) });
        await produce(brokers, topic, numbers(0, 20, 30));
        await job.finish();
        expect(await job.partitions()).toMatchObject([{ nextOffset: '12', recordsRead: 10 }]);
        await transaction.commit();
      },
      { idempotent: true, maxInFlightRequests: 1, transactionalId: topic },
    );
    await job.finish();
    expect([...job.committed().values()].flat()).toEqual(lines(0, 0, 30));
  });
});
