/**
 * Builds an embedded journal from a checked copy of any journal: under another name, which the complete one
 * loses at its end. Revisions are kept, and so are the requests and their ids.
 */
import { hash } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { checkWhole } from '../backup/check.ts';
import { refuseTooLarge, type CheckedCopy } from '../backup/checkedCopy.ts';
import { publishDraft, removeDraft } from '../backup/newFile.ts';
import { TidemarkError } from '../errors.ts';
import { interrupted, NOTHING_WRITTEN, type ImportFound, type JournalImporting } from '../importing.ts';
import { foldered, refuseExisting } from './backup.ts';
import { failedRead } from './errors.ts';
import { importDraft, makeEmpty } from './file.ts';
import { ENTRY_BYTES_MAX, openSqliteJournal } from './journal.ts';
import { takeOwnerLock } from './lock.ts';

export interface SqliteImport extends JournalImporting {
  /** Path of the journal. */
  readonly path: string;
  readonly entryBytesMax?: number;
}

/**
 * Rejects with REQUEST_REFUSED if there is a journal, JOURNAL_LOCKED if it is owned, JOURNAL_ENTRY_TOO_LARGE
 * if an entry has no room, JOURNAL_IMPORT_UNFINISHED if the signal ended it. In these cases nothing is left.
 */
export async function importSqlite(options: SqliteImport): Promise<ImportFound> {
  const { copy, signal } = options;
  const bytesMax = options.entryBytesMax ?? ENTRY_BYTES_MAX;
  refuseTooLarge(copy, { bytesMax, of: 'an SQLite journal', help: 'use the NATS journal' });
  const path = foldered(options.path);
  const lock = takeOwnerLock(path);
  const draft = importDraft(path);
  try {
    refuseExisting(path);
    removeDraft(draft);
    await fill(draft, options);
    await checkWritten(draft, options);
    signal.throwIfAborted();
    refuseExisting(path);
    // Renamed: a link would give it two names for a moment, and an owner refuses that.
    publishDraft(draft, path, true);
    return { ...copy.found, entriesThere: 0, requestsLeftOut: 0 };
  } catch (cause) {
    throw signal.aborted ? interrupted(NOTHING_WRITTEN, cause) : failedRead(cause, path);
  } finally {
    removeDraft(draft);
    lock.release();
  }
}

async function fill(draft: string, { copy, onProgress, signal }: SqliteImport): Promise<void> {
  const db = new DatabaseSync(draft);
  try {
    // A crash leaves a draft, which nobody opens: it is durable when it gets the journal's name.
    db.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF');
    makeEmpty(db, copy.journalId);
    const insert = db.prepare('INSERT INTO entries (revision, subject, sha256, bytes) VALUES (?, ?, ?, ?)');
    const done = { entries: 0, bytes: 0 };
    for (const { subject } of copy.subjects) {
      for await (const batch of copy.read(subject)) {
        signal.throwIfAborted();
        db.exec('BEGIN');
        for (const { revision, bytes } of batch) {
          insert.run(revision, subject, hash('sha256', bytes, 'buffer'), bytes);
          done.entries += 1;
          done.bytes += bytes.byteLength;
        }
        db.exec('COMMIT');
        onProgress({ ...done });
      }
    }
    countOn(db, copy);
  } finally {
    db.close();
  }
}

/** Reads everything again, as an owner would. */
async function checkWritten(draft: string, { copy, signal }: SqliteImport): Promise<void> {
  const { job, found } = copy;
  const journal = await openSqliteJournal({ path: draft, access: 'read', createIfMissing: false });
  try {
    const { entries } = await checkWhole(journal, job, () => signal.throwIfAborted());
    if (entries === found.entries) return;
    throw new TidemarkError('INTERNAL', `${draft} holds ${entries} of ${found.entries} entries.`);
  } finally {
    await journal.close();
  }
}

/** The next revision is above every entry's, and above every request that the entries answer. */
function countOn(db: DatabaseSync, { lastRevision }: CheckedCopy): void {
  db.prepare("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'entries'").run(lastRevision);
}
