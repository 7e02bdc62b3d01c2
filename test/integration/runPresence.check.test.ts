/**
 * What `status` sees of those who run, of those who are halted, and of what is away; and what an operator is
 * answered.
 */
import { cpSync } from 'node:fs';
import { expect, test } from 'vitest';
import { describeIntegration, services } from '../services/integration.ts';
import { makeTopic, numbers, produce, withAdmin, withProducer } from './kafkaTopics.ts';
import { expectCode, TestJob, uniqueName, type StatusDocument } from './testJob.ts';

async function statusOf(job: TestJob, ...args: string[]): Promise<StatusDocument> {
  const end = await job.command('status', '--json', ...args);
  expectCode(end, 0);
  return JSON.parse(end.stdout) as StatusDocument;
}

describeIntegration('a coordinator that runs', () => {
  test.each(['sqlite', 'nats'] as const)(
    'is seen by status while it lives, with what answers it; afterwards nobody answers a request (%s)',
    async (kind) => {
      const { brokers, natsUrl } = services();
      const topic = uniqueName('presence');
      await makeTopic(brokers, topic, { partitions: 2 });
      await produce(brokers, topic, [...numbers(0, 0, 10), ...numbers(1, 0, 10)]);
      const nats = kind === 'nats' ? { nats: { url: natsUrl } } : {};
      const job = new TestJob({ brokers, topic, ...nats });
      const coordinator = job.start();
      await coordinator.said('checkpoint completed', 2);
      // Kept at the start, and again when an operator is answered: the one found is current.
      const asked = await job.command('roll', '--json');
      expectCode(asked, 0);
      const live = await statusOf(job);
      expect(live.coordinators).toMatchObject([
        {
          ...{ pid: coordinator.pid, isLive: true, conditions: [] },
          partitions: [
            { name: `${topic}/0`, state: 'running' },
            { name: `${topic}/1`, state: 'running' },
          ],
        },
      ]);
      expect(live.dependencies).toMatchObject([
        { name: 'source', state: 'ok' },
        { name: 'journal', state: 'ok' },
        { name: 'destination', state: 'ok' },
      ]);
      coordinator.kill('SIGTERM');
      expectCode(await coordinator.ended, 0);
      expect((await statusOf(job)).coordinators).toEqual([]);
      const silent = await job.command('roll', '--timeout', '500ms');
      expectCode(silent, 3);
      expect(silent.stderr).toContain('no coordinator is running; the request stays filed');
      expect(silent.stdout).toContain('2 requests filed: 0 accepted, 0 refused, 2 without an answer');
    },
  );

  test("an open transaction is no lag of 0; a group's offset that somebody moved is reported", async () => {
    const { brokers } = services();
    const topic = uniqueName('presence');
    await makeTopic(brokers, topic);
    await produce(brokers, topic, numbers(0, 0, 10));
    const job = new TestJob({ brokers, topic });
    await job.finish();
    await withAdmin(brokers, (admin) =>
      admin.setOffsets({ groupId: topic, topic, partitions: [{ partition: 0, offset: '3' }] }),
    );
    const options = { idempotent: true, maxInFlightRequests: 1, transactionalId: topic };
    await withProducer(
      brokers,
      async (producer) => {
        const transaction = await producer.transaction();
        await transaction.send({ topic, messages: numbers(0, 10, 14) });
        const document = await statusOf(job);
        expect(document.partitions).toMatchObject([
          {
            nextOffset: '10',
            lag: '0',
            heldBack: '4',
            group: { offset: '3', hasWitness: false },
            owner: null,
          },
        ]);
        const { stdout } = await job.command('status');
        expect(stdout).toMatch(new RegExp(`${topic}/0 +settled +1 +10 +0 \\+ 4 open `));
        expect(stdout).toContain('4 offsets wait for the end of an open transaction');
        expect(stdout).toContain("the group's offset is 3, the journal's 10: it was set by another program");
        expect(stdout).toContain('no coordinator is running');
        await transaction.abort();
      },
      options,
    );
  });
});

describeIntegration('a partition whose journal went back', () => {
  test('is halted for all to see, and refuses to be resumed while its cause is there', async () => {
    const { brokers } = services();
    const topic = uniqueName('halted');
    await makeTopic(brokers, topic);
    await produce(brokers, topic, numbers(0, 0, 10));
    const job = new TestJob({ brokers, topic });
    await job.finish();
    const copy = `${job.sqliteFile}.copy`;
    cpSync(job.sqliteFile, copy);
    await produce(brokers, topic, numbers(0, 10, 20));
    await job.finish();
    cpSync(copy, job.sqliteFile);

    const coordinator = job.start();
    await coordinator.said('the partition is halted');
    const resumed = await job.command('resume', '--partition', `${topic}/0`);
    expectCode(resumed, 1);
    expect(resumed.stdout).toContain('is refused: Its cause is still there: JOURNAL_ROLLED_BACK: ');
    const rolled = await job.command('roll');
    expectCode(rolled, 1);
    expect(rolled.stdout).toContain('The partition is halted (JOURNAL_ROLLED_BACK): mend its cause');
    const { partitions, coordinators } = await statusOf(job);
    expect(partitions).toMatchObject([{ state: 'halted', stop: { code: 'JOURNAL_ROLLED_BACK' } }]);
    expect(coordinators[0]?.partitions).toEqual([
      { topic, partition: 0, name: `${topic}/0`, state: 'halted' },
    ]);
    const text = await job.command('status');
    expect(text.stdout).toContain(`${topic}/0 halted: JOURNAL_ROLLED_BACK: `);
    expect(text.stdout).toContain(`tidemark resume ${job.file} --partition ${topic}/0`);
    coordinator.kill('SIGTERM');
    expectCode(await coordinator.ended, 1);
  });
});
