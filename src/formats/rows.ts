/**
 * Formats whose files are groups of rows and a footer (Parquet). Such a file cannot be cut anywhere: rows are
 * in memory until their group ends. What a checkpoint holds of them is in a rows file beside the part file:
 * the log of its encoder, from which any later process restores it, whatever the job's configuration is by
 * then.
 */
import type { RecordCursor } from '../sources/port.ts';
import type { BadReason } from './format.ts';

/** Makes the rows of one partition. A flyweight of one router: nothing is allocated per record. */
export interface RowFormat {
  readonly type: 'rows';
  /**
   * Why the record at the cursor cannot be a row; null if it can. For a record whose file is not open yet.
   */
  check(record: RecordCursor): BadReason | null;
  /**
   * The row of the record at the cursor as one line, equal to its line of a file that is read back
   * (parquet/read/rowLines.ts). For a record that `check` has let pass; for others it throws INTERNAL.
   */
  rowText(record: RecordCursor): string;
  /** For a new file. */
  begin(): RowEncoder;
  /** For a file of an earlier owner that goes on in this format: its encoder, with the rows it had. */
  goOn(restored: RowEncoder): RowEncoder;
}

/** The rows of one part file. Does no input or output itself. */
export interface RowEncoder {
  /** Appends a row, or returns why there can be none: then nothing of it was appended. */
  append(record: RecordCursor): BadReason | null;
  /** In all, with those that are in no group yet. */
  readonly rows: number;
  /** In no group yet. */
  readonly rowsHeld: number;
  /** Whether the group should end. To be asked after each record. */
  readonly isFull: boolean;
  /** Memory that it takes, about; most of it for rows that are in no group. Not to be asked per record. */
  readonly memoryBytes: number;
  /** Bytes of the groups that have ended: where the part file ends, if all were written. */
  readonly lengthBytes: number;
  /** How long the file would be if it ended now, about. Not to be asked per record. */
  readonly estimatedBytes: number;
  /**
   * Ends the group: yields its bytes, each the caller's. Nothing happens before the first ones are asked for,
   * and nothing may be appended before all were taken. Without rows it yields nothing.
   */
  endGroup(): Generator<Uint8Array, void>;
  /** The same for a file that is written while records flow: other threads may do a part of the work. */
  endGroupBeside(): Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  /** What ends the file after its groups. */
  footer(): Uint8Array;
  /**
   * Of the log: the groups that have ended since the last call, and at its beginning a header. To be written
   * before the rows that were appended after them. Not while a group ends.
   */
  loggedGroups(): Uint8Array;
  /**
   * Of the log: the rows of this group that were appended since the last call; null if there are none. Not
   * while a group ends.
   */
  loggedRows(): Uint8Array | null;
}
