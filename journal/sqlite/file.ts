/** The file of an embedded journal: created complete or not at all, and identified before it is trusted. */
import { existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import type { TidemarkError } from '../errors.ts';
import { JournalFailure } from '../failure.ts';
import { JOURNAL_ID_PATTERN, journalId, type JournalId } from '../ids.ts';
import { removeDraft, syncPath } from '../backup/newFile.ts';
import { ENDS_SCHEMA, noteEnds } from './ends.ts';
import { damaged, failedRead } from './errors.ts';

/** "TDMK", in the file's header: no other program's database is mistaken for a journal. */
const APPLICATION_ID = 0x54_44_4d_4b;
const JOURNAL_FORMAT_VERSION = 1;

const SCHEMA = `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE entries (
    revision INTEGER PRIMARY KEY AUTOINCREMENT,
    subject TEXT NOT NULL,
    sha256 BLOB NOT NULL,
    bytes BLOB NOT NULL
  ) STRICT;
  CREATE INDEX entries_by_subject ON entries (subject, revision);
`;

/**
 * How long a writer waits for another process that files a request or reads, before it reports the journal as
 * busy.
 */
const BUSY_TIMEOUT_MS = 2_000;
/**
 * SQLite copies its log back into the file every 1,000 pages but never shortens the log. Without this limit,
 * a log that grew during a long read (a backup, say) would keep its size.
 */
const LOG_BYTES_MAX = 4 * 1024 * 1024;

/**
 * Creates an empty journal at `path`. Call it under the owner's lock. A crash at any point leaves no journal
 * or a complete one: it is built under another name, made durable and renamed.
 */
export function createJournalFile(path: string, id: JournalId): void {
  refuseLeftoverLog(path);
  const draft = `${path}.draft`;
  removeDraft(draft);
  const db = new DatabaseSync(draft);
  try {
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
    makeEmpty(db, id);
  } finally {
    db.close();
  }
  syncPath(draft);
  renameSync(draft, path);
  syncPath(dirname(path));
}

/** Makes an empty journal of a new database. */
export function makeEmpty(db: DatabaseSync, id: JournalId): void {
  db.exec(
    `PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${JOURNAL_FORMAT_VERSION}; ` +
      `${SCHEMA} ${ENDS_SCHEMA}`,
  );
  db.prepare("INSERT INTO meta (key, value) VALUES ('journalId', ?)").run(id);
}

/** SQLite would read the log of a deleted journal into the new one. */
function refuseLeftoverLog(path: string): void {
  const log = `${path}-wal`;
  if (!existsSync(log)) return;
  if (statSync(log).size > 0) {
    throw new JournalFailure(
      'corrupt',
      `The journal ${path} is gone, but its log ${log} is still there: restore the journal, or remove ` +
        'the log as well.',
      { fields: { path, log } },
    );
  }
  rmSync(log);
}

/** Creates the missing folders of `path`, each durable in its parent. */
export function createFolderOf(path: string): void {
  const missing: string[] = [];
  for (let folder = dirname(path); !existsSync(folder); folder = dirname(folder)) missing.unshift(folder);
  for (const folder of missing) {
    mkdirSync(folder, { recursive: true });
    syncPath(dirname(folder));
  }
}

export interface JournalFile {
  readonly db: DatabaseSync;
  readonly id: JournalId;
}

/** `own`: under the owner's lock. `file`: to file requests. */
export type FileAccess = 'own' | 'file' | 'read';

/** Opens an existing journal and verifies it before anything in it is changed. Never creates one. */
export function openJournalFile(path: string, access: FileAccess): JournalFile {
  if (!existsSync(path)) throw missingJournal(path);
  let db: DatabaseSync | null = null;
  try {
    const stat = statSync(path);
    if (!stat.isFile()) throw damaged(path);
    if (access !== 'read' && stat.nlink > 1) throw severalNames(path, stat.nlink);
    const url = pathToFileURL(path);
    url.searchParams.set('mode', access === 'read' ? 'ro' : 'rw');
    db = new DatabaseSync(url, { readOnly: access === 'read', timeout: BUSY_TIMEOUT_MS });
    const id = identify(db, path);
    if (access !== 'read') makeDurable(db, path);
    if (access === 'own') noteEnds(db);
    return { db, id };
  } catch (cause) {
    db?.close();
    throw failedRead(cause, path);
  }
}

/**
 * SQLite keeps a journal's log beside the name that was opened, and the lock is there as well: two names
 * would allow two owners.
 */
function severalNames(path: string, names: number): TidemarkError {
  return new JournalFailure(
    'locked',
    `The journal ${path} has ${names} names (hard links), and may have another owner under each: ` +
      'remove the others. To copy a journal use `tidemark journal backup`.',
    { fields: { path, names } },
  );
}

/** What an import writes before it has the journal's name; an import that was killed leaves it. */
export function importDraft(path: string): string {
  return `${path}.import`;
}

/** JOURNAL_IMPORT_UNFINISHED if an import was to make the journal, JOURNAL_MISSING otherwise. */
export function missingJournal(path: string): TidemarkError {
  const draft = importDraft(path);
  if (existsSync(draft)) {
    return new JournalFailure(
      'importUnfinished',
      `There is no journal ${path}, but what an import left that was not finished: ${draft}. Wait ` +
        'for it if it still runs, or run it again. To do without the import, remove that file.',
      { fields: { path, draft } },
    );
  }
  return new JournalFailure(
    'missing',
    `There is no journal ${path}: start the job once, or correct the path.`,
    { fields: { path } },
  );
}

function identify(db: DatabaseSync, path: string): JournalId {
  if (pragma(db, 'application_id') !== APPLICATION_ID) throw damaged(path);
  const version = Number(pragma(db, 'user_version'));
  if (version !== JOURNAL_FORMAT_VERSION) {
    throw new JournalFailure(
      'corrupt',
      `The journal ${path} has format ${version}; this Tidemark reads format ` +
        `${JOURNAL_FORMAT_VERSION}. Use the Tidemark that wrote it, or a newer one.`,
      { fields: { path, version } },
    );
  }
  const row = db.prepare("SELECT value FROM meta WHERE key = 'journalId'").get();
  const id = String(row?.['value']);
  if (row === undefined || !JOURNAL_ID_PATTERN.test(id)) throw damaged(path);
  return journalId(id);
}

/**
 * An acknowledged append survives a power loss: every commit is synced, on macOS also through the drive's own
 * cache.
 */
function makeDurable(db: DatabaseSync, path: string): void {
  const mode = pragma(db, 'journal_mode = WAL');
  db.exec('PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON');
  db.exec(`PRAGMA journal_size_limit = ${LOG_BYTES_MAX}`);
  if (mode === 'wal' && pragma(db, 'synchronous') === 2) return;
  throw new JournalFailure(
    'unavailable',
    `The journal ${path} cannot be written durably here (journal mode ${String(mode)}): put it on a ` +
      'local disk.',
    { fields: { path } },
  );
}

function pragma(db: DatabaseSync, text: string): unknown {
  const row = db.prepare(`PRAGMA ${text}`).get();
  return row === undefined ? null : Object.values(row)[0];
}
