/**
 * Files with names of the job that the destination has shown, until the journal accounts for them. They are
 * in a temporary SQLite database, which is on disk where it grows: a destination may hold millions.
 */
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { StoredFile } from '../stores/reading.ts';

/** Rows in one transaction. */
const ROWS_MAX = 10_000;

export interface SeenFile {
  readonly uri: string;
  readonly length: number;
}

export class SeenFiles {
  // The empty name makes a private database that is removed when it is closed.
  readonly #database = new DatabaseSync('');
  readonly #add: StatementSync;
  readonly #remove: StatementSync;
  #rows = 0;

  constructor() {
    this.#database.exec(
      'PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;' +
        'CREATE TABLE seen (uri TEXT PRIMARY KEY, length INTEGER NOT NULL) WITHOUT ROWID; BEGIN',
    );
    this.#add = this.#database.prepare('INSERT OR REPLACE INTO seen VALUES (?, ?)');
    this.#remove = this.#database.prepare('DELETE FROM seen WHERE uri = ?');
  }

  add({ uri, length }: Pick<StoredFile, 'uri' | 'length'>): void {
    this.#add.run(uri, length);
    this.#touched();
  }

  /** The journal accounts for this file. */
  remove(uri: string): void {
    this.#remove.run(uri);
    this.#touched();
  }

  /** Files that are left, by name. */
  *left(): Generator<SeenFile> {
    const rows = this.#database.prepare('SELECT uri, length FROM seen ORDER BY uri').iterate();
    for (const { uri, length } of rows) yield { uri: String(uri), length: Number(length) };
  }

  close(): void {
    this.#database.close();
  }

  #touched(): void {
    this.#rows += 1;
    if (this.#rows < ROWS_MAX) return;
    this.#rows = 0;
    this.#database.exec('COMMIT; BEGIN');
  }
}
