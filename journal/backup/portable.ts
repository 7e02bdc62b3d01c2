/** Writes a portable backup of a job, from any journal, even while the job runs. */
import { closeSync, existsSync, openSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { BackupTally, isRequestSubject, notOfJob, type BackupFound, type OnBackupProgress } from './check.ts';
import type { JobName, Subject } from '../ids.ts';
import { nameTaken, publishDraft, removeDraft } from './newFile.ts';
import { PORTABLE_FORMAT, PortableWriter } from './portableFile.ts';
import type { Journal } from '../port.ts';
import { ChainCheck } from '../replay.ts';
import { jobPrefix, jobSubject } from '../subjects.ts';

export interface PortableBackup {
  readonly journal: Journal;
  readonly job: JobName;
  readonly file: string;
  readonly force: boolean;
  readonly onProgress: OnBackupProgress;
}

/**
 * Reads every subject up to its current end and checks its chain. Rejects with JOURNAL_CORRUPT if an entry is
 * damaged or missing (no backup is left), REQUEST_REFUSED if the job has no journal, or if the file exists
 * and may not be replaced.
 */
export async function backupPortable({
  journal,
  job,
  file,
  force,
  onProgress,
}: PortableBackup): Promise<BackupFound> {
  const path = resolve(file);
  if (!force && existsSync(path)) throw nameTaken(path);
  const subjects = inOrder(await journal.subjects(jobPrefix(job)), job);
  if (subjects.length === 0) throw notOfJob(job, journal.id);
  const draft = `${path}.${process.pid}.draft`;
  const tally = new BackupTally(onProgress);
  const lines = new PortableWriter();
  const descriptor = openSync(draft, 'w');
  try {
    writeSync(
      descriptor,
      lines.header({ tidemark: 'journal-backup', format: PORTABLE_FORMAT, job, journalId: journal.id }),
    );
    for (const subject of subjects) {
      const check = isRequestSubject(subject) ? null : new ChainCheck(subject);
      for await (const batch of journal.read(subject, 0)) {
        for (const stored of batch) {
          check?.next(stored);
          tally.add(subject, stored.bytes.byteLength);
          writeSync(descriptor, lines.entry({ subject, ...stored }));
        }
      }
    }
    writeSync(descriptor, lines.end());
    publishDraft(draft, path, force);
    return tally.found(journal.id);
  } finally {
    closeSync(descriptor);
    removeDraft(draft);
  }
}

/** The job's own subject comes last, so that whatever a partition builds on is never missing. */
function inOrder(subjects: readonly Subject[], job: JobName): readonly Subject[] {
  const own = jobSubject(job);
  return [...subjects.filter((subject) => subject !== own), ...subjects.filter((subject) => subject === own)];
}
