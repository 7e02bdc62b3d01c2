/**
 * The single owner of an embedded journal: a lock on a second file, so that the journal stays readable.
 *
 * The lock is an open write transaction of `<path>.lock`, itself a small SQLite database. The operating
 * system releases it when the process ends, however it ends. Others may still read that file, so a refused
 * owner learns who holds the lock. The file is never removed: otherwise two processes could lock two files of
 * the same name.
 */
import { TidemarkError } from '../errors.ts';
import { hostname } from 'node:os';
import { DatabaseSync } from 'node:sqlite';
import { isJournalFailure, JournalFailure } from '../failure.ts';
import { failedRead, isSqliteError, SQLITE } from './errors.ts';

/** Writing the holder may collide with a refused owner that is reading it. */
const NOTE_TIMEOUT_MS = 2_000;

export interface OwnerLock {
  release(): void;
}

/**
 * Takes the lock at once. Throws JOURNAL_LOCKED, which names the journal and its holder, or JOURNAL_FULL or
 * JOURNAL_UNAVAILABLE, which name the lock, if it cannot be taken at all.
 */
export function takeOwnerLock(journalPath: string): OwnerLock {
  let db: DatabaseSync | null = null;
  try {
    db = new DatabaseSync(lockPath(journalPath), { timeout: 0 });
    begin(db, journalPath);
    writeHolder(db);
    // The holder must be committed to be readable, and the commit releases the lock. Take it again: somebody
    // else may be first.
    begin(db, journalPath);
  } catch (error) {
    db?.close();
    throw lockProblem(error, journalPath);
  }
  const held = db;
  return { release: () => held.close() };
}

function lockPath(journalPath: string): string {
  return `${journalPath}.lock`;
}

function lockProblem(cause: unknown, journalPath: string): TidemarkError {
  if (cause instanceof TidemarkError) return cause;
  const path = lockPath(journalPath);
  const problem = failedRead(cause, path);
  if (isJournalFailure(problem, 'full')) return problem;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new JournalFailure(
    'unavailable',
    `The lock ${path} of the journal cannot be taken (${reason}): check that its folder exists and ` +
      'may be written; if it is no file of Tidemark, move it away.',
    { fields: { path }, cause },
  );
}

function begin(db: DatabaseSync, journalPath: string): void {
  try {
    db.exec('BEGIN IMMEDIATE');
  } catch (cause) {
    if (isSqliteError(cause, SQLITE.BUSY)) throw lockedError(journalPath, readHolder(db));
    throw cause;
  }
}

function writeHolder(db: DatabaseSync): void {
  db.exec('CREATE TABLE IF NOT EXISTS holder (pid INTEGER NOT NULL, host TEXT NOT NULL) STRICT');
  db.exec('DELETE FROM holder');
  db.prepare('INSERT INTO holder (pid, host) VALUES (?, ?)').run(process.pid, hostname());
  db.exec(`PRAGMA busy_timeout = ${NOTE_TIMEOUT_MS}`);
  db.exec('COMMIT');
  db.exec('PRAGMA busy_timeout = 0');
}

interface Holder {
  readonly pid: number;
  readonly host: string;
}

/** Who holds the lock; null if unknown at the moment, because the holder is writing its note. */
function readHolder(db: DatabaseSync): Holder | null {
  try {
    const row = db.prepare('SELECT pid, host FROM holder').get();
    return row === undefined ? null : { pid: Number(row['pid']), host: String(row['host']) };
  } catch (error) {
    if (isSqliteError(error, SQLITE.BUSY, SQLITE.ERROR)) return null;
    throw error;
  }
}

function lockedError(journalPath: string, holder: Holder | null): TidemarkError {
  const by = holder === null ? 'another process' : `process ${holder.pid} on ${holder.host}`;
  return new JournalFailure(
    'locked',
    `The journal ${journalPath} is held by ${by}: an embedded journal has one coordinator. ` +
      'Stop that one, or share a job through the NATS journal. Another job needs a journal of its ' +
      'own: journal.sqlite.path.',
    { fields: { path: journalPath, pid: holder?.pid ?? null, host: holder?.host ?? null } },
  );
}
