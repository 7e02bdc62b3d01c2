/**
 * A journal that is put back to an older copy where the group remembers nothing any more: with the real
 * command and a real Kafka.
 */
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { describeIntegration, services } from '../services/integration.ts';
import { lines, makeTopic, numbers, produce, withAdmin } from './kafkaTopics.ts';
import { committedDigests } from './numbers.ts';
import { expectCode, scratchFolder, TestJob, uniqueName } from './testJob.ts';

/** A claim looks for a later one for ten seconds before it says that the journal went back. */
vi.setConfig({ testTimeout: 180_000 });

describeIntegration('an older journal under a group that was deleted, as one that expired is', () => {
  test('with entropy: the witness at the destination stops the partition, nothing is doubled', async () => {
    const { brokers } = services();
    const topic = uniqueName('expired');
    await makeTopic(brokers, topic);
    await produce(brokers, topic, numbers(0, 0, 10));
    const sink = { path: 'lake/_entropy_', entropy: { key: '_entropy_', length: 6 } };
    const job = new TestJob({ brokers, topic, sections: { sink } });
    const [journal, older] = [path.dirname(job.sqliteFile), scratchFolder()];
    await job.finish();
    cpSync(journal, older, { recursive: true });
    await produce(brokers, topic, numbers(0, 10, 20));
    await job.finish();
    const before = committedDigests(job.lake);
    rmSync(journal, { recursive: true });
    mkdirSync(journal);
    cpSync(older, journal, { recursive: true });
    await withAdmin(brokers, (admin) => admin.deleteGroups([topic]));
    const end = await job.untilEnd();
    expectCode(end, 1);
    expect(end.stderr).toContain(`tidemark: ${topic}/0 stopped: JOURNAL_ROLLED_BACK: `);
    expect(end.stderr).toContain('The offsets [10, 20) would be read again.');
    expect(committedDigests(job.lake)).toEqual(before);
  });
});

describeIntegration('the answers to an older journal, where records were in no committed file', () => {
  /**
   * Ten records committed, of which the journal is kept; ten only counted, by a service that is killed once
   * the group knows of them; ten more.
   */
  async function wentBackWithLoss(): Promise<{ readonly job: TestJob; readonly topic: string }> {
    const { brokers } = services();
    const topic = uniqueName('lost');
    await makeTopic(brokers, topic);
    await produce(brokers, topic, numbers(0, 0, 10));
    const roll = { maxBytes: '64MiB', maxAge: '1h', maxIdle: '1h' };
    const job = new TestJob({ brokers, topic, sections: { roll } });
    const [journal, older] = [path.dirname(job.sqliteFile), scratchFolder()];
    await job.finish();
    cpSync(journal, older, { recursive: true });
    await produce(brokers, topic, numbers(0, 10, 20));
    const run = job.start();
    await run.said('checkpoint completed');
    await withAdmin(brokers, async (admin) => {
      const told = async (): Promise<string | undefined> =>
        (await admin.fetchOffsets({ groupId: topic, topics: [topic] }))[0]?.partitions[0]?.offset;
      while ((await told()) !== '20');
    });
    run.kill('SIGKILL');
    await run.ended;
    rmSync(journal, { recursive: true });
    mkdirSync(journal);
    cpSync(older, journal, { recursive: true });
    await produce(brokers, topic, numbers(0, 20, 30));
    const end = await job.untilEnd();
    expectCode(end, 1);
    expect(end.stderr).toContain('The offsets [10, 20) would be read again.');
    return { job, topic };
  }

  const records = (job: TestJob): string[] => [...job.committed().values()].flat().sort();
  const answered = async (job: TestJob, topic: string): Promise<unknown> =>
    (await job.events({ topic, partition: 0 })).find(({ type }) => type === 'witnessAnswered');

  test('from the witness: these are lost, only with --accept-loss, and reading continues after', async () => {
    const { job, topic } = await wentBackWithLoss();
    const request = ['--partition', `${topic}/0`, '--from-witness'];
    expectCode(await job.command('resume', ...request, '--no-wait'), 0);
    const refused = await job.untilEnd();
    expectCode(refused, 1);
    expect(refused.stderr).toContain('continues at offset 20 and gives up what of [10, 20)');
    expect(records(job)).toEqual(lines(0, 0, 10).sort());
    expectCode(await job.command('resume', ...request, '--accept-loss', '--no-wait'), 0);
    await job.finish();
    expect(records(job)).toEqual([...lines(0, 0, 10), ...lines(0, 20, 30)].sort());
    const loss = { fromOffset: 10n, toOffset: 20n };
    expect(await answered(job, topic)).toMatchObject({ answer: 'from-witness', loss });
  });

  test('from the journal: every record once', async () => {
    const { job, topic } = await wentBackWithLoss();
    expectCode(await job.command('resume', '--partition', `${topic}/0`, '--from-journal', '--no-wait'), 0);
    await job.finish();
    expect(records(job)).toEqual(lines(0, 0, 30).sort());
    expect(await answered(job, topic)).toMatchObject({ answer: 'from-journal', loss: null });
  });
});
