/**
 * Where each subject of an embedded journal ends, and how many entries it has: noted beside the index that says so too. A damaged index must
 * not make a subject a shorter one, nor hide one of its requests, which no hash chain holds together.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** The trigger keeps it, whoever appends. */
const TRIGGER = `
  CREATE TRIGGER entries_end AFTER INSERT ON entries BEGIN
    INSERT INTO ends VALUES (new.subject, new.revision, 1)
      ON CONFLICT (subject) DO UPDATE SET revision = excluded.revision, entries = entries + 1;
  END;
`;

export const ENDS_SCHEMA = `
  CREATE TABLE ends (subject TEXT PRIMARY KEY, revision INTEGER NOT NULL, entries INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  INSERT INTO ends SELECT subject, max(revision), count(*) FROM entries GROUP BY subject;
  ${TRIGGER}
`;

/** Journals of before noted the revision alone. */
const COUNTS_ADDED = `
  ALTER TABLE ends ADD COLUMN entries INTEGER NOT NULL DEFAULT 0;
  UPDATE ends SET entries = found.entries
    FROM (SELECT subject, count(*) AS entries FROM entries GROUP BY subject) AS found WHERE found.subject = ends.subject;
  DROP TRIGGER entries_end;
  ${TRIGGER}
`;

/** What a journal notes: nothing (0.1.0), where each subject ends, or also how many entries it has. */
export type EndsKind = 'none' | 'revisions' | 'counted';

export function endsOf(db: DatabaseSync): EndsKind {
  const columns = db
    .prepare("SELECT name FROM pragma_table_info('ends')")
    .all()
    .map(({ name }) => name);
  if (columns.length === 0) return 'none';
  return columns.includes('entries') ? 'counted' : 'revisions';
}

/** Brings an older journal up to date; under the owner's lock. */
export function noteEnds(db: DatabaseSync): void {
  const kind = endsOf(db);
  if (kind === 'counted') return;
  db.exec(`BEGIN IMMEDIATE; ${kind === 'none' ? ENDS_SCHEMA : COUNTS_ADDED} COMMIT`);
}

/**
 * Entries of `:subject` as the index leads to them, each to its own and to no other's. The index holds each revision twice, in its key and as
 * the row: only the row is taken, and what it says is compared with the entry itself.
 */
const LED_TO = `entries i CROSS JOIN entries t NOT INDEXED ON t.revision = i.revision
  WHERE i.subject = :subject AND t.subject = :subject`;

export interface RequestStatements {
  /** `indexed`: how many entries of `:subject` are found; `noted`: how many there are. */
  readonly count: StatementSync;
  /** Those in (`:after`, `:last`], the first `:limit`. */
  readonly read: StatementSync;
}

/** Null where the journal counts no entries. */
export function prepareRequests(db: DatabaseSync): RequestStatements | null {
  if (endsOf(db) !== 'counted') return null;
  return {
    count: db.prepare(`SELECT (SELECT count(DISTINCT t.revision) FROM ${LED_TO}) AS indexed,
      (SELECT entries FROM ends WHERE subject = :subject) AS noted`),
    // With a plus: a range of the index's key would be taken.
    read: db.prepare(`SELECT DISTINCT t.revision, t.sha256, t.bytes FROM ${LED_TO}
      AND +t.revision > :after AND +t.revision <= :last ORDER BY t.revision LIMIT :limit`),
  };
}
