/** Jobs that read files, and whose journal is put back to an older copy, or whose sink is not there: with the real command. */
import { appendFileSync, cpSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { committedDigests } from './numbers.ts';
import { expectCode, TestJob } from './testJob.ts';

const NAME = 'lines';

const linesOf = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, index) => `line ${from + index}\n`).join('');

/** A job over one file of a hundred lines. What differs from run to run would make other names for the same records. */
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
    await job.command('roll');
    await job.finish();
    const before = committedDigests(job.lake);
    expect(everyLine(job)).toHaveLength(100);
    // What a copy of the one file holds while its process runs: the tables and the journal's id, and no entry.
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
