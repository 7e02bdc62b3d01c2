/** All of it on local kinds: a job of files, an SQLite journal, a local folder. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { backend } from '../../../../src/app/application.ts';
import type { DoctorOptions } from '../../../../src/app/doctor/doctorReport.ts';
import { loadJobConfig } from '../../../../src/app/jobFile/loadJobConfig.ts';
import { silentLog } from '../../../../src/telemetry/log.ts';

const JOB = `job: clicks
source: { file: { path: 'data/*.ndjson' } }
sink: { path: lake/clicks }
`;

function jobFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'tidemark-doctor-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(path.join(folder, 'data'));
  writeFileSync(path.join(folder, 'data', 'a.ndjson'), '{}\n');
  writeFileSync(path.join(folder, 'job.yaml'), JOB);
  return folder;
}

const configOf = (folder: string) => loadJobConfig({ path: 'job.yaml', env: {}, cwd: folder });
/** A journal that is read has a log and an index beside it, as for `status`. */
const filesIn = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => !/-(shm|wal)$/.test(name))
    .sort();
const quiet = (): DoctorOptions => ({
  log: silentLog,
  signal: new AbortController().signal,
  onProgress: () => undefined,
});

test('a job that can run: nothing fails, and the folder is as it was', async () => {
  const folder = jobFolder();
  const before = readdirSync(folder, { recursive: true });
  const { checks, counts, leftovers } = await backend.examineJob(configOf(folder), quiet());
  expect(checks.filter(({ outcome }) => outcome === 'fail' || outcome === 'notDone')).toEqual([]);
  expect(new Set(checks.map(({ id }) => id)).size).toBe(checks.length);
  expect(counts.pass + counts.warn).toBe(checks.length);
  expect(leftovers).toEqual([]);
  expect(readdirSync(folder, { recursive: true })).toEqual(before);
});

test('a job that has run: its journal and its marker agree, and stay', async () => {
  const folder = jobFolder();
  const config = configOf(folder);
  await backend.runJob(config, { ...quiet(), onProgress: () => undefined, untilEnd: true, moves: [] });
  const before = filesIn(folder);
  const { checks } = await backend.examineJob(config, quiet());
  expect(checks.find(({ id }) => id === 'job-journal')).toMatchObject({
    outcome: 'pass',
    found: expect.stringContaining('names this journal') as string,
  });
  expect(filesIn(folder)).toEqual(before);
  rmSync(path.join(folder, '.tidemark', 'journal.db'));
  const lost = await backend.examineJob(config, quiet());
  expect(lost.checks.find(({ id }) => id === 'job-journal')?.outcome).toBe('fail');
});

test('a sink that is the folder of the job file: both scratch folders are told apart, and go', async () => {
  const folder = jobFolder();
  writeFileSync(path.join(folder, 'job.yaml'), JOB.replace('lake/clicks', '.'));
  const { checks } = await backend.examineJob(configOf(folder), quiet());
  expect(checks.filter(({ outcome }) => outcome === 'fail' || outcome === 'notDone')).toEqual([]);
  expect(checks.find(({ id }) => id === 'sink-clean')?.outcome).toBe('pass');
  expect(existsSync(path.join(folder, '.tidemark'))).toBe(false);
});

test('a sink that is a file fails, hides nothing of the others, and what needs it is not done', async () => {
  const folder = jobFolder();
  writeFileSync(path.join(folder, 'lake'), '');
  const { checks } = await backend.examineJob(configOf(folder), quiet());
  const of = (id: string) => checks.find((one) => one.id === id)?.outcome;
  expect([
    of('local-folder'),
    of('sink-write'),
    of('job-journal'),
    of('files-read'),
    of('sqlite-write'),
  ]).toEqual([...['fail', 'notDone', 'notDone', 'pass', 'pass']]);
});

test.each(['sink-publish', 'sink-takeover', 'sqlite-write', 'local-links'])(
  'a signal during %s leaves nothing behind',
  async (id) => {
    const folder = jobFolder();
    const stop = new AbortController();
    let wasBegun = false;
    const { checks, leftovers } = await backend.examineJob(configOf(folder), {
      ...quiet(),
      signal: stop.signal,
      onProgress: ({ running }) => {
        if (!running.includes(id)) return;
        wasBegun = true;
        setImmediate(() => stop.abort());
      },
    });
    expect(wasBegun).toBe(true);
    expect(checks.some(({ outcome }) => outcome === 'notDone')).toBe(true);
    expect(leftovers).toEqual([]);
    expect([existsSync(path.join(folder, 'lake')), existsSync(path.join(folder, '.tidemark'))]).toEqual([
      ...[false, false],
    ]);
  },
);
