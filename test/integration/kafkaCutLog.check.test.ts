/** A log of a real broker that is cut by hand and grows again: the same offsets then mean other records. */
import { cpSync, rmSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { describeIntegration } from '../services/integration.ts';
import { startKafka, type OwnKafka } from '../services/servers.ts';
import { lines, makeTopic, produceSeries } from './kafkaTopics.ts';
import { committedDigests, expectUnchanged } from './numbers.ts';
import { expectCode, TestJob, uniqueName } from './testJob.ts';

const STOPPED = 'the partition is stopped until an operator';
const COMMITTED = 'file committed';

/** Values that are sent under numbers from 0 to 10, from 10 to 20, and again from 10 to 30. */
const [KEPT, LOST, NEW] = [0, 1, 2] as const;

class Fixture {
  readonly kafka: OwnKafka;
  readonly topic = uniqueName('cut');
  readonly job: TestJob;

  constructor(kafka: OwnKafka) {
    this.kafka = kafka;
    const roll = { maxBytes: '64MiB', maxAge: '1h', maxIdle: '300ms' };
    this.job = new TestJob({ brokers: kafka.brokers, topic: this.topic, sections: { roll } });
  }

  get #log(): string {
    return path.join(this.kafka.dataDir, 'data', `${this.topic}-0`);
  }

  get #copy(): string {
    return path.join(this.kafka.dataDir, 'copy');
  }

  async send(series: number, from: number, to: number): Promise<void> {
    await produceSeries(this.kafka.brokers, this.topic, series, from, to);
  }

  /** The log as it was after its first ten records is kept. */
  async begin(): Promise<void> {
    await makeTopic(this.kafka.brokers, this.topic);
    await this.send(KEPT, 0, 10);
    await this.kafka.kill('SIGTERM');
    cpSync(this.#log, this.#copy, { recursive: true });
    await this.kafka.restart();
  }

  async cut(): Promise<void> {
    await this.kafka.kill('SIGKILL');
    rmSync(this.#log, { recursive: true });
    cpSync(this.#copy, this.#log, { recursive: true });
    await this.kafka.restart();
    // Past what was read: nothing of offsets alone tells it any more.
    await this.send(NEW, 10, 30);
  }

  async partition() {
    const [partition] = await this.job.partitions();
    if (partition === undefined) throw new Error('the status names no partition');
    return partition;
  }

  /** Counted from the files alone, by the generation that their names carry. */
  expectEachOnce(): void {
    const files = [...this.job.committed()];
    const of = (isLater: boolean): string[] =>
      files.filter(([name]) => name.endsWith('.g2') === isLater).flatMap(([, values]) => values);
    expect(of(false)).toEqual([...lines(KEPT, 0, 10), ...lines(LOST, 10, 20)]);
    expect(of(true)).toEqual(lines(NEW, 10, 30));
  }
}

async function accept({ job, topic }: Fixture): Promise<void> {
  expectCode(await job.command('accept-truncation', `${topic}/0`, '--from', '10', '--no-wait'), 0);
}

describeIntegration(
  'a log that is cut by hand and grows past what was read',
  () => {
    test('while the service runs: the partition stops; accepted, it continues in the new log', async () => {
      await using kafka = await startKafka();
      const fixture = new Fixture(kafka);
      const { job, topic } = fixture;
      await fixture.begin();
      const coordinator = job.start();
      await coordinator.said(COMMITTED, 1);
      await fixture.send(LOST, 10, 20);
      await coordinator.said(COMMITTED, 2);
      const before = committedDigests(job.lake);
      await fixture.cut();
      await coordinator.said(STOPPED, 1);
      expect(await fixture.partition()).toMatchObject({
        ...{ state: 'stopped', nextOffset: '20' },
        stop: { code: 'SOURCE_TRUNCATED', truncation: { divergedAt: '10' } },
      });
      // Another offset than the one that the stop names is refused.
      await job.command('accept-truncation', `${topic}/0`, '--from', '11');
      await coordinator.said('operator request', 1);
      expect((await fixture.partition()).state).toBe('stopped');
      await accept(fixture);
      await coordinator.said(COMMITTED, 3);
      coordinator.kill('SIGTERM');
      expectCode(await coordinator.ended, 0);
      expectUnchanged(before, job.lake);
      fixture.expectEachOnce();
      const events = await job.events({ topic, partition: 0 });
      expect(events.filter(({ type }) => type === 'logTruncationAccepted')).toHaveLength(1);
    });

    test('while it is down: the next run stops before it reads anything, also a bounded one', async () => {
      await using kafka = await startKafka();
      const fixture = new Fixture(kafka);
      const { job } = fixture;
      await fixture.begin();
      await fixture.send(LOST, 10, 20);
      await job.finish();
      await fixture.cut();
      const bounded = await job.untilEnd();
      expectCode(bounded, 1);
      expect(bounded.stderr).toContain('stopped: SOURCE_TRUNCATED');
      expect(await fixture.partition()).toMatchObject({ state: 'stopped', nextOffset: '20' });
      await accept(fixture);
      await job.finish();
      fixture.expectEachOnce();
    });
  },
  { timeoutMs: 300_000, ownServers: true },
);
