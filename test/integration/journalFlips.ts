/** Turns single bits over in a job's SQLite journal, and judges what the commands make of it. */
import { createHash } from 'node:crypto';
import { appendFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';
import { TestJob, type StatusDocument } from './testJob.ts';
import { TidemarkProcess, type ProcessEnd } from './tidemarkProcess.ts';

const FILES = ['a', 'b', 'c'] as const;
const KEPT = ['lines', 'lake', '.tidemark'] as const;
const LINES_BEFORE = 40;
const LINES = 60;
/**
 * Longer than any command takes on a busy machine; a bounded run that waits for its journal ends after
 * startup.timeout.
 */
const LOOPS_MS = 60_000;

const linesOf = (file: string, from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, index) => `line ${from + index} of ${file}`);

const everyLine = FILES.flatMap((file) => linesOf(file, 0, LINES)).sort();

/** A job that has read a part of its files, in several runs; the rest is there to be read. */
export async function jobToDamage(): Promise<TestJob> {
  const sections = {
    source: { file: { path: 'lines/*.txt' } },
    bucket: { by: 'wall-clock', pattern: 'HH-mm-ss-SSS', timezone: 'UTC' },
    startup: { timeout: '3s' },
  };
  const job = new TestJob({ brokers: [], topic: 'flips', sections });
  const lines = path.join(job.folder, 'lines');
  mkdirSync(lines);
  for (const to of [10, 20, 30, LINES_BEFORE]) {
    for (const file of FILES)
      appendFileSync(path.join(lines, `${file}.txt`), `${linesOf(file, to - 10, to).join('\n')}\n`);
    await job.finish();
  }
  for (const file of FILES)
    appendFileSync(path.join(lines, `${file}.txt`), `${linesOf(file, LINES_BEFORE, LINES).join('\n')}\n`);
  for (const folder of KEPT)
    cpSync(path.join(job.folder, folder), path.join(job.folder, 'kept', folder), { recursive: true });
  return job;
}

export interface Flip {
  readonly seed: number;
  readonly outcome: 'went on' | 'stopped';
}

/**
 * One bit, drawn by the seed, in the job as it was. Rejects, with the place, where it loops, tells nothing,
 * or tells something wrong.
 */
export async function flipOnce(job: TestJob, seed: number): Promise<Flip> {
  for (const folder of KEPT) {
    rmSync(path.join(job.folder, folder), { recursive: true, force: true });
    cpSync(path.join(job.folder, 'kept', folder), path.join(job.folder, folder), { recursive: true });
  }
  const bytes = readFileSync(job.sqliteFile);
  const at = draw(seed, 'byte') % bytes.byteLength;
  const bit = draw(seed, 'bit') % 8;
  bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
  writeFileSync(job.sqliteFile, bytes);
  const where = `seed ${seed}: bit ${bit} of byte ${at} of ${bytes.byteLength}`;
  judgeStatus(await within(job, `status, ${where}`, 'status', '--json'), where);
  const run = await within(job, `run, ${where}`, 'run', '--until-end');
  judgeTold(run, `run, ${where}`);
  judgeFiles(job, run, where);
  return { seed, outcome: run.code === 0 ? 'went on' : 'stopped' };
}

function draw(seed: number, what: string): number {
  return createHash('sha256').update(`${seed} ${what}`).digest().readUInt32BE();
}

async function within(job: TestJob, what: string, command: string, ...args: string[]): Promise<ProcessEnd> {
  const child = new TidemarkProcess([command, job.file, ...args]);
  const limit = setTimeout(() => {
    child.kill('SIGKILL');
  }, LOOPS_MS);
  const end = await child.ended;
  clearTimeout(limit);
  if (end.signal !== 'SIGKILL') return end;
  throw new Error(`${what}: it does not end\n${end.stderr.slice(-4_000)}`);
}

/** It succeeds, or names a code of the journal, and never shows what an error looks like inside. */
function judgeTold({ code, stderr, stdout }: ProcessEnd, what: string): void {
  const said = `${what}, exit ${String(code)}\n${stderr.slice(-4_000)}${stdout.slice(-1_000)}`;
  const forPeople = stderr.split('\n').filter((line) => !line.startsWith('{'));
  expect(forPeople.join('\n'), said).not.toMatch(/^ {4}at /m);
  // As the cause of an error that says what to do it may be named.
  expect(stderr, said).not.toMatch(/"?INTERNAL"?|^(?! *caused by ).*ERR_SQLITE_ERROR: |UnhandledPromise/m);
  if (code === 0) return;
  expect([1, 2, 3], said).toContain(code);
  expect(`${stderr}${stdout}`, said).toMatch(/JOURNAL_[A-Z_]+: \S.{20,}/);
}

function judgeFiles(job: TestJob, { code }: ProcessEnd, where: string): void {
  const committed = [...job.committed().values()].flat().sort();
  expect(new Set(committed).size, `${where}: lines are committed twice`).toBe(committed.length);
  for (const file of FILES)
    expect(committed, `${where}: what was committed is gone`).toEqual(
      expect.arrayContaining(linesOf(file, 0, LINES_BEFORE)),
    );
  if (code === 0) expect(committed, `${where}: exit 0, and not all is committed`).toEqual(everyLine);
}

/** A partition is shown as far as it was read, or not at all and with a reason. */
function judgeStatus(end: ProcessEnd, where: string): void {
  judgeTold({ ...end, stdout: '', stderr: end.code === 0 ? '' : end.stderr }, `status, ${where}`);
  if (end.code !== 0) return;
  const { partitions } = JSON.parse(end.stdout) as StatusDocument;
  const sound = partitions.filter(({ stop }) => stop === null);
  for (const { stop } of partitions) if (stop !== null) expect(stop.code, where).toMatch(/^JOURNAL_/);
  for (const { topic, nextOffset } of sound) expect(nextOffset, `${where}: ${topic}`).toBe(`${LINES_BEFORE}`);
  // A bit of a name makes another partition of it, beside the one that misses it: neither can be read.
  const known = new Set(FILES.map((file) => `lines/${file}.txt`));
  const strange = partitions.filter(({ topic, partition }) => !known.has(topic) || partition !== 0);
  expect(
    strange.filter(({ stop }) => stop === null),
    `${where}: ${end.stdout}`,
  ).toEqual([]);
  const shown = partitions.map(({ topic }) => topic);
  expect(shown, `${where}: ${end.stdout}`).toEqual(expect.arrayContaining([...known]));
}
