/**
 * Jobs that read files, and whose journal is put back to an older copy, or whose sink is not there: with the
 * real command.
 */
import { appendFileSync, cpSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { inTier } from '../../scripts/testTiers.ts';
import { committedDigests } from './numbers.ts';
import { expectCode, TestJob } from './testJob.ts';

/** A claim looks for a later one for ten seconds before it says that the journal went back. */
vi.setConfig({ testTimeout: 180_000 });

const NAME = 'lines';

/** What became of the service whose journal is put back. A run of a minute each. */
type How = 'killed' | 'went on';
const HOWS = inTier<readonly How[]>({ test: ['went on'], check: ['went on'], full: ['killed', 'went on'] });

const linesOf = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, index) => `line ${from + index}\n`).join('');

/**
 * A job over one file of a hundred lines. What differs from run to run would make other names for the same
 * records.
 */
function linesJob(sections: Readonly<Record<string, unknown>> = {}): TestJob {
  const job = new TestJob({
    brokers: [],
    topic: NAME,
    sections: { source: { file: { path: 'lines.txt' } }, ...sections },
  });
  writeFileSync(path.join(job.folder, 'lines.txt'), linesOf(0, 100));
  return job;
}

const append = (job: TestJob, from: number, to: number): void => {
  appendFileSync(path.join(job.folder, 'lines.txt'), linesOf(from, to));
};

const journalFolder = (job: TestJob): string => path.dirname(job.sqliteFile);

/** Puts the folder of the journal aside, or back. */
function keep(job: TestJob): string {
  const copy = path.join(job.folder, 'copy');
  cpSync(journalFolder(job), copy, { recursive: true });
  return copy;
}

function restore(job: TestJob, copy: string): void {
  rmSync(journalFolder(job), { recursive: true });
  mkdirSync(journalFolder(job));
  cpSync(copy, journalFolder(job), { recursive: true });
}

const everyLine = (job: TestJob): string[] => [...job.committed().values()].flat().sort();

const WAYS = {
  'wall-clock buckets': {
    bucket: { by: 'wall-clock', pattern: 'yyyy-MM-dd--HH-mm-ss-SSS', timezone: 'UTC' },
  },
  entropy: {
    sink: { path: 'lake/_entropy_', entropy: { key: '_entropy_', length: 6 } },
  },
} as const;

describe('an older journal under a file source', () => {
  test.each(Object.entries(WAYS))(
    'with %s: its partition stops, and nothing is doubled',
    async (_way, sections) => {
      const job = linesJob(sections);
      await job.finish();
      const older = keep(job);
      append(job, 100, 200);
      await job.finish();
      const before = committedDigests(job.lake);
      expect(everyLine(job)).toHaveLength(200);
      restore(job, older);
      const end = await job.untilEnd();
      expectCode(end, 1);
      expect(end.stderr).toContain(`tidemark: lines.txt/0 stopped: JOURNAL_ROLLED_BACK: `);
      expect(committedDigests(job.lake)).toEqual(before);
    },
  );

  test('that was copied without its -wal, and knows no partition: the partition stops', async () => {
    const job = linesJob(WAYS.entropy);
    const run = job.start();
    await run.saw('a file committed', ({ msg }) => msg === 'checkpoint completed');
    run.kill('SIGTERM');
    await run.ended;
    await job.command('roll', '--no-wait');
    await job.finish();
    const before = committedDigests(job.lake);
    expect(everyLine(job)).toHaveLength(100);
    // What a copy of the one file holds while its process runs: the tables and the journal's id, and no
    // entry.
    const copy = keep(job);
    const { DatabaseSync } = await import('node:sqlite');
    const database = new DatabaseSync(path.join(copy, 'journal.db'));
    for (const { name } of database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all()) {
      const columns = database.prepare(`SELECT name FROM pragma_table_info('${String(name)}')`).all();
      if (columns.some((column) => column['name'] === 'subject'))
        database.exec(`DELETE FROM ${String(name)}`);
    }
    database.close();
    restore(job, copy);
    const end = await job.untilEnd();
    expectCode(end, 1);
    expect(end.stderr).toContain('JOURNAL_ROLLED_BACK');
    expect(committedDigests(job.lake)).toEqual(before);
  });
});

/** Everything committed is moved out of the lake, as an operator does it. */
function moveAway(job: TestJob, message: string): number {
  const files = [...new Set(message.match(/file:\/\/[^\s,"]*part-[^\s,"]*\d{20}/g) ?? [])];
  for (const uri of files) rmSync(uri.slice('file://'.length));
  return files.length;
}

const answered = async (job: TestJob): Promise<unknown> =>
  (await job.events({ topic: 'lines.txt', partition: 0 })).find(({ type }) => type === 'witnessAnswered');

describe('the answers to an older journal', () => {
  /**
   * 100 lines in a finished file, 50 in one in progress, of which the journal is kept; then 50 more, all
   * committed, and the former journal. A service that was killed then: its file was finished as it was.
   * One that went on: it has grown, and its temporary name is gone.
   */
  async function wentBack(how: How): Promise<TestJob> {
    const job = linesJob(WAYS.entropy);
    await job.finish();
    append(job, 100, 150);
    const run = job.start();
    await run.said('checkpoint completed');
    run.kill(how === 'killed' ? 'SIGKILL' : 'SIGSTOP');
    if (how === 'killed') await run.ended;
    const older = keep(job);
    append(job, 150, 200);
    if (how === 'went on') {
      run.kill('SIGCONT');
      await run.said('checkpoint completed', 2);
      run.kill('SIGTERM');
      await run.ended;
    }
    await job.finish();
    restore(job, older);
    append(job, 200, 250);
    expectCode(await job.untilEnd(), 1);
    return job;
  }

  const all = linesOf(0, 250).split('\n').slice(0, -1).sort();

  test.each(HOWS)(
    'from the journal, of a service that %s: refused until the files are moved away, then every line once',
    async (how) => {
      const job = await wentBack(how);
      expectCode(await job.command('resume', '--partition', 'lines.txt/0', '--from-journal', '--no-wait'), 0);
      const refused = await job.untilEnd();
      expectCode(refused, 1);
      expect(refused.stderr).toContain('Move these files away from the destination');
      expect(moveAway(job, refused.stderr)).toBe(1);
      // Asked for already: the request waits.
      await job.finish();
      expect(everyLine(job)).toEqual(all);
      expect(await answered(job)).toMatchObject({ answer: 'from-journal', loss: null });
      await job.finish();
      expect(everyLine(job)).toEqual(all);
    },
  );

  test.each(HOWS)(
    'from the witness, of a service that %s: refused without --accept-loss; with it nothing is ' +
      'doubled, and it continues',
    async (how) => {
      const job = await wentBack(how);
      const request = ['--partition', 'lines.txt/0', '--from-witness'];
      expectCode(await job.command('resume', ...request, '--no-wait'), 0);
      const refused = await job.untilEnd();
      expectCode(refused, 1);
      expect(refused.stderr).toContain('continues at offset 200 and gives up what of [150, 200)');
      expectCode(await job.command('resume', ...request, '--accept-loss', '--no-wait'), 0);
      await job.finish();
      // All of the range was committed: nothing is missing at all.
      expect(everyLine(job)).toEqual(all);
      const loss = { fromOffset: 150n, toOffset: 200n };
      expect(await answered(job)).toMatchObject({ answer: 'from-witness', loss });
      await job.finish();
      expect(everyLine(job)).toEqual(all);
    },
  );

  /**
   * 100 lines committed, of which the journal is kept; then 50 committed, and 25 only counted, in the hidden
   * file of a service that is killed. The witness says 175, the destination holds 150.
   */
  async function wentBackWithLoss(): Promise<TestJob> {
    const job = linesJob({ ...WAYS.entropy, roll: { maxBytes: '450B', maxAge: '1h', maxIdle: '1h' } });
    await job.finish();
    const older = keep(job);
    append(job, 100, 175);
    const run = job.start();
    await run.said('file committed');
    run.kill('SIGKILL');
    await run.ended;
    expect(everyLine(job)).toHaveLength(150);
    restore(job, older);
    append(job, 175, 200);
    const end = await job.untilEnd();
    expectCode(end, 1);
    expect(end.stderr).toContain('The offsets [100, 175) would be read again.');
    return job;
  }

  const sorted = (...ranges: readonly (readonly [number, number])[]): string[] =>
    ranges.flatMap(([from, to]) => linesOf(from, to).split('\n').slice(0, -1)).sort();

  test('from the witness, where lines were in no committed file: only these are lost', async () => {
    const job = await wentBackWithLoss();
    const request = ['--partition', 'lines.txt/0', '--from-witness'];
    expectCode(await job.command('resume', ...request, '--no-wait'), 0);
    const refused = await job.untilEnd();
    expectCode(refused, 1);
    expect(refused.stderr).toContain('continues at offset 175 and gives up what of [100, 175)');
    expect(everyLine(job)).toEqual(sorted([0, 150]));
    expectCode(await job.command('resume', ...request, '--accept-loss', '--no-wait'), 0);
    await job.finish();
    expect(everyLine(job)).toEqual(sorted([0, 150], [175, 200]));
    const loss = { fromOffset: 100n, toOffset: 175n };
    expect(await answered(job)).toMatchObject({ answer: 'from-witness', loss });
    append(job, 200, 210);
    await job.finish();
    expect(everyLine(job)).toEqual(sorted([0, 150], [175, 210]));
  });

  test('from the journal, where lines were in no committed file: every line once', async () => {
    const job = await wentBackWithLoss();
    expectCode(await job.command('resume', '--partition', 'lines.txt/0', '--from-journal', '--no-wait'), 0);
    const refused = await job.untilEnd();
    expectCode(refused, 1);
    expect(moveAway(job, refused.stderr)).toBe(1);
    await job.finish();
    expect(everyLine(job)).toEqual(sorted([0, 200]));
    expect(await answered(job)).toMatchObject({ answer: 'from-journal', loss: null });
  });

  test('one that is asked where the journal did not go back is refused', async () => {
    const job = linesJob();
    await job.finish();
    expectCode(await job.command('resume', '--partition', 'lines.txt/0', '--from-journal', '--no-wait'), 0);
    append(job, 100, 150);
    await job.finish();
    expect(await answered(job)).toBeUndefined();
    expect(everyLine(job)).toHaveLength(150);
  });
});

describe('a sink that is not mounted', () => {
  test('stops the job, which says so, and leaves nothing in the bare mount point', async () => {
    const job = linesJob();
    await job.finish();
    const away = path.join(job.folder, 'unmounted');
    renameSync(job.lake, away);
    mkdirSync(job.lake);
    append(job, 100, 200);
    const end = await job.untilEnd();
    expectCode(end, 1);
    expect(end.stderr).toContain('SINK_MARKER_MISSING');
    expect(end.stderr).toContain('is its file system mounted?');
    expect(readdirSync(job.lake)).toEqual([]);
    rmSync(job.lake, { recursive: true });
    renameSync(away, job.lake);
    await job.finish();
    expect(everyLine(job)).toHaveLength(200);
  });
});
