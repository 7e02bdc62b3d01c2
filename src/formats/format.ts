/**
 * How the records of a job become the content of its part files: lines, and perhaps compression of the lines.
 */
import type { TopicPartition } from '../../journal/ids.ts';
import type { RecordCursor } from '../sources/port.ts';
import type { Codec, CodecName } from './compression/codec.ts';

/** Why a record cannot be written. Stable: counted by it, and written to the file of bad records. */
export type BadReason = 'invalid-json' | 'invalid-utf8' | 'null-value' | 'too-deep';

/**
 * Makes the line of one record after another. A flyweight of one router: nothing is allocated per record.
 */
export interface LineFormat {
  /** Whether each line is the record's value as it is. Then the kernel may copy it (kernels/lines.ts). */
  readonly isValue: boolean;
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
  /** Null: files hold the lines as they are. */
  readonly codec: Codec | null;
  readonly tombstones: Tombstones;
  /** For the router of one partition. */
  linesOf(partition: TopicPartition): LineFormat;
}

/**
 * Whether the record at the cursor has a line, which `lines` then holds: null. Else why it is bad, or
 * `left-out` if it has no value and the job leaves such records out.
 */
export function whyNoLine(
  { lines, tombstones }: { readonly lines: LineFormat; readonly tombstones: Tombstones },
  record: RecordCursor,
): BadReason | 'left-out' | null {
  if (record.valueStart >= 0 || tombstones === 'keep') return lines.encode(record);
  return tombstones === 'skip' ? 'left-out' : 'null-value';
}

/** `text` or `json`, with the codec's name if there is one. */
export function formatId(lines: string, codec: Codec | null): string {
  return codec === null ? lines : `${lines}.${codec.name}`;
}

/** Of a journaled format; null if its files hold lines as they are. */
export function codecOf(format: string): CodecName | null {
  const name = format.slice(format.lastIndexOf('.') + 1);
  return name === 'gzip' || name === 'zstd' ? name : null;
}
