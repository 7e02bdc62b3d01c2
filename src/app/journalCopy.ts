/** Copies of a journal in a file, of any kind, recognized by their content. */
import { existsSync } from 'node:fs';
import { isPortable } from '../../journal/backup/blocks.ts';
import { notOfJob, type OnBackupProgress } from '../../journal/backup/check.ts';
import { headOf } from '../../journal/backup/existingFile.ts';
import { openPortableJournal } from '../../journal/backup/portableJournal.ts';
import { TidemarkError } from '../../journal/errors.ts';
import type { JobName } from '../../journal/ids.ts';
import type { OwnBackups } from '../../journal/kind.ts';
import type { Journal } from '../../journal/port.ts';
import { jobPrefix } from '../../journal/subjects.ts';
import type { JobKinds } from './registeredKinds.ts';

/** Enough to recognize any kind. */
const HEAD_BYTES = 64;

/** The journal that a command looks back into. */
export interface JournalChoice {
  /** Path of an export or a backup that is read in its place; null: the job's own. */
  readonly journalFile: string | null;
}

export interface JournalCopy {
  readonly file: string;
  readonly job: JobName;
  readonly onProgress: OnBackupProgress;
}

/**
 * Opens an export or a backup for reading. Rejects with JOURNAL_MISSING if there is none, JOURNAL_CORRUPT if
 * it is damaged, REQUEST_REFUSED if the file is something else, or holds nothing of the job.
 */
export async function openJournalCopy(
  { journals }: Pick<JobKinds, 'journals'>,
  copy: JournalCopy,
): Promise<Journal> {
  const { file, job } = copy;
  const head = await headOf(file, HEAD_BYTES);
  if (isPortable(head)) return openPortableJournal(copy);
  const own = ownFormat(journals, head);
  if (own === null) throw somethingElse(file);
  const journal = await own.open(file);
  const subjects = await journal.subjects(jobPrefix(job));
  if (subjects.length > 0) return journal;
  await journal.close();
  throw notOfJob(job, journal.id);
}

/** The same for an export, or a backup in its format, alone. */
export async function openExport(
  { journals }: Pick<JobKinds, 'journals'>,
  copy: JournalCopy,
): Promise<Journal> {
  const { file } = copy;
  const head = await headOf(file, HEAD_BYTES);
  if (isPortable(head)) return openPortableJournal(copy);
  if (ownFormat(journals, head) === null) throw somethingElse(file);
  throw new TidemarkError(
    'REQUEST_REFUSED',
    `${file} is no export: it is a journal, or a backup in a format of its own. Write an export with ` +
      '`tidemark journal export`; a backup is put back with `tidemark journal restore`.',
    { fields: { path: file } },
  );
}

/**
 * Rejects with REQUEST_REFUSED if the file is a journal, or a backup that an export is no substitute for.
 * Only an export is written over.
 */
export async function refuseJournalAt({ journals }: Pick<JobKinds, 'journals'>, file: string): Promise<void> {
  if (!existsSync(file)) return;
  const head = await headOf(file, HEAD_BYTES);
  if (ownFormat(journals, head) === null) return;
  throw new TidemarkError(
    'REQUEST_REFUSED',
    `${file} is a journal, or a backup in a format of its own: an export is not written over it. ` +
      `Name another file.`,
    { fields: { path: file } },
  );
}

function ownFormat(journals: JobKinds['journals'], head: Buffer): OwnBackups | null {
  return journals.map(({ ownBackups }) => ownBackups).find((own) => own?.recognizes(head)) ?? null;
}

function somethingElse(file: string): TidemarkError {
  return new TidemarkError(
    'REQUEST_REFUSED',
    `${file} is neither an export nor a backup of a journal: check its name.`,
    { fields: { path: file } },
  );
}
