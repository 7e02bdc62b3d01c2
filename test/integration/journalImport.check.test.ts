/** A job moves between journals by an export: it is killed, moved, and goes on; every record once. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { connect } from '@nats-io/transport-node';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { expect, onTestFinished, test } from 'vitest';
import { stringify } from 'yaml';
import { history } from '../../bench/history.ts';
import { makeJournal } from '../../bench/fillJournal.ts';
import { backupPortable } from '../../journal/backup/portable.ts';
import { jobName } from '../../journal/ids.ts';
import { openSqliteJournal } from '../../journal/sqlite/journal.ts';
import { partitionSubject } from '../../journal/subjects.ts';
import { findStream } from '../../journal/jetstream/stream.ts';
import { describeIntegration, services } from '../services/integration.ts';
import { makeTopic, numbers, produce } from './kafkaTopics.ts';
import { committedDigests, expectExactlyOnce, expectUnchanged } from './numbers.ts';
import { expectCode, scratchFolder, TestJob, uniqueName } from './testJob.ts';
import { tidemark, TidemarkProcess, type ProcessEnd } from './tidemarkProcess.ts';

type Kind = 'sqlite' | 'nats';

async function administer<T>(work: (manager: JetStreamManager) => Promise<T>): Promise<T> {
  const connection = await connect({ servers: services().natsUrl });
  try {
    return await work(await jetstreamManager(connection));
  } finally {
    await connection.close();
  }
}

const streamExists = (stream: string): Promise<boolean> =>
  administer(async (manager) => (await findStream(manager, stream)) !== null);

function newStream(): string {
  const stream = uniqueName('IMPORT');
  onTestFinished(() =>
    administer(async (manager) => {
      if ((await findStream(manager, stream)) !== null) await manager.streams.delete(stream);
    }),
  );
  return stream;
}

/** A topic, and one job on it in one folder: its job file names another journal at each call of `on`. */
async function movingJob() {
  const { brokers, natsUrl } = services();
  const topic = uniqueName('import');
  await makeTopic(brokers, topic, { partitions: 2 });
  const folder = scratchFolder();
  let sent = 0;
  return {
    topic,
    folder,
    file: path.join(folder, 'clicks.journal'),
    on(kind: Kind, place = kind === 'nats' ? newStream() : uniqueName('journal')) {
      const journal =
        kind === 'nats'
          ? { nats: { servers: [natsUrl], stream: place } }
          : { sqlite: { path: `${place}/journal.db` } };
      return { place, job: new TestJob({ brokers, topic, folder, sections: { journal } }) };
    },
    async send(count: number) {
      for (const partition of [0, 1]) await produce(brokers, topic, numbers(partition, sent, sent + count));
      sent += count;
      return sent;
    },
    sent: () => [sent, sent],
  };
}

const documentOf = (end: ProcessEnd): object => JSON.parse(end.stdout) as object;

describeIntegration('the import of a journal', () => {
  test.each([
    ['sqlite', 'nats'],
    ['nats', 'sqlite'],
    ['nats', 'nats'],
  ] as const)(
    'from %s to %s: a killed job goes on with it; requests, too; the old journal is told apart',
    async (from, to) => {
      const moving = await movingJob();
      const { topic, file } = moving;
      const before = moving.on(from);
      await moving.send(100);
      const running = before.job.start();
      await running.counted(`${topic}/0`, 100);
      await running.counted(`${topic}/1`, 100);
      expectCode(await before.job.command('roll'), 0);
      const read = await moving.send(100);
      await running.counted(`${topic}/0`, read);
      await running.killed();
      expectCode(await before.job.command('roll', '--no-wait'), 0);
      expectCode(await tidemark(['journal', 'export', before.job.file, file]), 0);
      const original = await before.job.command('audit', '--json');
      expectCode(original, 0);

      const after = moving.on(to);
      const imported = await tidemark(['journal', 'import', after.job.file, file, '--json']);
      expectCode(imported, 0);
      expect(documentOf(imported)).toMatchObject({
        ...{ job: topic, file, partitions: 2, entriesThere: 0 },
        requestsLeftOut: to === 'nats' ? 2 : 0,
      });
      const same = await after.job.command('audit', '--json');
      expectCode(same, 0);
      expect(documentOf(same)).toEqual(documentOf(original));
      const committed = committedDigests(after.job.lake);

      const resumed = after.job.start();
      await moving.send(100);
      await resumed.counted(`${topic}/0`, 300);
      await resumed.counted(`${topic}/1`, 300);
      const rolled = await after.job.command('roll');
      expectCode(rolled, 0);
      expect(rolled.stdout).toContain('2 requests filed: 2 accepted');
      resumed.kill('SIGTERM');
      expectCode(await resumed.ended, 0);
      await after.job.finish();
      expectUnchanged(committed, after.job.lake);
      expectExactlyOnce(after.job.lake, moving.sent());
      expectCode(await after.job.command('audit'), 0);
      const events = await after.job.events({ topic, partition: 0 });
      expect(events.filter(({ type }) => type === 'rollRequested')).toHaveLength(3);

      const stale = await moving.on(from, before.place).job.untilEnd();
      expectCode(stale, 1);
      expect(stale.stderr).toContain('JOURNAL_ROLLED_BACK');
      expectExactlyOnce(after.job.lake, moving.sent());
    },
  );

  test('is refused, nothing written: damage, another job, a journal that is there or used', async () => {
    const moving = await movingJob();
    const { folder, file } = moving;
    const before = moving.on('sqlite');
    await moving.send(50);
    await before.job.finish();
    expectCode(await tidemark(['journal', 'export', before.job.file, file]), 0);
    const whole = readFileSync(file);
    const refused = async (text: string, code = 1, ...args: string[]): Promise<void> => {
      const end = await tidemark(['journal', 'import', path.join(folder, 'job.yaml'), file, ...args]);
      expectCode(end, code);
      expect(end.stderr).toContain(text);
    };
    await refused('REQUEST_REFUSED');

    const { place } = moving.on('nats');
    for (const at of [0, Math.floor(whole.byteLength / 2), whole.byteLength - 1]) {
      const damaged = Uint8Array.from(whole);
      damaged[at]! ^= 1;
      writeFileSync(file, damaged);
      await refused(at === 0 ? 'neither an export nor' : 'JOURNAL_CORRUPT');
      expect(await streamExists(place)).toBe(false);
    }
    writeFileSync(file, whole);
    await refused('holds nothing of the job "another"', 1, '-D', 'job=another');
    expect(await streamExists(place)).toBe(false);

    const { job } = moving.on('nats', place);
    expectCode(await tidemark(['journal', 'import', job.file, file]), 0);
    const running = job.start();
    await running.said('partition claimed', 2);
    await refused('A coordinator of the job');
    running.kill('SIGTERM');
    expectCode(await running.ended, 0);
    await refused('already: a journal is imported into a new stream');

    const database = moving.on('sqlite');
    writeFileSync(file, readFileSync(path.join(folder, before.place, 'journal.db')));
    await refused('is no export');
    expect(existsSync(path.join(folder, database.place, 'journal.db'))).toBe(false);
  });

  test('Ctrl-C in the middle: it ends soon and says what is there; the same command goes on', async () => {
    const { natsUrl } = services();
    const folder = scratchFolder();
    const [stream, job] = [newStream(), jobName(uniqueName('long'))];
    const [file, database] = [path.join(folder, 'long.journal'), path.join(folder, 'journal.db')];
    const partition = { topic: 'clicks', partition: 0 };
    const made = history({ job, partition, entries: 20_000, sinkUri: 'file:///lake' });
    const place = { kind: 'sqlite', path: database, natsUrl, stream } as const;
    await makeJournal(place, new Map([[partitionSubject(job, partition), made]]));
    const old = await openSqliteJournal({ path: database, access: 'read', createIfMissing: false });
    await backupPortable({ journal: old, job, file, force: false, onProgress: () => undefined });
    await old.close();

    const jobFile = path.join(folder, 'job.yaml');
    const source = { file: { path: 'clicks' } };
    const journal = { nats: { servers: [natsUrl], stream } };
    writeFileSync(
      jobFile,
      stringify({ job, source, sink: { path: 'lake' }, bucket: { by: 'none' }, journal }),
    );
    const connection = await connect({ servers: natsUrl });
    const messages = connection.subscribe(`${stream}.>`);
    await connection.flush();
    const importing = new TidemarkProcess(['journal', 'import', jobFile, file]);
    for await (const _ of messages) break;
    importing.kill('SIGINT');
    await connection.close();
    const end = await importing.ended;
    expectCode(end, 130);
    expect(end.stderr).toMatch(/interrupted\. The stream \S+ holds at least \d+ of \d+ entries/);

    const running = await tidemark(['run', jobFile, '--until-end']);
    expectCode(running, 1);
    expect(running.stderr).toContain('JOURNAL_IMPORT_UNFINISHED');
    const again = await tidemark(['journal', 'import', jobFile, file, '--json']);
    expectCode(again, 0);
    const { entries, entriesThere } = documentOf(again) as { entries: number; entriesThere: number };
    expect(entriesThere).toBeGreaterThan(0);
    expect(entriesThere).toBeLessThan(entries);
    expectCode(await tidemark(['journal', 'verify', jobFile]), 0);
  });
});
