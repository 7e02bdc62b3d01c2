/**
 * Sampled records of one partition, treated as a run would: which are bad, which folder each belongs to, and
 * what they take in a file. Nothing is written.
 */
import type { BucketAssigner } from '../../actors/buckets/rule.ts';
import type { TopicPartition } from '../../journal/ids.ts';
import { BAD_BUCKET } from '../formats/bad/badLine.ts';
import {
  whyNotWritten,
  whyNoValue,
  type BadReason,
  type PartFormat,
  type WritingRule,
} from '../formats/format.ts';
import type { RowEncoder } from '../formats/rows.ts';
import type { BadRule } from '../config/jobConfig.ts';
import type { RecordCursor } from '../sources/port.ts';
import { bucketAt, bucketTimeOf } from './bucketTime.ts';
import type { BadSample } from './planReport.ts';

/** A compressed frame of a run has at most as much. */
const FRAME_BYTES = 1024 * 1024;
const FEED = Buffer.of(0x0a);

export interface SampleRule {
  readonly assigner: (partition: TopicPartition) => BucketAssigner;
  readonly format: PartFormat;
  readonly bad: Pick<BadRule, 'to'>;
  /** Of the clock, for rules that go by it. */
  readonly wallMs: number;
}

/** What the records take that can be written. */
export interface EncodedSample {
  readonly records: number;
  readonly bytes: number;
  /** Before compression; equal for lines as they are. */
  readonly plainBytes: number;
  /** Of a file besides its records. */
  readonly overheadBytes: number;
  /** Of a row, while its group is in memory; null for lines. */
  readonly rowBytes: number | null;
}

export interface RecordSample {
  readonly records: number;
  readonly leftOut: number;
  readonly bad: readonly BadSample[];
  readonly firstMs: number | null;
  readonly lastMs: number | null;
  /** Keys and values of those that can be written. */
  readonly sourceBytes: number;
  readonly encoded: EncodedSample;
  /** Folders with the last record of each, the latest last. */
  readonly buckets: ReadonlyMap<string, bigint>;
  /** Records of each stream (expectedFiles.ts). */
  readonly streams: readonly number[];
  /** Null: the folder's name has no time. */
  readonly bucketMs: number | null;
}

interface Encoding {
  /** Takes the record, or returns why it cannot be written. */
  take(record: RecordCursor): BadReason | 'left-out' | null;
  end(): Promise<Omit<EncodedSample, 'records'>>;
}

export class Sampler {
  readonly #rule: SampleRule;
  readonly #assigner: BucketAssigner;
  /** Asked about other times. */
  readonly #probe: BucketAssigner;
  readonly #encoding: Encoding;
  readonly #bad = new Map<BadReason, { records: number; readonly firstOffset: bigint }>();
  readonly #buckets = new Map<string, bigint>();
  readonly #streams = new Map<string, number>();
  #records = 0;
  #leftOut = 0;
  #written = 0;
  #sourceBytes = 0;
  #firstMs = Infinity;
  #lastMs = -Infinity;
  /** The time at which folders of all records are compared; null before the first one. */
  #comparedMs: number | null = null;
  #bucketMs: number | null = null;

  constructor(rule: SampleRule, partition: TopicPartition) {
    this.#rule = rule;
    this.#assigner = rule.assigner(partition);
    this.#probe = rule.assigner(partition);
    this.#encoding = encodingOf(rule.format, partition);
  }

  take(record: RecordCursor, offset: bigint): void {
    this.#records += 1;
    this.#firstMs = Math.min(this.#firstMs, record.timestampMs);
    this.#lastMs = Math.max(this.#lastMs, record.timestampMs);
    const reason = this.#encoding.take(record);
    if (reason === 'left-out') this.#leftOut += 1;
    else if (reason !== null) this.#takeBad(reason, offset);
    else this.#takeGood(record, offset);
  }

  #takeBad(reason: BadReason, offset: bigint): void {
    const known = this.#bad.get(reason);
    if (known === undefined) this.#bad.set(reason, { records: 1, firstOffset: offset });
    else known.records += 1;
    if (this.#rule.bad.to === 'file') this.#see(BAD_BUCKET, offset);
  }

  #takeGood(record: RecordCursor, offset: bigint): void {
    this.#written += 1;
    this.#sourceBytes += keyBytesOf(record) + valueBytesOf(record);
    this.#see(this.#assigner.bucketOf(this.#assigner.slotOf(record, this.#rule.wallMs)), offset);
    if (this.#comparedMs === null) {
      this.#comparedMs = record.timestampMs;
      this.#bucketMs = bucketTimeOf(this.#probe, record);
    }
    const stream = bucketAt(this.#probe, record, this.#comparedMs);
    this.#streams.set(stream, (this.#streams.get(stream) ?? 0) + 1);
  }

  #see(bucket: string, offset: bigint): void {
    this.#buckets.delete(bucket);
    this.#buckets.set(bucket, offset);
  }

  async end(): Promise<RecordSample> {
    const isEmpty = this.#records === 0;
    return {
      records: this.#records,
      leftOut: this.#leftOut,
      bad: [...this.#bad].map(([reason, found]) => ({ reason, ...found })),
      firstMs: isEmpty ? null : this.#firstMs,
      lastMs: isEmpty ? null : this.#lastMs,
      sourceBytes: this.#sourceBytes,
      encoded: { records: this.#written, ...(await this.#encoding.end()) },
      buckets: this.#buckets,
      streams: [...this.#streams.values()],
      bucketMs: this.#bucketMs,
    };
  }
}

function encodingOf(format: PartFormat, partition: TopicPartition): Encoding {
  const { tombstones, codec } = format;
  const records = format.recordsOf(partition);
  return records.type === 'lines'
    ? new LineEncoding({ records, tombstones }, codec)
    : new RowEncoding({ tombstones }, records.begin());
}

class LineEncoding implements Encoding {
  readonly #rule: WritingRule;
  readonly #codec: PartFormat['codec'];
  #lines: Buffer[] = [];
  #bytes = 0;

  constructor(rule: WritingRule, codec: PartFormat['codec']) {
    this.#rule = rule;
    this.#codec = codec;
  }

  take(record: RecordCursor): BadReason | 'left-out' | null {
    const { records } = this.#rule;
    const reason = whyNotWritten(this.#rule, record);
    if (reason !== null || records.type !== 'lines') return reason;
    const { bytes, start, end } = records;
    this.#bytes += end - start + FEED.length;
    if (this.#codec !== null) this.#lines.push(Buffer.from(bytes.subarray(start, end)), FEED);
    return null;
  }

  async end(): Promise<Omit<EncodedSample, 'records'>> {
    const common = { plainBytes: this.#bytes, overheadBytes: 0, rowBytes: null };
    if (this.#codec === null) return { ...common, bytes: this.#bytes };
    const lines = Buffer.concat(this.#lines);
    this.#lines = [];
    let bytes = 0;
    for (let at = 0; at < lines.length; at += FRAME_BYTES)
      bytes += (await this.#codec.compress(lines.subarray(at, at + FRAME_BYTES))).length;
    return { ...common, bytes };
  }
}

class RowEncoding implements Encoding {
  readonly #rule: Pick<WritingRule, 'tombstones'>;
  readonly #encoder: RowEncoder;
  readonly #emptyBytes: number;
  #sourceBytes = 0;

  constructor(rule: Pick<WritingRule, 'tombstones'>, encoder: RowEncoder) {
    this.#rule = rule;
    this.#encoder = encoder;
    this.#emptyBytes = encoder.memoryBytes;
  }

  take(record: RecordCursor): BadReason | 'left-out' | null {
    const reason = whyNoValue(this.#rule, record) ?? this.#encoder.append(record);
    if (reason === null) this.#sourceBytes += keyBytesOf(record) + valueBytesOf(record);
    return reason;
  }

  /** All rows are one group: a sample is small. */
  end(): Promise<Omit<EncodedSample, 'records'>> {
    const { rows } = this.#encoder;
    const rowBytes = rows === 0 ? null : Math.max(1, this.#encoder.memoryBytes - this.#emptyBytes) / rows;
    let bytes = 0;
    for (const piece of this.#encoder.endGroup()) bytes += piece.length;
    const overheadBytes = this.#encoder.footer().length;
    return Promise.resolve({ bytes, plainBytes: this.#sourceBytes, overheadBytes, rowBytes });
  }
}

const keyBytesOf = ({ keyStart, keyEnd }: RecordCursor): number => (keyStart < 0 ? 0 : keyEnd - keyStart);

const valueBytesOf = ({ valueStart, valueEnd }: RecordCursor): number =>
  valueStart < 0 ? 0 : valueEnd - valueStart;
