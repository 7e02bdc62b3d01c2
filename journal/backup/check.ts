/**
 * What is checked in a backup, and what is reported of it: every subject's hash chain, from its first entry.
 */
import { TidemarkError } from '../errors.ts';
import type { JobName, Subject } from '../ids.ts';
import type { Journal } from '../port.ts';
import { replay } from '../replay.ts';
import { jobPrefix, partitionOf } from '../subjects.ts';

export interface BackupFound {
  readonly journalId: string;
  readonly entries: number;
  readonly partitions: number;
  /** Of all entries. */
  readonly bytes: number;
}

export interface BackupProgress {
  readonly entries: number;
  readonly bytes: number;
}

export type OnBackupProgress = (progress: BackupProgress) => void;

/** Requests form no chain: each is independent, and the owner that takes it up judges it. */
export function isRequestSubject(subject: Subject): boolean {
  return subject.split('.')[1] === 'request';
}

/** Counts entries as they pass. */
export class BackupTally {
  #entries = 0;
  #bytes = 0;
  readonly #partitions = new Set<Subject>();
  readonly #onProgress: OnBackupProgress;

  constructor(onProgress: OnBackupProgress) {
    this.#onProgress = onProgress;
  }

  add(subject: Subject, bytes: number): void {
    this.#entries += 1;
    this.#bytes += bytes;
    if (partitionOf(subject) !== null) this.#partitions.add(subject);
    if (this.#entries % 1_000 === 0) this.#onProgress({ entries: this.#entries, bytes: this.#bytes });
  }

  found(journalId: string): BackupFound {
    return { journalId, entries: this.#entries, partitions: this.#partitions.size, bytes: this.#bytes };
  }
}

/**
 * Reads and checks the whole journal. Rejects with JOURNAL_CORRUPT if an entry is damaged or missing,
 * REQUEST_REFUSED if nothing in it belongs to the job.
 */
export async function checkWhole(
  journal: Journal,
  job: JobName,
  onProgress: OnBackupProgress,
): Promise<BackupFound> {
  const tally = new BackupTally(onProgress);
  const subjects = await journal.subjects('');
  if (!subjects.some((subject) => subject.startsWith(jobPrefix(job)))) throw notOfJob(job, journal.id);
  for (const subject of subjects) {
    if (isRequestSubject(subject)) {
      for await (const batch of journal.read(subject, 0))
        for (const { bytes } of batch) tally.add(subject, bytes.byteLength);
    } else for await (const { bytes } of replay(journal, subject)) tally.add(subject, bytes);
  }
  return tally.found(journal.id);
}

export function notOfJob(job: JobName, journalId: string): TidemarkError {
  return new TidemarkError(
    'REQUEST_REFUSED',
    `Journal ${journalId} holds nothing of the job "${job}": check the file and the job file. Nothing ` +
      'was written.',
    { fields: { job, journalId } },
  );
}
