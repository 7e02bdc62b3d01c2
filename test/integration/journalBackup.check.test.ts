import { mkdirSync, renameSync } from 'node:fs';
import path from 'node:path';
import { connect } from '@nats-io/transport-node';
import { jetstreamManager } from '@nats-io/jetstream';
import { expect, onTestFinished, test } from 'vitest';
import { findStream } from '../../journal/jetstream/stream.ts';
import { describeIntegration, services } from '../services/integration.ts';
import { lines, makeTopic, numbers, produce } from './kafkaTopics.ts';
import { committedDigests } from './numbers.ts';
import { expectCode, TestJob, uniqueName } from './testJob.ts';
import { tidemark } from './tidemarkProcess.ts';

async function deleteStream(natsUrl: string, stream: string): Promise<void> {
  const connection = await connect({ servers: natsUrl });
  const manager = await jetstreamManager(connection);
  if ((await findStream(manager, stream)) !== null) await manager.streams.delete(stream);
  await connection.close();
}

/** A job of its own, and how its journal is put away as an operator does before a restore. */
async function backedUpJob(journal: 'sqlite' | 'nats') {
  const { brokers, natsUrl } = services();
  const topic = uniqueName('backup');
  await makeTopic(brokers, topic);
  const stream = uniqueName('BACKUP');
  if (journal === 'nats') onTestFinished(() => deleteStream(natsUrl, stream));
  const job = new TestJob({
    brokers,
    topic,
    ...(journal === 'nats' ? { nats: { url: natsUrl, stream } } : {}),
  });
  const putAway = async (): Promise<void> => {
    if (journal === 'nats') return deleteStream(natsUrl, stream);
    const away = path.join(job.folder, uniqueName('away'));
    mkdirSync(away);
    renameSync(path.dirname(job.sqliteFile), path.join(away, 'journal'));
  };
  return { brokers, topic, job, putAway };
}

describeIntegration('the backup of a journal', () => {
  test.each(['sqlite', 'nats'] as const)(
    '%s: made while the job runs; the newest one continues, an older one stops before it publishes anything',
    async (journal) => {
      const { brokers, topic, job, putAway } = await backedUpJob(journal);
      const backup = path.join(job.folder, 'one.backup');
      await produce(brokers, topic, numbers(0, 0, 10));
      const running = job.start();
      await running.said('checkpoint completed');
      const made = await tidemark(['journal', 'backup', job.file, backup, '--json']);
      expectCode(made, 0);
      expect(JSON.parse(made.stdout)).toMatchObject({ job: topic, partitions: 1, file: backup });
      expectCode(await tidemark(['journal', 'backup', job.file, backup]), 1);
      running.kill('SIGTERM');
      expectCode(await running.ended, 0);

      await produce(brokers, topic, numbers(0, 10, 20));
      await job.finish();
      const newest = path.join(job.folder, 'two.backup');
      expectCode(await tidemark(['journal', 'backup', job.file, newest]), 0);
      expectCode(await tidemark(['journal', 'restore', job.file, newest]), 1);
      const before = committedDigests(job.lake);

      await putAway();
      const restored = await tidemark(['journal', 'restore', job.file, backup]);
      expectCode(restored, 0);
      expect(restored.stdout).toContain('every hash as it should be');
      await produce(brokers, topic, numbers(0, 20, 30));
      const older = await job.untilEnd();
      expectCode(older, 1);
      expect(older.stderr).toContain('JOURNAL_ROLLED_BACK');
      expect(committedDigests(job.lake)).toEqual(before);

      await putAway();
      expectCode(await tidemark(['journal', 'restore', job.file, newest]), 0);
      await job.finish();
      expect([...job.committed().values()].flat()).toEqual(lines(0, 0, 30));
    },
  );
});
