/**
 * The end of each subject of an embedded journal and its number of entries, in a table beside the index that
 * also has them. A damaged index must neither shorten a subject nor hide a request, since no hash chain
 * protects requests.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** The trigger maintains the table, whoever appends. */
const TRIGGER = `
  CREATE TRIGGER entries_end AFTER INSERT ON entries BEGIN
    INSERT INTO ends VALUES (new.subject, new.revision, 1)
      ON CONFLICT (subject) DO UPDATE SET revision = excluded.revision, entries = entries + 1;
  END;
`;

export const ENDS_SCHEMA = `
  CREATE TABLE ends (subject TEXT PRIMARY KEY, revision INTEGER NOT NULL, entries INTEGER NOT NULL)
    STRICT, WITHOUT ROWID;
  INSERT INTO ends SELECT subject, max(revision), count(*) FROM entries GROUP BY subject;
  ${TRIGGER}
`;

/** Earlier journals noted only the revision. */
const COUNTS_ADDED = `
  ALTER TABLE ends ADD COLUMN entries INTEGER NOT NULL DEFAULT 0;
  UPDATE ends SET entries = found.entries
    FROM (SELECT subject, count(*) AS entries FROM entries GROUP BY subject) AS found
    WHERE found.subject = ends.subject;
  DROP TRIGGER entries_end;
  ${TRIGGER}
`;

/** What a journal notes: nothing (0.1.0), the end of each subject, or also its number of entries. */
export type EndsKind = 'none' | 'revisions' | 'counted';

export function endsOf(db: DatabaseSync): EndsKind {
  const columns = db
    .prepare("SELECT name FROM pragma_table_info('ends')")
    .all()
    .map(({ name }) => name);
  if (columns.length === 0) return 'none';
  return columns.includes('entries') ? 'counted' : 'revisions';
}

/** Upgrades an older journal. Call it under the owner's lock. */
export function noteEnds(db: DatabaseSync): void {
  const kind = endsOf(db);
  if (kind === 'counted') return;
  db.exec(`BEGIN IMMEDIATE; ${kind === 'none' ? ENDS_SCHEMA : COUNTS_ADDED} COMMIT`);
}

/**
 * Entries of `:subject` that the index leads to and that belong to the subject. The index holds each revision
 * twice, in its key and as the row id. Only the row id is used, and its entry is compared with the index.
 */
const LED_TO = `entries i CROSS JOIN entries t NOT INDEXED ON t.revision = i.revision
  WHERE i.subject = :subject AND t.subject = :subject`;

export interface RequestStatements {
  /** `indexed`: number of entries of `:subject` that are found; `noted`: number that there should be. */
  readonly count: StatementSync;
  /** The first `:limit` requests in (`:after`, `:last`]. */
  readonly read: StatementSync;
}

/** Null if the journal does not count entries. */
export function prepareRequests(db: DatabaseSync): RequestStatements | null {
  if (endsOf(db) !== 'counted') return null;
  return {
    count: db.prepare(`SELECT (SELECT count(DISTINCT t.revision) FROM ${LED_TO}) AS indexed,
      (SELECT entries FROM ends WHERE subject = :subject) AS noted`),
    // The plus prevents a range scan over the index's key.
    read: db.prepare(`SELECT DISTINCT t.revision, t.sha256, t.bytes FROM ${LED_TO}
      AND +t.revision > :after AND +t.revision <= :last ORDER BY t.revision LIMIT :limit`),
  };
}
