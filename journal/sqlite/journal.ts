/**
 * The embedded journal: one SQLite file on a local disk (node:sqlite, write-ahead log, synchronous = FULL).
 *
 * One process owns it and appends; others may read it and file requests meanwhile. The SHA-256 of every entry
 * is stored beside it, so that a flipped bit in the last entry, which no later one chains to, is also
 * detected.
 */
import { TidemarkError } from '../errors.ts';
import { hash, randomUUID } from 'node:crypto';
import { existsSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { JournalFailure } from '../failure.ts';
import { journalId, type JournalId, type Subject } from '../ids.ts';
import type { AppendOutcome, Journal, Revision, StoredEntry } from '../port.ts';
import { endsOf, prepareRequests, type RequestStatements } from './ends.ts';
import { damaged, failedAppend, failedRead, isForbidden } from './errors.ts';
import { createFolderOf, createJournalFile, missingJournal, openJournalFile } from './file.ts';
import { insertSnapshot, readSnapshots, snapshotNotKept } from './snapshots.ts';
import { takeOwnerLock, type OwnerLock } from './lock.ts';

/** Of an entry, by default. */
export const ENTRY_BYTES_MAX = 8 * 1024 * 1024;
const READ_BATCH_ENTRIES = 512;
const READ_BATCH_BYTES = 4 * 1024 * 1024;

export interface SqliteJournalOptions {
  /** Path of the journal file; its lock is `<path>.lock`. */
  readonly path: string;
  /**
   * `own`: the one process that appends. `read`: reads and files requests, even while another process owns
   * it.
   */
  readonly access: 'own' | 'read';
  /** Whether a missing journal is created, with missing folders. Only with `own`. */
  readonly createIfMissing: boolean;
  readonly entryBytesMax?: number;
  /** Largest size of the file. Beyond it, appends are refused as on a full disk. */
  readonly sizeBytesMax?: number;
  /** Id of a journal that is created; random by default. */
  readonly newId?: () => string;
}

/**
 * Opens the journal. Rejects with JOURNAL_LOCKED if another process owns it, JOURNAL_MISSING if there is
 * none, JOURNAL_CORRUPT if the file is not a journal of this format, JOURNAL_UNAVAILABLE if it cannot be
 * opened.
 */
export async function openSqliteJournal(options: SqliteJournalOptions): Promise<Journal> {
  try {
    if (options.access === 'own' && options.createIfMissing) createFolderOf(resolve(options.path));
    const path = realPath(options.path);
    return options.access === 'read' ? openWith({ ...options, path }, null) : own({ ...options, path });
  } catch (cause) {
    throw failedRead(cause, options.path);
  }
}

function own(options: SqliteJournalOptions): Journal {
  const { path, createIfMissing, newId = randomUUID } = options;
  if (!createIfMissing && !existsSync(path)) throw missingJournal(path);
  const lock = takeOwnerLock(path);
  try {
    if (!existsSync(path)) createJournalFile(path, journalId(newId()));
    return openWith(options, lock);
  } catch (error) {
    lock.release();
    throw error;
  }
}

function openWith(options: SqliteJournalOptions, lock: OwnerLock | null): Journal {
  const { db, id } = openJournalFile(options.path, lock === null ? 'read' : 'own');
  try {
    return new SqliteJournal(options, db, id, lock);
  } catch (error) {
    db.close();
    throw error;
  }
}

/** A journal has one lock, whichever links lead to it. */
export function realPath(path: string): string {
  const absolute = resolve(path);
  const folder = dirname(absolute);
  if (existsSync(absolute)) return realpathSync(absolute);
  return existsSync(folder) ? join(realpathSync(folder), basename(absolute)) : absolute;
}

class SqliteJournal implements Journal {
  readonly id: JournalId;
  readonly entryBytesMax: number;
  readonly #path: string;
  readonly #db: DatabaseSync;
  readonly #lock: OwnerLock | null;
  readonly #fileId: string;
  readonly #statements: Statements;
  /** Used to file requests without owning the journal; opened at the first request. */
  #requests: DatabaseSync | null = null;

  constructor(options: SqliteJournalOptions, db: DatabaseSync, id: JournalId, lock: OwnerLock | null) {
    this.id = id;
    this.entryBytesMax = options.entryBytesMax ?? ENTRY_BYTES_MAX;
    this.#path = options.path;
    this.#db = db;
    this.#lock = lock;
    this.#fileId = fileIdOf(this.#path);
    this.#statements = prepare(db);
    if (lock !== null && options.sizeBytesMax !== undefined) limitSize(db, options.sizeBytesMax);
  }

  async append(subject: Subject, expected: Revision, bytes: Uint8Array): Promise<AppendOutcome> {
    if (this.#lock === null) throw this.#readOnly();
    if (bytes.byteLength > this.entryBytesMax) {
      return { type: 'refused', retryable: false, cause: this.#tooLarge(bytes.byteLength) };
    }
    try {
      this.#checkSameFile();
      return inTransaction(this.#db, () => {
        const lastRevision = this.#lastRevision(subject);
        if (lastRevision !== expected) return { type: 'conflict', lastRevision };
        return { type: 'appended', revision: this.#insert(this.#statements.insert, subject, bytes) };
      });
    } catch (cause) {
      return failedAppend(cause, this.#path);
    }
  }

  /** The end is determined when the iteration starts. */
  read(subject: Subject, after: Revision): AsyncGenerator<readonly StoredEntry[]> {
    return this.#readBy(this.#statements.read, subject, after);
  }

  async *#readBy(
    statement: StatementSync,
    subject: Subject,
    after: Revision,
  ): AsyncGenerator<readonly StoredEntry[]> {
    try {
      const last = this.#lastRevision(subject);
      let from = after;
      while (from < last) {
        const batch = this.#readBatch(statement, { subject, after: from, last });
        const end = batch.at(-1)?.revision;
        if (end === undefined) throw this.#disagree(subject, from, last);
        from = end;
        yield batch;
        // Reading is synchronous, so other partitions of this process get their turn between two batches.
        await new Promise((turn) => setImmediate(turn));
      }
    } catch (cause) {
      throw failedRead(cause, this.#path);
    }
  }

  async subjects(prefix: string): Promise<readonly Subject[]> {
    try {
      return this.#statements.subjects.all({ prefix }).map((row) => row['subject'] as Subject);
    } catch (cause) {
      throw failedRead(cause, this.#path);
    }
  }

  async fileRequest(subject: Subject, bytes: Uint8Array): Promise<Revision> {
    if (bytes.byteLength > this.entryBytesMax) throw this.#tooLarge(bytes.byteLength);
    try {
      if (this.#lock === null) this.#requests ??= openJournalFile(this.#path, 'file').db;
      const db = this.#requests ?? this.#db;
      return inTransaction(db, () => this.#insert(db.prepare(INSERT), subject, bytes));
    } catch (cause) {
      if (cause instanceof TidemarkError) throw cause;
      const outcome = failedAppend(cause, this.#path);
      throw new JournalFailure(
        'unavailable',
        outcome.type === 'refused'
          ? `The request was not filed in ${this.#path}: ${messageOf(outcome.cause)} ${whatHelps(cause)}`
          : `The request may or may not have been filed in ${this.#path}: see the status before ` +
              'trying again.',
        { fields: { path: this.#path }, cause },
      );
    }
  }

  /** No hash chain protects requests: one that the index misses is detected by their number. */
  async *requests(subject: Subject, after: Revision): AsyncGenerator<readonly StoredEntry[]> {
    const { requests, read } = this.#statements;
    try {
      if (this.#lastRevision(subject) <= after) return;
      if (requests !== null) this.#checkCount(requests, subject);
    } catch (cause) {
      throw failedRead(cause, this.#path);
    }
    yield* this.#readBy(requests?.read ?? read, subject, after);
  }

  async writeSnapshot(subject: Subject, bytes: Uint8Array): Promise<void> {
    if (this.#lock === null) throw this.#readOnly();
    try {
      inTransaction(this.#db, () => {
        insertSnapshot(this.#db, subject, bytes);
      });
    } catch (cause) {
      throw snapshotNotKept(this.#path, cause);
    }
  }

  async *snapshots(subject: Subject): AsyncGenerator<Uint8Array> {
    yield* readSnapshots(this.#db, this.#path, subject);
  }

  async close(): Promise<void> {
    if (!this.#db.isOpen) return;
    this.#requests?.close();
    this.#db.close();
    this.#lock?.release();
  }

  /** Throws JOURNAL_CORRUPT if the index and the table of ends differ. */
  #lastRevision(subject: Subject): Revision {
    const row = this.#statements.last.get({ subject });
    const [indexed, noted] = [Number(row?.['indexed'] ?? 0), Number(row?.['noted'] ?? 0)];
    if (indexed !== noted) throw this.#disagree(subject, indexed, noted);
    return indexed;
  }

  #checkCount({ count }: RequestStatements, subject: Subject): void {
    const row = count.get({ subject });
    if (row === undefined || row['indexed'] === row['noted']) return;
    const [indexed, noted] = [Number(row['indexed']), Number(row['noted'])];
    throw new JournalFailure(
      'corrupt',
      `The journal ${this.#path} notes ${noted} entries of ${subject}, and its index leads to ` +
        `${indexed}: it is damaged. Restore the journal from a copy.`,
      { fields: { path: this.#path, noted, found: indexed } },
    );
  }

  #insert(statement: StatementSync, subject: Subject, bytes: Uint8Array): Revision {
    const { lastInsertRowid } = statement.run(subject, hash('sha256', bytes, 'buffer'), bytes);
    const revision = Number(lastInsertRowid);
    // No counter that began at 1 gets this far, and it would be read back as another number.
    if (!Number.isSafeInteger(revision)) throw damaged(this.#path);
    return revision;
  }

  #disagree(subject: Subject, found: Revision, noted: Revision): TidemarkError {
    return new JournalFailure(
      'corrupt',
      `The journal ${this.#path} notes revision ${noted} as the end of ${subject}, and its index ` +
        `leads to ${found}: it is damaged. Restore the journal from a copy.`,
      { fields: { path: this.#path, revision: noted, found } },
    );
  }

  #readBatch(
    statement: StatementSync,
    range: { readonly subject: Subject; readonly after: Revision; readonly last: Revision },
  ): StoredEntry[] {
    const batch: StoredEntry[] = [];
    let bytesRead = 0;
    for (const row of statement.iterate({ ...range, limit: READ_BATCH_ENTRIES })) {
      const revision = Number(row['revision']);
      const bytes = row['bytes'] as Uint8Array;
      if (!hash('sha256', bytes, 'buffer').equals(row['sha256'] as Uint8Array))
        throw this.#flipped(range.subject, revision);
      batch.push({ revision, bytes });
      bytesRead += bytes.byteLength;
      if (bytesRead >= READ_BATCH_BYTES) break;
    }
    return batch;
  }

  /**
   * If the journal was moved, restored or deleted under its owner, no restart would ever find the appends.
   */
  #checkSameFile(): void {
    if (fileIdOf(this.#path) === this.#fileId) return;
    throw new JournalFailure(
      'replaced',
      `The journal ${this.#path} was moved, deleted or replaced while it was in use: put it back and ` +
        'start again.',
      { fields: { path: this.#path } },
    );
  }

  #readOnly(): TidemarkError {
    return new TidemarkError(
      'INTERNAL',
      `The journal ${this.#path} was opened for reading: nothing was written.`,
    );
  }

  #flipped(subject: Subject, revision: Revision): TidemarkError {
    return new JournalFailure(
      'corrupt',
      `The entry at revision ${revision} of ${subject} in ${this.#path} is not what was written: ` +
        'restore the journal from a copy.',
      { fields: { path: this.#path, revision } },
    );
  }

  #tooLarge(bytes: number): TidemarkError {
    return new JournalFailure(
      'entryTooLarge',
      `${bytes} bytes are over the limit of ${this.entryBytesMax} of the journal ${this.#path}.`,
      { fields: { bytes, bytesMax: this.entryBytesMax } },
    );
  }
}

const INSERT = 'INSERT INTO entries (subject, sha256, bytes) VALUES (?, ?, ?)';

interface Statements {
  readonly insert: StatementSync;
  readonly last: StatementSync;
  readonly requests: RequestStatements | null;
  readonly read: StatementSync;
  readonly subjects: StatementSync;
}

function prepare(db: DatabaseSync): Statements {
  const withEnds = endsOf(db) !== 'none';
  const indexed = '(SELECT max(revision) FROM entries WHERE subject = :subject)';
  return {
    insert: db.prepare(INSERT),
    // One statement, so that no append comes in between.
    last: db.prepare(
      `SELECT ${indexed} AS indexed,
         ${withEnds ? '(SELECT revision FROM ends WHERE subject = :subject)' : indexed} AS noted`,
    ),
    requests: prepareRequests(db),
    read: db.prepare(
      `SELECT revision, sha256, bytes FROM entries
       WHERE subject = :subject AND revision > :after AND revision <= :last ORDER BY revision LIMIT :limit`,
    ),
    // Skips from subject to subject along the index instead of scanning every entry. Includes subjects that
    // only the table of ends still has.
    subjects: db.prepare(
      `WITH RECURSIVE found (subject) AS (
         SELECT min(subject) FROM entries WHERE subject >= :prefix
         UNION ALL
         SELECT (SELECT min(e.subject) FROM entries e WHERE e.subject > found.subject)
         FROM found WHERE substr(found.subject, 1, length(:prefix)) = :prefix
       )
       SELECT subject FROM found WHERE substr(subject, 1, length(:prefix)) = :prefix
       ${withEnds ? 'UNION SELECT subject FROM ends WHERE substr(subject, 1, length(:prefix)) = :prefix' : ''}
       ORDER BY subject`,
    ),
  };
}

function inTransaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

function whatHelps(cause: unknown): string {
  return isForbidden(cause) ? 'Run the command as the user that the coordinator runs as.' : 'Try again.';
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

function limitSize(db: DatabaseSync, sizeBytesMax: number): void {
  const pageBytes = Number(db.prepare('PRAGMA page_size').get()?.['page_size']);
  db.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(sizeBytesMax / pageBytes))}`);
}

/** Device and inode, or `gone`. */
function fileIdOf(path: string): string {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? 'gone' : `${stat.dev}:${stat.ino}`;
}
