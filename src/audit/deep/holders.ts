/**
 * Part files of one partition, by the offset at which they begin. They are in a temporary SQLite database,
 * which is on disk where it grows: a partition may have millions.
 */
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { crc64Hex, type Crc64Hex } from '../../../journal/ids.ts';

/** What the journal says of a file: which records it holds, and what they come to. */
export interface Holder {
  readonly uri: string;
  readonly bucket: string;
  readonly firstOffset: bigint;
  readonly lastOffset: bigint;
  readonly records: number;
  readonly length: number;
  readonly crc64: Crc64Hex;
  readonly isCommitted: boolean;
  /** As journaled: `text`, `json.zstd`, ... */
  readonly format: string;
  /** Of the log that it was read from: 1, plus 1 for each accepted truncation. */
  readonly generation: number;
}

export class Holders {
  // The empty name makes a private database that is removed when it is closed.
  readonly #database = new DatabaseSync('');
  readonly #add: StatementSync;

  constructor() {
    this.#database.exec(
      'PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;' +
        'CREATE TABLE holders (first INTEGER, last INTEGER, records INTEGER, length INTEGER, ' +
        'generation INTEGER, committed INTEGER, uri TEXT, bucket TEXT, crc64 TEXT, format TEXT); BEGIN',
    );
    this.#add = this.#database.prepare('INSERT INTO holders VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  }

  add({
    firstOffset,
    lastOffset,
    records,
    length,
    generation,
    isCommitted,
    uri,
    bucket,
    crc64,
    format,
  }: Holder): void {
    this.#add.run(
      ...([firstOffset, lastOffset, records, length, generation, isCommitted ? 1 : 0] as const),
      ...([uri, bucket, crc64, format] as const),
    );
  }

  *inOrder(): Generator<Holder, undefined> {
    const all = this.#database.prepare('SELECT * FROM holders ORDER BY first, last, uri');
    all.setReadBigInts(true);
    for (const row of all.iterate()) {
      yield {
        firstOffset: row['first'] as bigint,
        lastOffset: row['last'] as bigint,
        records: Number(row['records']),
        length: Number(row['length']),
        generation: Number(row['generation']),
        isCommitted: row['committed'] === 1n,
        ...{ uri: String(row['uri']), bucket: String(row['bucket']), crc64: crc64Hex(String(row['crc64'])) },
        format: String(row['format']),
      };
    }
  }

  clear(): void {
    this.#database.exec('DELETE FROM holders');
  }

  close(): void {
    this.#database.close();
  }
}
