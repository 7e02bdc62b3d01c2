/** Writes a job's journal to a portable file, from any journal, even while the job runs. */
import { closeSync, existsSync, openSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { BLOCK_BYTES, encodeBlock } from './blocks.ts';
import { BackupTally, isRequestSubject, notOfJob, type BackupFound, type OnBackupProgress } from './check.ts';
import { BY_PID, draftOf, removeDeadDrafts, type DraftMarks } from './drafts.ts';
import { TidemarkError } from '../errors.ts';
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
  readonly marks?: DraftMarks;
}

/**
 * Reads every subject up to its current end and checks its chain. Rejects with JOURNAL_CORRUPT if an entry is
 * damaged or missing (no backup is left), REQUEST_REFUSED if the job has no journal, if the file exists and
 * may not be replaced, or if it cannot be written.
 */
export async function backupPortable({
  journal,
  job,
  file,
  force,
  onProgress,
  marks = BY_PID,
}: PortableBackup): Promise<BackupFound> {
  const path = resolve(file);
  if (!force && existsSync(path)) throw nameTaken(path);
  const subjects = inOrder(await journal.subjects(jobPrefix(job)), job);
  if (subjects.length === 0) throw notOfJob(job, journal.id);
  const draft = draftOf(path, marks);
  const tally = new BackupTally(onProgress);
  const lines = new PortableWriter();
  let blocks: BlockFile | null = null;
  try {
    removeDeadDrafts(path, marks);
    blocks = new BlockFile(draft);
    blocks.add(
      lines.header({ tidemark: 'journal-backup', format: PORTABLE_FORMAT, job, journalId: journal.id }),
    );
    for (const subject of subjects) {
      const check = isRequestSubject(subject) ? null : new ChainCheck(subject);
      for await (const batch of journal.read(subject, 0)) {
        for (const stored of batch) {
          check?.next(stored);
          tally.add(subject, stored.bytes.byteLength);
          blocks.add(lines.entry({ subject, ...stored }));
        }
      }
    }
    blocks.add(lines.end());
    blocks.flush();
    publishDraft(draft, path, force);
    return tally.found(journal.id);
  } catch (cause) {
    throw notWritten(cause, path);
  } finally {
    blocks?.close();
    removeDraft(draft);
  }
}

/** A file of compressed blocks. */
class BlockFile {
  readonly #descriptor: number;
  #lines: string[] = [];
  #bytes = 0;

  constructor(path: string) {
    this.#descriptor = openSync(path, 'w');
  }

  add(line: string): void {
    this.#lines.push(line);
    this.#bytes += line.length;
    if (this.#bytes >= BLOCK_BYTES) this.flush();
  }

  flush(): void {
    writeFileSync(this.#descriptor, encodeBlock(this.#lines));
    this.#lines = [];
    this.#bytes = 0;
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

function notWritten(cause: unknown, path: string): unknown {
  if (cause instanceof TidemarkError || !(cause instanceof Error) || !('syscall' in cause)) return cause;
  return new TidemarkError(
    'REQUEST_REFUSED',
    `The file ${path} cannot be written (${cause.message}): nothing is left of it.`,
    { fields: { path }, cause },
  );
}

/** The job's own subject comes last, so that whatever a partition builds on is never missing. */
export function inOrder(subjects: readonly Subject[], job: JobName): readonly Subject[] {
  const own = jobSubject(job);
  return [...subjects.filter((subject) => subject !== own), ...subjects.filter((subject) => subject === own)];
}
