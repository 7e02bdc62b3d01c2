/**
 * What becomes of a job whose JetStream stream is deleted or changed while it runs, and what an idle one asks
 * of the server.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { expect, test } from 'vitest';
import { describeIntegration } from '../services/integration.ts';
import { startNats, type OwnNats } from '../services/servers.ts';
import { expectCode, TestJob } from './testJob.ts';
import type { TidemarkProcess } from './tidemarkProcess.ts';

const STREAM = 'TIDEMARK';
const PARTITIONS = 8;

/** A job over eight files, each a partition, whose lines were read. */
async function idleJob(nats: OwnNats): Promise<{ readonly job: TestJob; readonly run: TidemarkProcess }> {
  const sections = { source: { file: { path: 'lines/*.txt' } } };
  const job = new TestJob({ brokers: [], topic: 'idle', nats: { url: nats.url, stream: STREAM }, sections });
  mkdirSync(path.join(job.folder, 'lines'));
  for (let file = 0; file < PARTITIONS; file += 1)
    writeFileSync(path.join(job.folder, 'lines', `${file}.txt`), `a line of ${file}\n`);
  const run = job.start();
  await run.said('checkpoint completed', PARTITIONS);
  return { job, run };
}

async function administer<T>(nats: OwnNats, work: (jsm: JetStreamManager) => Promise<T>): Promise<T> {
  const connection = await connect({ servers: nats.url });
  try {
    return await work(await jetstreamManager(connection));
  } finally {
    await connection.close();
  }
}

const apiRequests = (nats: OwnNats): Promise<number> =>
  administer(nats, async (jsm) => (await jsm.getAccountInfo()).api.total);

describeIntegration(
  'the JetStream stream of a job that runs',
  () => {
    test('is asked fewer than three times a second for eight idle partitions', async () => {
      await using nats = await startNats();
      await idleJob(nats);
      const [before, sinceMs] = [await apiRequests(nats), performance.now()];
      let [asked, questions, tookS] = [0, 0, 0];
      while (tookS < 8) {
        await delay(1_000);
        questions += 1;
        asked = (await apiRequests(nats)) - before;
        tookS = (performance.now() - sinceMs) / 1_000;
      }
      // The questions of this test count as well.
      expect((asked - questions) / tookS).toBeLessThan(3);
    });

    test('is deleted: each partition halts, and log and status say why', async () => {
      await using nats = await startNats();
      const { job, run } = await idleJob(nats);
      await administer(nats, (jsm) => jsm.streams.delete(STREAM));
      await run.said('the partition is halted', PARTITIONS);
      const [halted] = run.lines('the partition is halted');
      expect(halted).toMatchObject({ code: 'JOURNAL_ROLLED_BACK' });
      expect(halted?.['message']).toMatch(/^The stream TIDEMARK was deleted while this job used it/);
      const status = await job.command('status');
      expect(status.stdout).toMatch(/0\.txt\/0.*halted/);
      expect(status.stdout).toContain('JOURNAL_ROLLED_BACK');
      run.kill('SIGTERM');
      expectCode(await run.ended, 1);
      expect((await job.command('status')).stderr).toContain('JOURNAL_MISSING');
    });

    test('is made to drop old entries: the job ends, as it would not have started', async () => {
      await using nats = await startNats();
      const { job, run } = await idleJob(nats);
      await administer(nats, (jsm) => jsm.streams.update(STREAM, { max_age: 3_600_000_000_000 }));
      const end = await run.ended;
      expectCode(end, 2);
      expect(end.stderr).toMatch(/tidemark: JOURNAL_STREAM_INVALID: .*were changed .*max_age is set/);
      const again = await job.untilEnd();
      expectCode(again, 2);
      expect(again.stderr).toContain('JOURNAL_STREAM_INVALID');
      await administer(nats, (jsm) => jsm.streams.update(STREAM, { max_age: 0 }));
      await job.finish();
      expect([...job.committed().values()].flat()).toHaveLength(PARTITIONS);
    });
  },
  { ownServers: true },
);
