/**
 * What a record of the source is in the files: its bucket and its line, by the format of today. The line of a
 * row is its text. If the job had another format before, its files cannot be compared so.
 */
import type { BucketAssigner } from '../../../actors/buckets/rule.ts';
import type { TopicPartition } from '../../../journal/ids.ts';
import type { BadRule } from '../../config/jobConfig.ts';
import { BAD_BUCKET, BadLine } from '../../formats/bad/badLine.ts';
import {
  whyNotWritten,
  type LineFormat,
  type PartFormat,
  type WritingRule as JudgingRule,
} from '../../formats/format.ts';
import type { RecordCursor } from '../../sources/port.ts';

/** How the job writes today. */
export interface WritingRule {
  readonly format: PartFormat;
  readonly bad: Pick<BadRule, 'to'>;
  /** Whether every start of the job wrote so. Else it is not known which line a record is, and where. */
  readonly isKnown: boolean;
  /** Null if it is not known which bucket each record went to. */
  readonly assigner: BucketAssigner | null;
}

/** `key` is the bucket, or one text for all if buckets are not known. */
export type RecordPlace =
  { readonly type: 'line'; readonly key: string } | { readonly type: 'noValue' } | { readonly type: 'bad' };

const NO_VALUE: RecordPlace = { type: 'noValue' };
const BAD: RecordPlace = { type: 'bad' };

type Line = Pick<LineFormat, 'bytes' | 'start' | 'end'>;

export class RecordRule {
  /** Of a record that has one: bytes[start, end), until the next record. */
  line: Line;
  readonly #rule: WritingRule;
  readonly #writing: JudgingRule;
  readonly #bad: BadLine;

  constructor(rule: WritingRule, partition: TopicPartition) {
    this.#rule = rule;
    const { tombstones } = rule.format;
    this.#writing = { records: rule.format.recordsOf(partition), tombstones };
    this.#bad = new BadLine(partition);
    this.line = this.#bad;
  }

  get isKnown(): boolean {
    return this.#rule.isKnown;
  }

  placeOf(record: RecordCursor): RecordPlace {
    const { bad, assigner } = this.#rule;
    const reason = whyNotWritten(this.#writing, record);
    if (reason === 'left-out') return NO_VALUE;
    if (reason === null) {
      this.line = this.#goodLine(record);
      // The time of writing decides no bucket that is known again.
      const key = assigner === null ? '' : assigner.bucketOf(assigner.slotOf(record, NaN));
      return { type: 'line', key };
    }
    if (bad.to !== 'file') return BAD;
    this.#bad.encode(record, reason);
    this.line = this.#bad;
    return { type: 'line', key: assigner === null ? '' : BAD_BUCKET };
  }

  #goodLine(record: RecordCursor): Line {
    const { records } = this.#writing;
    if (records.type === 'lines') return records;
    const bytes = Buffer.from(records.rowText(record));
    return { bytes, start: 0, end: bytes.length };
  }
}
