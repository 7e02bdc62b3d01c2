import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { connect } from '@nats-io/transport-node';
import { jetstreamManager } from '@nats-io/jetstream';
import { expect, onTestFinished, test } from 'vitest';
import { findStream } from '../../journal/jetstream/stream.ts';
import { describeIntegration, services } from '../services/integration.ts';
import { makeTopic, numbers, produce } from './kafkaTopics.ts';
import { expectCode, TestJob, uniqueName } from './testJob.ts';
import { tidemark, type ProcessEnd } from './tidemarkProcess.ts';

async function deleteStream(natsUrl: string, stream: string): Promise<void> {
  const connection = await connect({ servers: natsUrl });
  const manager = await jetstreamManager(connection);
  if ((await findStream(manager, stream)) !== null) await manager.streams.delete(stream);
  await connection.close();
}

async function jobOn(journal: 'sqlite' | 'nats') {
  const { brokers, natsUrl } = services();
  const topic = uniqueName('export');
  await makeTopic(brokers, topic);
  const stream = uniqueName('EXPORT');
  if (journal === 'nats') onTestFinished(() => deleteStream(natsUrl, stream));
  const nats = journal === 'nats' ? { nats: { url: natsUrl, stream } } : {};
  const job = new TestJob({ brokers, topic, ...nats });
  return { brokers, topic, job };
}

interface Looked {
  readonly verdict: string;
  readonly findings: readonly { readonly code: string }[];
  readonly partitions: readonly { readonly entries: number; readonly records: { readonly read: number } }[];
}

const documentOf = (end: ProcessEnd): Looked => JSON.parse(end.stdout) as Looked;
const codesOf = (end: ProcessEnd): string[] => [...new Set(documentOf(end).findings.map(({ code }) => code))];

describeIntegration('the export of a journal', () => {
  test.each(['sqlite', 'nats'] as const)(
    '%s: made while the job runs, and read in place of the journal',
    async (journal) => {
      const { brokers, topic, job } = await jobOn(journal);
      const looking = (command: string, file: string, ...args: string[]): Promise<ProcessEnd> =>
        tidemark([...command.split(' '), job.file, ...args, '--journal', file]);
      await produce(brokers, topic, numbers(0, 0, 10));
      const running = job.start();
      await running.counted(`${topic}/0`, 10);
      const early = path.join(job.folder, 'early.export');
      const made = await tidemark(['journal', 'export', job.file, early, '--json']);
      expectCode(made, 0);
      expect(JSON.parse(made.stdout)).toMatchObject({ job: topic, partitions: 1, file: early });
      expectCode(await tidemark(['journal', 'verify', job.file]), 0);
      running.kill('SIGTERM');
      expectCode(await running.ended, 0);
      await produce(brokers, topic, numbers(0, 10, 20));
      await job.finish();
      const [late, backup] = [path.join(job.folder, 'late.export'), path.join(job.folder, 'late.backup')];
      expectCode(await tidemark(['journal', 'export', job.file, late]), 0);
      expectCode(await tidemark(['journal', 'backup', job.file, backup]), 0);

      const live = await tidemark(['audit', job.file, '--json']);
      expectCode(live, 0);
      const timeline = await tidemark(['replay', job.file]);
      for (const file of [late, backup]) {
        const audited = await looking('audit', file, '--json');
        expectCode(audited, 0);
        expect(documentOf(audited)).toEqual({ ...documentOf(live), journalFile: file });
        const verified = await looking('journal verify', file, '--json');
        expectCode(verified, 0);
        expect(documentOf(verified).partitions).toEqual(documentOf(live).partitions);
        expect((await looking('replay', file)).stdout).toBe(timeline.stdout);
        expect((await looking('explain', file, `${topic}/0@15`)).stdout).toContain('records at offsets');
      }

      const older = await looking('audit', early, '--json');
      expectCode(older, 1);
      expect(codesOf(older)).toContain('WITNESS_DIFFERS');
      expect((await looking('audit', early)).stdout).toContain('What was journaled after it was written');
      const before = await looking('journal verify', early, '--json');
      expectCode(before, 0);
      expect(documentOf(before).partitions[0]).toMatchObject({ records: { read: 10 } });
    },
  );

  test('sqlite: a file that is cut, changed, or another one is refused, and nothing is written', async () => {
    const { brokers, topic, job } = await jobOn('sqlite');
    await produce(brokers, topic, numbers(0, 0, 10));
    await job.finish();
    const file = path.join(job.folder, 'journal.export');
    expectCode(await tidemark(['journal', 'export', job.file, file]), 0);
    const whole = readFileSync(file);
    const changed = Uint8Array.from(whole);
    changed[Math.floor(whole.byteLength / 2)]! ^= 4;
    const harms = [
      whole.subarray(0, whole.byteLength - 100),
      changed,
      readFileSync(job.file),
      Buffer.alloc(0),
    ];
    const codes = ['JOURNAL_CORRUPT', 'JOURNAL_CORRUPT', 'REQUEST_REFUSED', 'REQUEST_REFUSED'];
    const folder = mkdtempSync(path.join(job.folder, 'harmed-'));
    for (const [index, harm] of harms.entries()) {
      writeFileSync(path.join(folder, 'harmed'), harm);
      for (const command of [['audit'], ['journal', 'verify'], ['replay']]) {
        const end = await tidemark([...command, job.file, '--journal', path.join(folder, 'harmed')]);
        expectCode(end, 1);
        expect(end.stderr).toContain(codes[index]);
      }
    }
    expect(readdirSync(folder)).toEqual(['harmed']);

    expectCode(await tidemark(['journal', 'export', job.file, file]), 1);
    expect(readFileSync(file).equals(whole)).toBe(true);
    expectCode(await tidemark(['journal', 'export', job.file, file, '--force']), 0);
    const database = readFileSync(job.sqliteFile);
    expectCode(await tidemark(['journal', 'export', job.file, job.sqliteFile, '--force']), 1);
    expect(readFileSync(job.sqliteFile).equals(database)).toBe(true);

    renameSync(path.dirname(job.sqliteFile), path.join(job.folder, 'away'));
    const missing = await tidemark(['journal', 'verify', job.file]);
    expectCode(missing, 1);
    expect(missing.stderr).toContain('JOURNAL_MISSING');
    expectCode(await tidemark(['journal', 'verify', job.file, '--journal', file]), 0);
    rmSync(path.join(job.folder, 'away'), { recursive: true });
  });
});
