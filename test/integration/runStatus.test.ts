import { expect, test } from 'vitest';
import { describeIntegration, services } from '../services/integration.ts';
import { makeTopic, numbers, produce } from './kafkaTopics.ts';
import { expectCode, TestJob, uniqueName, type StatusDocument } from './testJob.ts';

const AWAY = 'source.kafka.brokers=[127.0.0.1:1]';

/**
 * A job on each kind of journal, with a coordinator that holds ten records of each of two partitions in open
 * files.
 */
async function running(journal: 'sqlite' | 'nats') {
  const { brokers, natsUrl } = services();
  const topic = uniqueName('status');
  await makeTopic(brokers, topic, { partitions: 2 });
  await produce(brokers, topic, [...numbers(0, 0, 10), ...numbers(1, 0, 10)]);
  const job = new TestJob({ brokers, topic, ...(journal === 'nats' ? { nats: { url: natsUrl } } : {}) });
  const coordinator = job.start();
  await coordinator.said('checkpoint completed', 2);
  return { brokers, topic, job, coordinator };
}

describeIntegration('tidemark status', () => {
  test.each(['sqlite', 'nats'] as const)(
    'while the coordinator runs and after it, from the %s journal',
    async (kind) => {
      const { brokers, topic, job, coordinator } = await running(kind);
      const partsOf = (partition: number) => [
        {
          ...{ state: 'inProgress', length: 40, records: 10, firstOffset: '0', lastOffset: '9' },
          partId: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
          finalUri: `file://${job.lake}/part-${topic}-${partition}-00000000000000000000`,
          temporaryUri: expect.stringContaining('/.tidemark-') as string,
        },
      ];
      const active = (partition: number) => ({
        ...{
          topic,
          partition,
          state: 'active',
          epoch: 1,
          nextOffset: '10',
          lag: '0',
          recordsRead: 10,
          recordsSkipped: 0,
        },
        ...{ stop: null, committedFiles: 0 },
        buckets: [{ bucket: '', state: 'active', parts: partsOf(partition) }],
      });
      const during = await job.command('status', '--json');
      expectCode(during, 0);
      // Parsed whole: anything else on standard output would not parse.
      const document = JSON.parse(during.stdout) as StatusDocument;
      expect(document).toMatchObject({ job: topic, journal: { kind }, partitions: [active(0), active(1)] });
      expect(document.partitions[0]).toMatchObject({
        ...active(0),
        heldBack: '0',
        proposals: [],
        refusal: null,
      });
      expect(during.stderr).toBe('');

      coordinator.kill('SIGTERM');
      expectCode(await coordinator.ended, 0);
      await produce(brokers, topic, numbers(0, 10, 25));
      const after = await job.command('status');
      expectCode(after, 0);
      expect(after.stdout).toMatch(new RegExp(`${topic}/0 +active +1 +10 +15 +10 +0 +1 +0\n`));
      expect(after.stdout).toMatch(new RegExp(`part-${topic}-0-0{20} +inProgress +10 +40 B +0 to 9\n`));
      await job.finish();
      const [finished] = await job.partitions();
      expect(finished).toMatchObject({
        state: 'settled',
        epoch: 2,
        nextOffset: '25',
        lag: '0',
        recordsRead: 25,
        committedFiles: 2,
      });
    },
  );

  test('shows the journal with lag - where Kafka does not answer', async () => {
    const { topic, job } = await running('sqlite');
    const text = await job.command('status', '-D', AWAY);
    expectCode(text, 0);
    expect(text.stdout).toMatch(new RegExp(`${topic}/1 +active +1 +10 +- +10 +0 +1 +0\n`));
    const json = await job.command('status', '--json', '-D', AWAY);
    expectCode(json, 0);
    expect((JSON.parse(json.stdout) as StatusDocument).partitions.map(({ lag }) => lag)).toEqual([
      null,
      null,
    ]);
  });

  test('of a job that never ran fails with exit 1; with --json it prints one document', async () => {
    const { brokers } = services();
    const job = new TestJob({ brokers, topic: uniqueName('never') });
    const end = await job.command('status', '--json');
    expectCode(end, 1);
    expect(JSON.parse(end.stdout)).toMatchObject({ error: { code: 'JOURNAL_MISSING' } });
    expect(end.stderr).toContain('JOURNAL_MISSING');
  });
});
