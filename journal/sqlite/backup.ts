/**
 * Backup and restore of an embedded journal. A backup is itself a journal file, complete and at rest, even if
 * taken while the job runs.
 */
import { constants, copyFileSync, existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { checkWhole, type BackupFound, type OnBackupProgress } from '../backup/check.ts';
import { BY_PID, draftOf, removeDeadDrafts, type DraftMarks } from '../backup/drafts.ts';
import { TidemarkError } from '../errors.ts';
import type { JobName } from '../ids.ts';
import { noBackup } from '../backup/existingFile.ts';
import { nameTaken, publishDraft, removeDraft } from '../backup/newFile.ts';
import { openSqliteJournal, realPath } from './journal.ts';
import { damaged, failedRead } from './errors.ts';
import { createFolderOf, openJournalFile } from './file.ts';
import { takeOwnerLock } from './lock.ts';

export interface SqliteBackup {
  /** Path of the journal. */
  readonly path: string;
  /** Path of the backup. */
  readonly file: string;
  readonly job: JobName;
  readonly onProgress: OnBackupProgress;
}

const SIZE_INTERVAL_MS = 1_000;

/**
 * Runs in its own thread, because the single call takes time in proportion to the journal. It is a reader's
 * transaction: the owner continues to append, and the copy does not include those entries.
 */
const VACUUM = `
  const { parentPort, workerData } = require('node:worker_threads');
  const { DatabaseSync } = require('node:sqlite');
  try {
    const db = new DatabaseSync(workerData.path, { readOnly: true, timeout: 10_000 });
    db.prepare('VACUUM INTO ?').run(workerData.draft);
    db.close();
    parentPort.postMessage(null);
  } catch (error) {
    parentPort.postMessage({ message: error.message, code: error.code, errcode: error.errcode });
  }
`;

/**
 * Writes the backup under another name, checks every entry of it, and only then renames it. Rejects with
 * JOURNAL_CORRUPT if the journal is damaged (no backup is left), REQUEST_REFUSED if the file exists and may
 * not be replaced.
 */
export async function backupSqlite(
  options: SqliteBackup & { readonly force: boolean; readonly marks?: DraftMarks },
): Promise<BackupFound> {
  const { job, force, onProgress, marks = BY_PID } = options;
  const path = realPath(options.path);
  const file = resolve(options.file);
  const draft = draftOf(file, marks);
  if (!force && existsSync(file)) throw nameTaken(file);
  if (file === path) throw nameTaken(path);
  openJournalFile(path, 'read').db.close();
  try {
    removeDeadDrafts(file, marks);
    removeDraft(draft);
    await vacuum(path, draft, onProgress);
    const found = await checkFile(draft, job, onProgress);
    publishDraft(draft, file, force);
    return found;
  } catch (cause) {
    throw failedRead(cause, path);
  } finally {
    removeDraft(draft);
  }
}

async function vacuum(path: string, draft: string, onProgress: OnBackupProgress): Promise<void> {
  const worker = new Worker(VACUUM, { eval: true, workerData: { path, draft } });
  const sizes = setInterval(() => {
    onProgress({ entries: 0, bytes: statSync(draft, { throwIfNoEntry: false })?.size ?? 0 });
  }, SIZE_INTERVAL_MS);
  const failure = await new Promise<object | null>((done, fail) => {
    worker.once('message', done);
    worker.once('error', fail);
  }).finally(() => clearInterval(sizes));
  await worker.terminate();
  if (failure !== null) throw Object.assign(new Error('VACUUM INTO'), failure);
}

async function checkFile(file: string, job: JobName, onProgress: OnBackupProgress): Promise<BackupFound> {
  const { db } = openJournalFile(file, 'read');
  const [answer] = db.prepare('PRAGMA integrity_check(1)').all();
  db.close();
  const text = String(Object.values(answer ?? {})[0]);
  if (text !== 'ok') throw damaged(file, new Error(text));
  const journal = await openSqliteJournal({ path: file, access: 'read', createIfMissing: false });
  try {
    return await checkWhole(journal, job, onProgress);
  } finally {
    await journal.close();
  }
}

/**
 * Puts a checked copy of the backup in the place of the job's journal. Rejects with REQUEST_REFUSED if there
 * is a journal, JOURNAL_LOCKED if it is owned, JOURNAL_CORRUPT if the backup is damaged or missing. In these
 * cases nothing is written.
 */
export async function restoreSqlite(options: SqliteBackup): Promise<BackupFound> {
  const { file, job, onProgress } = options;
  if (!existsSync(file)) throw noBackup(file);
  const path = foldered(options.path);
  const lock = takeOwnerLock(path);
  const draft = `${path}.draft`;
  try {
    refuseExisting(path);
    removeDraft(draft);
    copyFileSync(file, draft, constants.COPYFILE_FICLONE);
    const found = await checkFile(draft, job, onProgress);
    publishDraft(draft, path, false);
    return found;
  } catch (cause) {
    throw failedRead(cause, file);
  } finally {
    removeDraft(draft);
    lock.release();
  }
}

export function foldered(path: string): string {
  try {
    createFolderOf(resolve(path));
    return realPath(path);
  } catch (cause) {
    throw failedRead(cause, path);
  }
}

/** A log without its journal matters, too: SQLite would read it into the restored journal. */
export function refuseExisting(path: string): void {
  const found = [path, `${path}-wal`].find(
    (name) => existsSync(name) && (name === path || statSync(name).size > 0),
  );
  if (found === undefined) return;
  throw new TidemarkError(
    'REQUEST_REFUSED',
    `There is ${found} already: a journal is put only where none is. Move the files of the old ` +
      'one away, its -wal and -shm too.',
    { fields: { path: found } },
  );
}
