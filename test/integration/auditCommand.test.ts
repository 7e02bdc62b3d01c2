/** `tidemark audit` on files of a local disk: one thing is damaged at a time, and the command names it. */
import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { auditHere, type CommandEnd } from './auditFlips.ts';
import type { AuditDocument } from './auditing.ts';
import { expectCode, TestJob } from './testJob.ts';
import { TidemarkProcess } from './tidemarkProcess.ts';

const LINES = 40;
const BUCKETS_RULE = { by: 'none' };

/** A job that has read a file in two runs: several committed files of several lines. */
async function finishedJob(): Promise<TestJob> {
  const job = new TestJob({
    ...{ brokers: [], topic: 'audited' },
    sections: {
      source: { file: { path: 'lines.txt' } },
      bucket: BUCKETS_RULE,
      roll: { maxBytes: '100B' },
    },
  });
  for (const from of [0, LINES / 2]) {
    const lines = Array.from({ length: LINES / 2 }, (_, index) => `line ${from + index}\n`);
    appendFileSync(path.join(job.folder, 'lines.txt'), lines.join(''));
    await job.finish();
  }
  return job;
}

const names = (job: TestJob): string[] => [...job.committed().keys()];
const fileOf = (job: TestJob, name: string): string => path.join(job.lake, name);

/** The document of an audit, and its exit code. */
function documentOf({ code, stdout }: CommandEnd): AuditDocument & { readonly code: number } {
  return { ...(JSON.parse(stdout) as AuditDocument), code };
}

/** Code and file of each finding; the exit code is that of damage. */
async function damageOf(job: TestJob, ...args: string[]): Promise<string[]> {
  const { code, verdict, findings } = documentOf(await auditHere(job, ...args));
  expect({ code, verdict }).toEqual({ code: 1, verdict: 'damaged' });
  return findings.map(({ code: of, uri }) => `${of} ${path.basename(uri ?? '')}`).sort();
}

test('an untouched job: exit 0, the sums of its files, and offsets as text', async () => {
  const job = await finishedJob();
  const { code, verdict, partitions, files } = documentOf(await auditHere(job));
  expect({ code, verdict }).toEqual({ code: 0, verdict: 'clean' });
  expect(files).toMatchObject({ compared: names(job).length, moved: 0, others: 0 });
  expect(partitions).toMatchObject([
    { offsets: { first: '0', next: `${LINES}` }, records: { read: LINES, committed: LINES, open: 0 } },
  ]);
});

describe('what somebody did to a file', () => {
  test.each([
    ['deleted', 'FILE_MISSING', (file: string) => rmSync(file)],
    ['shortened', 'FILE_DIFFERS', (file: string) => truncateSync(file, readFileSync(file).length - 1)],
    ['made longer', 'FILE_DIFFERS', (file: string) => appendFileSync(file, 'one more\n')],
    ['changed by one bit', 'FILE_DIFFERS', changeBit],
  ] as const)('it was %s', async (_, code, damage) => {
    const job = await finishedJob();
    const [, name = ''] = names(job);
    damage(fileOf(job, name));
    expect(await damageOf(job)).toEqual([`${code} ${name}`]);
  });

  test('two were swapped', async () => {
    const job = await finishedJob();
    const [one = '', other = ''] = names(job);
    renameSync(fileOf(job, one), path.join(job.folder, 'swapped'));
    renameSync(fileOf(job, other), fileOf(job, one));
    renameSync(path.join(job.folder, 'swapped'), fileOf(job, other));
    expect(await damageOf(job)).toEqual([`FILE_DIFFERS ${one}`, `FILE_DIFFERS ${other}`].sort());
  });

  test('one was added under a name of the job; a file of another name is only counted', async () => {
    const job = await finishedJob();
    const [name = ''] = names(job);
    const added = name.replace(/\d{20}/, '00000000000000000777');
    writeFileSync(fileOf(job, added), 'line 777\n');
    writeFileSync(fileOf(job, 'notes.txt'), 'mine\n');
    expect(await damageOf(job)).toEqual([`FILE_UNKNOWN ${added}`]);
    expect(documentOf(await auditHere(job)).files.others).toBe(1);
  });
});

function changeBit(file: string): void {
  const bytes = readFileSync(file);
  bytes[3] = (bytes[3] ?? 0) ^ 1;
  writeFileSync(file, bytes);
}

describe('files that were moved away', () => {
  test('are told by a list of URIs and of paths below the sink; another one is missing', async () => {
    const job = await finishedJob();
    const [uri = '', below = '', unlisted = ''] = names(job);
    for (const name of [uri, below, unlisted]) rmSync(fileOf(job, name));
    const list = path.join(job.folder, 'moved.txt');
    writeFileSync(list, `file://${fileOf(job, uri)}\r\n${below}\r\n`);
    expect(await damageOf(job, '--moved', list)).toEqual([`FILE_MISSING ${unlisted}`]);
    appendFileSync(list, `${unlisted}\n`);
    const { code, files } = documentOf(await auditHere(job, '--moved', list));
    expect({ code, moved: files.moved }).toEqual({ code: 0, moved: 3 });
  });

  test('are told by their age: none of a minute ago was', async () => {
    const job = await finishedJob();
    const [name = ''] = names(job);
    rmSync(fileOf(job, name));
    expect(await damageOf(job, '--moved-before', '1h')).toEqual([`FILE_MISSING ${name}`]);
    const { code, files } = documentOf(await auditHere(job, '--moved-before', '1ms'));
    expect({ code, moved: files.moved }).toEqual({ code: 0, moved: 1 });
  });
});

describe('what cannot be looked at', () => {
  test('a destination that is not mounted: the marker is missed first', async () => {
    const job = await finishedJob();
    const count = names(job).length;
    renameSync(job.lake, path.join(job.folder, 'elsewhere'));
    const { code, findings } = documentOf(await auditHere(job));
    expect(code).toBe(1);
    expect(findings[0]?.code).toBe('MARKER_DIFFERS');
    expect(findings.slice(1).map(({ code: of }) => of)).toEqual(Array(count).fill('FILE_MISSING'));
    mkdirSync(job.lake);
    expect(documentOf(await auditHere(job)).findings[0]?.code).toBe('MARKER_DIFFERS');
  });

  test('a journal that is not there: exit 1, and its error as a document', async () => {
    const job = await finishedJob();
    rmSync(job.sqliteFile);
    const { code, stdout, stderr } = await auditHere(job);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'JOURNAL_MISSING' } });
    expect(stderr).toContain('what to do: ');
  });

  test('brokers that do not answer: exit 3; Ctrl-C while they are waited for ends it', async () => {
    const job = await finishedJob();
    const server = createServer();
    const asked = once(server, 'connection');
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const kafka = new TestJob({
      ...{ brokers: [`127.0.0.1:${String(port)}`], topic: 'audited', folder: job.folder },
    });
    const command = new TidemarkProcess(['audit', kafka.file, '--json']);
    await asked;
    command.kill('SIGINT');
    expect(await command.ended).toMatchObject({ code: 130, stdout: '' });
    const { code, verdict, findings, unchecked } = documentOf(await auditHere(kafka));
    expect({ code, verdict, findings }).toEqual({ code: 3, verdict: 'incomplete', findings: [] });
    expect(unchecked).toMatchObject([{ what: "the consumer group's offsets", code: 'SOURCE_UNAVAILABLE' }]);
  }, 60_000);
});

test.each([
  [['--moved', 'no-such-list']],
  [['--moved-before', 'yesterday']],
  [['--moved-before']],
  [['--forge']],
])('wrong flags %j: exit 2, told in words and as a document', async (args) => {
  const job = new TestJob({ brokers: ['127.0.0.1:1'], topic: 'audited' });
  const { code, stdout, stderr } = await auditHere(job, ...args);
  expect(code).toBe(2);
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'USAGE' } });
  if (args.length > 1) expect(stderr).toContain(args[1]);
});

test('a process of its own says the same', async () => {
  const job = await finishedJob();
  const [name = ''] = names(job);
  rmSync(fileOf(job, name));
  const end = await job.command('audit', '--json');
  expectCode(end, 1);
  expect(JSON.parse(end.stdout)).toEqual(JSON.parse((await auditHere(job)).stdout));
  const text = await job.command('audit');
  expectCode(text, 1);
  expect(text.stdout).toContain('damaged, 1 finding');
  expect(text.stdout).toContain(name);
});
