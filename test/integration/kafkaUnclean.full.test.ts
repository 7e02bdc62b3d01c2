/**
 * Elections that lose records, in a real cluster: a follower that lags becomes the leader, with a shorter log
 * and a later leader epoch, and other records get the offsets of those that were read. The one-broker twin is
 * kafkaCutLog.check.test.ts.
 */
import { expect, test } from 'vitest';
import { describeIntegration } from '../services/integration.ts';
import { KafkaCluster } from '../services/kafkaCluster.ts';
import { lines, produceSeries } from './kafkaTopics.ts';
import { committedDigests, expectUnchanged } from './numbers.ts';
import { expectCode, TestJob, uniqueName } from './testJob.ts';
import type { TidemarkProcess } from './tidemarkProcess.ts';

const STOPPED = 'the partition is stopped until an operator';
const COMMITTED = 'file committed';

/** Node ids. The third node is the controller, and lives. */
const [LEADER, FOLLOWER] = [2, 3] as const;

/**
 * Values that are sent as 0 to 10, as 10 to 20 to the leader alone, and as 10 to 30 to the follower that then
 * leads.
 */
const [KEPT, LOST, NEW, LATER] = [0, 1, 2, 3] as const;

class Fixture {
  readonly cluster: KafkaCluster;
  readonly topic = uniqueName('unclean');
  readonly job: TestJob;

  constructor(cluster: KafkaCluster) {
    this.cluster = cluster;
    const roll = { maxBytes: '64MiB', maxAge: '1h', maxIdle: '300ms' };
    this.job = new TestJob({ brokers: cluster.brokers, topic: this.topic, sections: { roll } });
  }

  async send(series: number, from: number, to: number): Promise<void> {
    await produceSeries(this.cluster.brokers, this.topic, series, from, to);
  }

  async begin(): Promise<void> {
    const config = { 'unclean.leader.election.enable': 'true', 'min.insync.replicas': '1' };
    await this.cluster.createTopic({
      topic: this.topic,
      replicaAssignment: [{ partition: 0, replicas: [LEADER, FOLLOWER] }],
      configEntries: Object.entries(config).map(([name, value]) => ({ name, value })),
    });
    await this.send(KEPT, 0, 10);
  }

  /** From now on the leader alone has what is sent. */
  async lag(): Promise<void> {
    await this.cluster.node(FOLLOWER).kill('SIGTERM');
    await this.cluster.until(this.topic, 'without its follower', ({ isr }) => String(isr) === String(LEADER));
  }

  /** The one that leads dies, and the other one leads with what it has. */
  async elect(from: number, to: number): Promise<void> {
    await this.cluster.node(from).kill('SIGKILL');
    await this.cluster.node(to).restart();
    await this.cluster.untilLedBy(this.topic, to);
  }

  async accept(from: number): Promise<void> {
    const args = [`${this.topic}/0`, '--from', String(from), '--no-wait'];
    expectCode(await this.job.command('accept-truncation', ...args), 0);
  }

  async expectStopped(divergedAt: number, nextOffset: number): Promise<void> {
    expect((await this.job.partitions())[0]).toMatchObject({
      ...{ state: 'stopped', nextOffset: String(nextOffset) },
      stop: { code: 'SOURCE_TRUNCATED', truncation: { divergedAt: String(divergedAt) } },
    });
  }

  /** Counted from the files alone, by the generation that their names carry. */
  ofGeneration(generation: number): readonly string[] {
    const generationOf = (name: string): number => Number(/\.g(\d+)$/.exec(name)?.[1] ?? 1);
    return [...this.job.committed()].flatMap(([name, values]) =>
      generationOf(name) === generation ? values : [],
    );
  }
}

async function ended(coordinator: TidemarkProcess): Promise<void> {
  coordinator.kill('SIGTERM');
  expectCode(await coordinator.ended, 0);
}

describeIntegration(
  'an unclean leader election',
  () => {
    test('while the service runs: it stops, continues if accepted, stops for the old leader', async () => {
      await using cluster = await KafkaCluster.start({ controllers: 1 });
      const fixture = new Fixture(cluster);
      await fixture.begin();
      const coordinator = fixture.job.start();
      await coordinator.said(COMMITTED, 1);
      await fixture.lag();
      await fixture.send(LOST, 10, 20);
      await coordinator.said(COMMITTED, 2);
      const first = committedDigests(fixture.job.lake);
      await fixture.elect(LEADER, FOLLOWER);
      await fixture.send(NEW, 10, 30);
      await coordinator.said(STOPPED, 1);
      await fixture.expectStopped(10, 20);
      expect(committedDigests(fixture.job.lake)).toEqual(first);
      await fixture.accept(10);
      await coordinator.said(COMMITTED, 3);
      const second = committedDigests(fixture.job.lake);
      expect([fixture.ofGeneration(1), fixture.ofGeneration(2)]).toEqual([
        [...lines(KEPT, 0, 10), ...lines(LOST, 10, 20)],
        lines(NEW, 10, 30),
      ]);

      // Its log never heard of the leader epoch in which 10 to 30 were read, and ends before 30.
      await fixture.elect(FOLLOWER, LEADER);
      await fixture.send(LATER, 20, 50);
      await coordinator.said(STOPPED, 2);
      await fixture.expectStopped(10, 30);
      await fixture.accept(10);
      await coordinator.said(COMMITTED, 4);
      await ended(coordinator);
      expectUnchanged(second, fixture.job.lake);
      expect(fixture.ofGeneration(2)).toEqual(lines(NEW, 10, 30));
      expect(fixture.ofGeneration(3)).toEqual([...lines(LOST, 10, 20), ...lines(LATER, 20, 50)]);
    });

    test('while it is down: the next run stops before it reads, also if the old leader follows', async () => {
      await using cluster = await KafkaCluster.start({ controllers: 1 });
      const fixture = new Fixture(cluster);
      await fixture.begin();
      await fixture.lag();
      await fixture.send(LOST, 10, 20);
      await fixture.job.finish();
      const before = committedDigests(fixture.job.lake);
      await fixture.elect(LEADER, FOLLOWER);
      await fixture.send(NEW, 10, 30);
      await cluster.node(LEADER).restart();
      await cluster.untilInSync(fixture.topic);
      const bounded = await fixture.job.untilEnd();
      expectCode(bounded, 1);
      expect(bounded.stderr).toContain('stopped: SOURCE_TRUNCATED');
      await fixture.expectStopped(10, 20);
      expect(committedDigests(fixture.job.lake)).toEqual(before);
      await fixture.accept(10);
      await fixture.job.finish();
      expectUnchanged(before, fixture.job.lake);
      expect([fixture.ofGeneration(1), fixture.ofGeneration(2)]).toEqual([
        [...lines(KEPT, 0, 10), ...lines(LOST, 10, 20)],
        lines(NEW, 10, 30),
      ]);
    });
  },
  { timeoutMs: 300_000, ownServers: true },
);
