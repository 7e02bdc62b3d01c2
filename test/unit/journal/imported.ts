/** What the tests of an import share: a journal with requests, its export, and the checked copy of that. */
import { rmSync } from 'node:fs';
import { checkCopy, type CheckedCopy } from '../../../journal/backup/checkedCopy.ts';
import { backupPortable } from '../../../journal/backup/portable.ts';
import { openPortableJournal } from '../../../journal/backup/portableJournal.ts';
import { jobSubject } from '../../../journal/subjects.ts';
import type { Journal } from '../../../journal/port.ts';
import { chain, claimed, committed, identity, JOB, requestsOf, subjectOf, writerOn } from './fixtures.ts';

export const NOT_ABORTED = new AbortController().signal;
export const noProgress = (): void => undefined;

export const requestBytes = (type: string): Uint8Array => new TextEncoder().encode(JSON.stringify({ type }));

/**
 * A partition with `entries` entries, an answered request and one that waits, and an entry of the job's own.
 * Resolves with the revisions of the two requests.
 */
export async function fillWithRequests(
  journal: Journal,
  entries: number,
): Promise<{ readonly answered: number; readonly waiting: number }> {
  const writer = writerOn(journal, subjectOf());
  await writer.append(identity(), [claimed()]);
  for (let number = 3; number < entries; number += 1) await writer.append(identity(), [committed(number)]);
  const answered = await journal.fileRequest(requestsOf(), requestBytes('roll'));
  await writer.append(identity(), [{ type: 'rollRequested', requestId: answered }]);
  const waiting = await journal.fileRequest(requestsOf(), requestBytes('resume'));
  await writer.append(identity(), [committed(2)]);
  for (const bytes of chain(1)) await journal.fileRequest(jobSubject(JOB), bytes);
  return { answered, waiting };
}

export async function exported(journal: Journal, file: string): Promise<void> {
  rmSync(file, { force: true });
  await backupPortable({ journal, job: JOB, file, force: false, onProgress: noProgress });
}

/** Opens the file, checks it, and calls `work` with the copy. */
export async function withCopy<T>(file: string, work: (copy: CheckedCopy) => Promise<T>): Promise<T> {
  const source = await openPortableJournal({ file, job: JOB, onProgress: noProgress });
  try {
    const checking = { file, job: JOB, onProgress: noProgress, signal: NOT_ABORTED };
    return await work(await checkCopy(source, checking));
  } finally {
    await source.close();
  }
}
