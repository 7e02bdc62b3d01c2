/** The snapshots of an embedded journal: a table beside the entries, created with the first snapshot. */
import type { DatabaseSync } from 'node:sqlite';
import type { TidemarkError } from '../errors.ts';
import { JournalFailure } from '../failure.ts';
import type { Subject } from '../ids.ts';
import { SNAPSHOTS_KEPT } from '../port.ts';
import { failedRead } from './errors.ts';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS snapshots (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    subject TEXT NOT NULL,
    bytes BLOB NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS snapshots_by_subject ON snapshots (subject, number);
`;
const REMOVE_OLDER = `
  DELETE FROM snapshots WHERE subject = :subject AND number NOT IN
    (SELECT number FROM snapshots WHERE subject = :subject ORDER BY number DESC LIMIT ${SNAPSHOTS_KEPT})
`;

/** Call it in a transaction. */
export function insertSnapshot(db: DatabaseSync, subject: Subject, bytes: Uint8Array): void {
  db.exec(SCHEMA);
  db.prepare('INSERT INTO snapshots (subject, bytes) VALUES (?, ?)').run(subject, bytes);
  db.prepare(REMOVE_OLDER).run({ subject });
}

/** Newest first. */
export function readSnapshots(db: DatabaseSync, path: string, subject: Subject): readonly Uint8Array[] {
  try {
    const isThere = db
      .prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'snapshots'")
      .get();
    if (isThere === undefined) return [];
    const rows = db
      .prepare('SELECT bytes FROM snapshots WHERE subject = ? ORDER BY number DESC')
      .all(subject);
    return rows.map(({ bytes }) => bytes as Uint8Array);
  } catch (cause) {
    throw failedRead(cause, path);
  }
}

export function snapshotNotKept(path: string, cause: unknown): TidemarkError {
  return new JournalFailure(
    'unavailable',
    `A snapshot was not written to ${path}: the next replay is longer, nothing is lost.`,
    { fields: { path }, cause },
  );
}
