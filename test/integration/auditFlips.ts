/**
 * Turns single bits over in what a journal is stored in, and judges what an audit makes of each: it is found,
 * or it does no harm, because every entry, snapshot and request that tells of anything is read as before.
 */
import { createHash } from 'node:crypto';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';
import { isRequestSubject } from '../../journal/backup/check.ts';
import { backend } from '../../src/app/application.ts';
import { Composition } from '../../src/app/compose.ts';
import { loadJobConfig } from '../../src/app/jobFile/loadJobConfig.ts';
import { runCli } from '../../src/cli/main.ts';
import { silentLog } from '../../src/telemetry/log.ts';
import type { AuditDocument } from './auditing.ts';
import { jobToDamage } from './journalFlips.ts';
import { expectCode, type TestJob } from './testJob.ts';

export interface CommandEnd {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The real command, in this process: five hundred of them would take long to start. */
export async function auditHere({ file, folder }: TestJob, ...args: string[]): Promise<CommandEnd> {
  const written = { stdout: '', stderr: '' };
  const output = (name: 'stdout' | 'stderr') => ({
    isTTY: false,
    write: (text: string) => (written[name] += text),
  });
  const code = await runCli(['audit', file, '--json', ...args], {
    ...{ stdout: output('stdout'), stderr: output('stderr'), env: process.env, cwd: folder },
    nowMs: () => performance.now(),
    onSignal: () => () => undefined,
    exitNow: () => undefined,
    endWithin: () => undefined,
    loadBackend: async () => backend,
  });
  return { code, ...written };
}

/** What a journal reads, a line for each entry, snapshot and request, with its digest. */
export type Content = readonly string[];

/** Null if the journal cannot be read. */
export async function contentOf(job: TestJob): Promise<Content | null> {
  const config = loadJobConfig({ path: job.file, overrides: [], env: {}, cwd: job.folder });
  const lines: string[] = [];
  const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
  try {
    const journal = await new Composition().journal(config, { access: 'read', log: silentLog });
    try {
      for (const subject of await journal.subjects('')) {
        const isOfRequests = isRequestSubject(subject);
        for await (const batch of isOfRequests ? journal.requests(subject, 0) : journal.read(subject, 0))
          for (const { revision, bytes } of batch) lines.push(`${subject} ${revision} ${digestOf(bytes)}`);
        for await (const bytes of journal.snapshots(subject))
          lines.push(`${subject} snapshot ${digestOf(bytes)}`);
      }
      return [`journal ${String(journal.id)}`, ...lines];
    } finally {
      await journal.close();
    }
  } catch {
    return null;
  }
}

export type FlipOutcome = 'found' | 'refused' | 'harmless';

/** What an audit has made of a flip. Rejects if it has missed it, or tells nothing that a person can use. */
export async function judgeFlip(job: TestJob, sound: Content, where: string): Promise<FlipOutcome> {
  const { code, stdout, stderr } = await auditHere(job);
  const said = `${where}, exit ${code}\n${stderr}${stdout.slice(0, 4_000)}`;
  expect(`${stdout}${stderr}`, said).not.toMatch(/INTERNAL|^ {4}at /m);
  const document = JSON.parse(stdout) as AuditDocument | { readonly error: { readonly code: string } };
  if ('error' in document) {
    expect([1, 3], said).toContain(code);
    expect(document.error.code, said).toMatch(/^JOURNAL_/);
    return 'refused';
  }
  const { findings, unchecked } = document;
  if (code === 0) {
    const content = await contentOf(job);
    expect({ findings, unchecked, content }, said).toEqual({ findings: [], unchecked: [], content: sound });
    return 'harmless';
  }
  if (code === 1) expect(findings.length, said).toBeGreaterThan(0);
  else {
    expect(code, said).toBe(3);
    expect(unchecked.length, said).toBeGreaterThan(0);
  }
  return 'found';
}

/** Turns over one bit of the file, drawn by the seed; where it is, for people. */
export function flip(file: string, seed: number): string {
  const bytes = readFileSync(file);
  const at = draw(seed, 'byte') % bytes.byteLength;
  const bit = draw(seed, 'bit') % 8;
  bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
  writeFileSync(file, bytes);
  return `seed ${seed}: bit ${bit} of byte ${at} of ${bytes.byteLength} of ${path.basename(file)}`;
}

export function draw(seed: number, what: string): number {
  return createHash('sha256').update(`${seed} ${what}`).digest().readUInt32BE();
}

/** Puts a folder back as it was kept. */
export function putBack(kept: string, folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  cpSync(kept, folder, { recursive: true });
}

export interface JobToAudit {
  readonly job: TestJob;
  /** Where the journal's folder is kept as it was. */
  readonly kept: string;
  /** What the journal holds. */
  readonly sound: Content;
}

/** A job that has run several times to its end, with a request in its journal. */
export async function jobToAudit(): Promise<JobToAudit> {
  const job = await jobToDamage();
  expectCode(await job.command('roll', '--no-wait'), 0);
  await job.finish();
  const kept = path.join(job.folder, 'audited');
  cpSync(path.dirname(job.sqliteFile), kept, { recursive: true });
  const sound = await contentOf(job);
  if (sound === null) throw new Error('the journal cannot be read');
  expect(await judgeFlip(job, sound, 'as it was')).toBe('harmless');
  return { job, kept, sound };
}

/** One bit of the job's SQLite journal, drawn by the seed. */
export async function flipSqlite({ job, kept, sound }: JobToAudit, seed: number): Promise<FlipOutcome> {
  putBack(kept, path.dirname(job.sqliteFile));
  return judgeFlip(job, sound, flip(job.sqliteFile, seed));
}
