/** The journal by itself: what `journal verify` finds in it, and in a copy of it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { backupPortable } from '../../../journal/backup/portable.ts';
import { openPortableJournal } from '../../../journal/backup/portableJournal.ts';
import { JournalFailure } from '../../../journal/failure.ts';
import { jobName, type Subject } from '../../../journal/ids.ts';
import { createMemoryJournal } from '../../../journal/memory/journal.ts';
import type { Journal } from '../../../journal/port.ts';
import { decodeSnapshot, encodeSnapshot } from '../../../journal/snapshot.ts';
import { jobSubject } from '../../../journal/subjects.ts';
import type { JournalReport } from '../../../src/audit/auditReport.ts';
import { verifyJournal } from '../../../src/audit/verifyJournal.ts';
import { goldenJournals } from '../../golden/goldenFile.ts';
import { FinishedJob, JOB } from './finishedJob.ts';

const onProgress = (): void => undefined;
const verified = (journal: Journal, job = JOB): Promise<JournalReport> =>
  verifyJournal(journal, { job, onProgress });
const journalOf = (finished: FinishedJob): Journal =>
  createMemoryJournal({ backing: finished.job.backing, readBatchEntries: 3 });

function found({ findings }: JournalReport): string[] {
  return findings.map(
    ({ code, partition, seq }) => `${code} ${partition?.partition ?? 'job'}${seq === null ? '' : `#${seq}`}`,
  );
}

async function exported(journal: Journal, job = JOB): Promise<Journal> {
  const folder = mkdtempSync(path.join(tmpdir(), 'tidemark-verify-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'journal.export');
  await backupPortable({ journal, job, file, force: false, onProgress });
  const copy = await openPortableJournal({ file, job, onProgress });
  onTestFinished(() => copy.close());
  return copy;
}

describe('a verified journal', () => {
  it('that is as it was written is clean, without its destination, and its copy says the same', async () => {
    const finished = await FinishedJob.made();
    const whole = await finished.audit();
    for (const { partition } of whole.partitions)
      for (const name of finished.files(partition.partition)) finished.removeFile(name);
    const report = await verified(journalOf(finished));
    expect(report).toMatchObject({ verdict: 'clean', findingsTotal: 0, unchecked: [] });
    expect(report.partitions).toEqual(whole.partitions);
    expect(await verified(await exported(journalOf(finished)))).toEqual(report);
  });

  it('lacks an entry', async () => {
    const finished = await FinishedJob.made();
    finished.replaceEntries(0, finished.entries(0).toSpliced(3, 1));
    expect(found(await verified(journalOf(finished)))).toEqual(['ENTRY_DAMAGED 0#4']);
  });

  it('was forged with a chain that fits, which its copy does not hide', async () => {
    const finished = await FinishedJob.made();
    finished.forge(1, (entries) => [...entries, structuredClone(entries.at(-1)!)]);
    const last = finished.entries(1).length;
    const copied = await verified(await exported(journalOf(finished)));
    expect(found(copied)).toEqual(found(await verified(journalOf(finished))));
    expect(new Set(found(copied))).toEqual(new Set([`TRANSITION_ILLEGAL 1#${last}`]));
  });

  it('has a snapshot of another state', async () => {
    const finished = await FinishedJob.made();
    const { snapshots } = finished.job.backing;
    const subject = finished.subject(0);
    const [bytes, ...older] = snapshots.get(subject) ?? [];
    const snapshot = decodeSnapshot(bytes ?? new Uint8Array())!;
    const changed = { ...(snapshot.state as object), committedFiles: 99 };
    snapshots.set(subject, [encodeSnapshot({ ...snapshot, state: changed }), ...older]);
    expect(found(await verified(journalOf(finished)))).toEqual([`SNAPSHOT_DIFFERS 0#${snapshot.tail.seq}`]);
  });

  it.each([
    ['of a partition', (finished: FinishedJob): Subject => finished.subject(0), ['ENTRY_DAMAGED 0#1']],
    ['of the job itself', (): Subject => jobSubject(JOB), ['ENTRY_DAMAGED job#1']],
  ] as const)('cannot give the entries %s: that is told, and the rest is looked at', async (_, of, codes) => {
    const finished = await FinishedJob.made();
    const journal = journalOf(finished);
    const read = journal.read.bind(journal);
    const damaged = Object.assign(journal, {
      read: (subject: Subject, after: number) => {
        if (subject === of(finished)) throw new JournalFailure('corrupt', 'The page is damaged.');
        return read(subject, after);
      },
    });
    const report = await verified(damaged);
    expect(found(report)).toEqual(codes);
    expect(report.partitions.map(({ partition: { partition } }) => partition)).toEqual([0, 1]);
  });

  it('that is away is no finding', async () => {
    const finished = await FinishedJob.made();
    const journal = journalOf(finished);
    const away = new JournalFailure('unavailable', 'away');
    const gone = Object.assign(journal, { subjects: () => Promise.reject(away) });
    await expect(verified(gone)).rejects.toBe(away);
  });
});

describe.each(goldenJournals().map((golden) => ({ golden, name: golden.name })))('$name', ({ golden }) => {
  it('is clean, and so is its export, byte for byte', async () => {
    const job = jobName('world');
    const journal = createMemoryJournal();
    for (const [subject, { entries }] of golden.subjects)
      for (const entry of entries) await journal.fileRequest(subject as Subject, Buffer.from(entry));
    const report = await verified(journal, job);
    expect(report).toMatchObject({ verdict: 'clean', findings: [] });
    expect(report.partitions.length).toBeGreaterThan(0);
    const copy = await exported(journal, job);
    expect(await verified(copy, job)).toEqual(report);
    for (const [subject, { entries }] of golden.subjects) {
      const stored: string[] = [];
      for await (const batch of copy.read(subject as Subject, 0))
        stored.push(...batch.map(({ bytes }) => Buffer.from(bytes).toString()));
      expect(stored).toEqual(entries);
    }
  });
});
