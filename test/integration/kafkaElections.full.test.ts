/**
 * Elections that lose nothing: each broker of a real cluster is killed in turn, and a follower that is in
 * sync takes over. Nothing may stop, with transactions and compaction, too: both leave offsets in the log
 * that no record has.
 */
import { expect, test } from 'vitest';
import type { Message } from 'kafkajs';
import { describeIntegration } from '../services/integration.ts';
import { KafkaCluster } from '../services/kafkaCluster.ts';
import { readDecoded } from './kafkaFixture.ts';
import { client, lines, numbers, produce, transact } from './kafkaTopics.ts';
import { expectCode, TestJob, uniqueName } from './testJob.ts';

const IN_SYNC = { 'min.insync.replicas': '2' };
const COMPACTED = {
  'cleanup.policy': 'compact',
  'segment.ms': '100',
  'min.cleanable.dirty.ratio': '0.001',
  'max.compaction.lag.ms': '100',
  'delete.retention.ms': '0',
};

/** Under every number the key `hot` is written again, so that its older values go. */
const keyed = (from: number, to: number): Message[] =>
  numbers(0, from, to).map((message, index) => ({
    ...message,
    key: index % 2 === 0 ? 'hot' : `k${from + index}`,
  }));

class Fixture {
  readonly cluster: KafkaCluster;
  readonly plain = uniqueName('plain');
  readonly transactional = uniqueName('transactional');
  readonly compacted = uniqueName('compacted');
  readonly job: TestJob;

  constructor(cluster: KafkaCluster) {
    this.cluster = cluster;
    this.job = new TestJob({
      ...{ brokers: cluster.brokers, topic: uniqueName('elections'), topics: this.topics },
      sections: { bucket: { by: 'none' }, roll: { maxBytes: '64MiB', maxAge: '1h', maxIdle: '500ms' } },
    });
  }

  get topics(): string[] {
    return [this.plain, this.transactional, this.compacted];
  }

  async begin(): Promise<void> {
    for (const topic of this.topics) {
      const config = topic === this.compacted ? { ...IN_SYNC, ...COMPACTED } : IN_SYNC;
      const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
      await this.cluster.createTopic({ topic, numPartitions: 1, replicationFactor: 3, configEntries });
    }
  }

  /** Holes are in the log before anybody reads it. Gives how many numbers it took. */
  async compact(): Promise<number> {
    const { brokers } = this.cluster;
    for (let sent = 0; ;) {
      // A segment is rolled by an append only, and the newest is never compacted.
      await produce(brokers, this.compacted, keyed(sent, sent + 10));
      sent += 10;
      const found = await readDecoded('batches', { brokers, topic: this.compacted });
      if (found.length < sent) return sent;
    }
  }

  /**
   * A transaction that nobody ends: the broker aborts it after its time-out. Until then nothing behind it is
   * read.
   */
  async leaveOpen(round: number): Promise<void> {
    const producer = client(this.cluster.brokers).producer({
      ...{ transactionalId: `${this.transactional}-open-${round}`, transactionTimeout: 5_000 },
      ...{ idempotent: true, maxInFlightRequests: 1 },
    });
    await producer.connect();
    const transaction = await producer.transaction();
    await transaction.send({ topic: this.transactional, messages: numbers(9, 0, 5).map(onlyPartition) });
    await producer.disconnect();
  }

  /** Ten records of each topic, of the transactional one with ten others that are aborted. */
  async send(from: number): Promise<void> {
    const { brokers } = this.cluster;
    const messages = numbers(0, from, from + 10);
    await produce(brokers, this.plain, messages);
    await transact(brokers, this.transactional, messages, 'commit');
    await transact(brokers, this.transactional, numbers(9, from, from + 10).map(onlyPartition), 'abort');
  }

  async untilLedByOthers(id: number): Promise<void> {
    for (const topic of [...this.topics, '__transaction_state', '__consumer_offsets'])
      await this.cluster.until(topic, 'led by another', ({ leader }) => leader > 0 && leader !== id);
  }

  valuesOf(topic: string): readonly string[] {
    return [...this.job.committed()].flatMap(([name, values]) => (name.includes(topic) ? values : []));
  }
}

const onlyPartition = (message: Message): Message => ({ ...message, partition: 0 });

describeIntegration(
  'clean leader elections',
  () => {
    test('each broker is killed in turn: no partition stops, every record is there once', async () => {
      const config = { 'transaction.abort.timed.out.transaction.cleanup.interval.ms': '1000' };
      await using cluster = await KafkaCluster.start({ controllers: 3, config });
      const fixture = new Fixture(cluster);
      await fixture.begin();
      let keys = await fixture.compact();
      await fixture.send(0);
      const coordinator = fixture.job.start();
      await coordinator.counted(`${fixture.plain}/0`, 10);
      let sent = 10;
      for (const id of [1, 2, 3]) {
        await fixture.leaveOpen(id);
        await cluster.node(id).kill('SIGKILL');
        await fixture.untilLedByOthers(id);
        await fixture.send(sent);
        await produce(cluster.brokers, fixture.compacted, keyed(keys, keys + 10));
        [sent, keys] = [sent + 10, keys + 10];
        await coordinator.counted(`${fixture.plain}/0`, sent);
        await coordinator.counted(`${fixture.compacted}/0`, keys);
        await cluster.node(id).restart();
        for (const topic of fixture.topics) await cluster.untilInSync(topic);
      }
      coordinator.kill('SIGTERM');
      expectCode(await coordinator.ended, 0);
      await fixture.job.finish();
      expect(coordinator.lines('SOURCE_')).toEqual([]);
      expect((await fixture.job.partitions()).map(({ stop }) => stop)).toEqual([null, null, null]);
      expect(fixture.valuesOf(fixture.plain)).toEqual(lines(0, 0, sent));
      expect(fixture.valuesOf(fixture.transactional)).toEqual(lines(0, 0, sent));
      const compacted = fixture.valuesOf(fixture.compacted);
      expect(new Set(compacted).size).toBe(compacted.length);
      // The unique keys are never compacted away; of `hot` the last value is there.
      const kept = keyed(0, keys).filter(({ key }) => key !== 'hot');
      expect(compacted).toEqual(expect.arrayContaining(kept.map(({ value }) => String(value))));
    });
  },
  { timeoutMs: 400_000, ownServers: true },
);
