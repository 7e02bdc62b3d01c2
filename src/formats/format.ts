/**
 * How the records of a job become the content of its part files: lines, and perhaps compression of the lines.
 */
import type { TopicPartition } from '../../journal/ids.ts';
import type { BulkLines } from '../../kernels/lines.ts';
import type { RecordCursor } from '../sources/port.ts';
import type { Codec } from './compression/codec.ts';
import { CODECS } from './compression/codecs.ts';
import type { RowFormat } from './rows.ts';

/**
 * Why a record cannot be written. Stable: counted by it, and written to the file of bad records. Those from
 * `not-an-object` on: it does not fit the schema (src/formats/parquet/badValue.ts).
 */
export type BadReason =
  | 'line-feed'
  | 'invalid-json'
  | 'invalid-utf8'
  | 'null-value'
  | 'too-deep'
  | 'not-an-object'
  | 'duplicate-key'
  | 'missing-field'
  | 'wrong-type'
  | 'out-of-range'
  | 'precision'
  | 'invalid-text'
  | 'wrong-length'
  | 'not-a-symbol';

/**
 * Makes the line of one record after another. A flyweight of one router: nothing is allocated per record.
 */
export interface LineFormat {
  readonly type: 'lines';
  /**
   * What the kernel may write by itself (kernels/lines.ts): what `encode` makes, byte for byte. Null:
   * nothing.
   */
  readonly inBulk: BulkLines | null;
  /** What `encode` made: bytes[start, end), without a line feed. Valid until the next call. */
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  /** Makes the line of the record at the cursor; or returns why there can be none. */
  encode(record: RecordCursor): BadReason | null;
}

/** What becomes of records without a value; `keep` only where a line can say so. */
export type Tombstones = 'skip' | 'keep' | 'bad';

export interface PartFormat {
  /**
   * Journaled for every part file, like `text` or `json.zstd`. A file is continued only under the format that
   * it was opened with.
   */
  readonly id: string;
  /** Of files of lines. Null: they hold the lines as they are. */
  readonly codec: Codec | null;
  readonly tombstones: Tombstones;
  /** For the router of one partition. */
  recordsOf(partition: TopicPartition): RecordFormat;
}

export type RecordFormat = LineFormat | RowFormat;

/** What decides whether a record is written. */
export interface WritingRule {
  readonly records: RecordFormat;
  readonly tombstones: Tombstones;
}

/**
 * Null if the record at the cursor can be written; a line is made then. Else why it is bad, or `left-out` if
 * it has no value and the job leaves such records out.
 */
export function whyNotWritten(rule: WritingRule, record: RecordCursor): BadReason | 'left-out' | null {
  const { records } = rule;
  const reason = whyNoValue(rule, record);
  if (reason !== null) return reason;
  return records.type === 'lines' ? records.encode(record) : records.check(record);
}

/** The same as far as it is about records without a value. */
export function whyNoValue(
  { tombstones }: Pick<WritingRule, 'tombstones'>,
  { valueStart }: RecordCursor,
): 'null-value' | 'left-out' | null {
  if (valueStart >= 0 || tombstones === 'keep') return null;
  return tombstones === 'skip' ? 'left-out' : 'null-value';
}

/** `text` or `json`, with the codec's name if there is one. */
export function formatId(lines: string, codec: Codec | null): string {
  return codec === null ? lines : `${lines}.${codec.name}`;
}

/** Of a journaled format; null if its files hold lines as they are. */
export function codecOf(format: string): string | null {
  const end = format.slice(format.lastIndexOf('.') + 1);
  return CODECS.find(({ name }) => name === end)?.name ?? null;
}
