import { cpSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { connect } from '@nats-io/transport-node';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { expect, onTestFinished, test } from 'vitest';
import { findStream } from '../../journal/jetstream/stream.ts';
import { describeIntegration, services } from '../services/integration.ts';
import { lines, makeTopic, numbers, produce } from './kafkaTopics.ts';
import { committedDigests } from './numbers.ts';
import { expectCode, scratchFolder, TestJob, uniqueName } from './testJob.ts';

async function managed<T>(natsUrl: string, work: (manager: JetStreamManager) => Promise<T>): Promise<T> {
  const connection = await connect({ servers: natsUrl });
  try {
    return await work(await jetstreamManager(connection));
  } finally {
    await connection.close();
  }
}

/** Also where it is gone already. */
const deleteStream = (natsUrl: string, stream: string): Promise<boolean> =>
  managed(
    natsUrl,
    async (manager) => (await findStream(manager, stream)) !== null && manager.streams.delete(stream),
  );

/** A stream of the test's own, gone at its end. */
function ownStream(natsUrl: string): string {
  const stream = uniqueName('WITNESS');
  onTestFinished(async () => {
    await deleteStream(natsUrl, stream);
  });
  return stream;
}

/** A topic of ten records; `journal` says where the job keeps its journal. */
async function tenRecords(journal: 'sqlite' | 'nats') {
  const { brokers, natsUrl } = services();
  const topic = uniqueName('witness');
  await makeTopic(brokers, topic);
  await produce(brokers, topic, numbers(0, 0, 10));
  const stream = ownStream(natsUrl);
  const nats = journal === 'nats' ? { nats: { url: natsUrl, stream } } : {};
  return { brokers, natsUrl, topic, stream, options: { brokers, topic, ...nats } };
}

/** The journal is gone, as if it had been lost. */
async function loseJournal(job: TestJob, journal: 'sqlite' | 'nats', stream: string): Promise<void> {
  if (journal === 'nats') await deleteStream(services().natsUrl, stream);
  else rmSync(path.dirname(job.sqliteFile), { recursive: true });
}

describeIntegration('a journal that is gone', () => {
  test.each(['sqlite', 'nats'] as const)(
    '%s, under a destination that it wrote to: refused, named, and nothing is written',
    async (journal) => {
      const { brokers, topic, stream, options } = await tenRecords(journal);
      const job = new TestJob(options);
      await job.finish();
      const before = committedDigests(job.lake);
      await loseJournal(job, journal, stream);
      await produce(brokers, topic, numbers(0, 10, 20));
      const end = await job.untilEnd();
      expectCode(end, 1);
      expect(end.stderr).toContain(
        `tidemark: JOURNAL_MISSING: The journal of job "${topic}" is missing, but the destination`,
      );
      expect(end.stderr).toContain('Restore the journal');
      expect(committedDigests(job.lake)).toEqual(before);
      // Refused before it was made: the next start does not find an empty one.
      const again = await job.untilEnd();
      expect(again.stderr).toContain('JOURNAL_MISSING');
    },
  );

  test('under a group that it committed offsets of: refused although the destination is empty', async () => {
    const { topic, stream, options } = await tenRecords('sqlite');
    const job = new TestJob(options);
    await job.finish();
    await loseJournal(job, 'sqlite', stream);
    rmSync(job.lake, { recursive: true });
    const end = await job.untilEnd();
    expectCode(end, 1);
    expect(end.stderr).toContain(
      `JOURNAL_MISSING: The journal of job "${topic}" is missing, but group ${topic} at ${topic}/0`,
    );
    expect(job.committed().size).toBe(0);
  });
});

describeIntegration('a journal that is another one', () => {
  test.each(['sqlite', 'nats'] as const)(
    '%s: refused, both named, and nothing is written',
    async (journal) => {
      const { brokers, topic, stream, options } = await tenRecords(journal);
      const job = new TestJob(options);
      await job.finish();
      const before = committedDigests(job.lake);
      await loseJournal(job, journal, stream);
      // Somebody else's job makes a journal in its place.
      const folder = scratchFolder();
      const other = new TestJob({ ...options, topic: uniqueName('other'), topics: [topic], folder });
      await other.finish();
      if (journal === 'sqlite')
        cpSync(path.dirname(other.sqliteFile), path.dirname(job.sqliteFile), { recursive: true });
      await produce(brokers, topic, numbers(0, 10, 20));
      const end = await job.untilEnd();
      expectCode(end, 1);
      expect(end.stderr).toContain('tidemark: JOURNAL_REPLACED: ');
      expect(end.stderr).toContain((await other.status()).journal.id);
      expect(committedDigests(job.lake)).toEqual(before);
    },
  );
});

describeIntegration('a journal that was restored from an older copy', () => {
  test('its partition stops with JOURNAL_ROLLED_BACK and exit 1; the newest journal continues', async () => {
    const { brokers, topic, options } = await tenRecords('sqlite');
    const job = new TestJob(options);
    const journal = path.dirname(job.sqliteFile);
    const [older, newest] = [scratchFolder(), scratchFolder()];
    await job.finish();
    cpSync(journal, older, { recursive: true });
    await produce(brokers, topic, numbers(0, 10, 20));
    await job.finish();
    const before = committedDigests(job.lake);
    cpSync(journal, newest, { recursive: true });

    const restore = (copy: string): void => {
      rmSync(journal, { recursive: true });
      mkdirSync(journal);
      cpSync(copy, journal, { recursive: true });
    };
    restore(older);
    await produce(brokers, topic, numbers(0, 20, 30));
    const bounded = await job.untilEnd();
    expectCode(bounded, 1);
    expect(bounded.stderr).toContain(`tidemark: ${topic}/0 stopped: JOURNAL_ROLLED_BACK: `);
    expect(committedDigests(job.lake)).toEqual(before);

    restore(newest);
    await job.finish();
    expect([...job.committed().values()].flat()).toEqual(lines(0, 0, 30));
  });
});

describeIntegration('a job whose groupId was changed', () => {
  test('is refused with exit 2, both groups named, and continues with its own', async () => {
    const { brokers, topic, options } = await tenRecords('sqlite');
    const job = new TestJob(options);
    await job.finish();
    await produce(brokers, topic, numbers(0, 10, 20));
    const end = await job.untilEnd('-D', 'source.kafka.groupId=another');
    expectCode(end, 2);
    expect(end.stderr).toContain(
      `GROUP_CHANGED: The job "${topic}" was started with group "${topic}" and is now configured with ` +
        '"another"',
    );
    expect([...job.committed().values()].flat()).toEqual(lines(0, 0, 10));
    await job.finish();
    expect([...job.committed().values()].flat()).toEqual(lines(0, 0, 20));
  });
});
