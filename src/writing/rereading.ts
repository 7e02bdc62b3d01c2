/**
 * Which records of a range that is read again are in files already. Between the offsets of a bucket's first
 * and last record, a part file holds all of the bucket's records: a bucket has one file at a time. So a
 * record is missing if it lies between the first and the last of a lost file of its bucket.
 */
import type { BucketAssigner } from '../../actors/buckets/rule.ts';
import type { RepairFacts } from '../../actors/repair.ts';
import { BAD_BUCKET } from '../formats/bad/badLine.ts';
import { whyNotWritten, type WritingRule } from '../formats/format.ts';
import type { RecordCursor } from '../sources/port.ts';

export interface RereadingOptions extends WritingRule {
  readonly assigner: BucketAssigner;
  /** Whether bad records are in a file of their own; otherwise they are in none. */
  readonly writesBad: boolean;
}

interface Range {
  readonly firstOffset: bigint;
  readonly lastOffset: bigint;
}

/** What becomes of a record that is read again. `bucket` is null if it is in no file. */
export type Place = { readonly type: 'missing' } | { readonly type: 'held'; readonly bucket: string | null };

const MISSING: Place = { type: 'missing' };
const IN_NO_FILE: Place = { type: 'held', bucket: null };

export class Rereading {
  /** From here on, records were never read. */
  readonly untilOffset: bigint;
  readonly #options: RereadingOptions;
  readonly #missing = new Map<string, Range[]>();
  readonly #held = new Map<string, Place>();
  readonly #givenUp: RepairFacts['givenUp'];

  constructor({ untilOffset, missing, givenUp }: RepairFacts, options: RereadingOptions) {
    this.untilOffset = untilOffset;
    this.#options = options;
    this.#givenUp = givenUp;
    for (const { bucket, ...range } of missing) {
      const ranges = this.#missing.get(bucket);
      if (ranges === undefined) this.#missing.set(bucket, [range]);
      else ranges.push(range);
    }
  }

  /** @param slot of the record, if it is not bad. */
  placeOf(record: RecordCursor, slot: number, offset: bigint): Place {
    if (this.#givenUp.some(({ fromOffset, toOffset }) => offset >= fromOffset && offset < toOffset))
      return IN_NO_FILE;
    const bucket = this.#bucketOf(record, slot);
    if (bucket === null) return IN_NO_FILE;
    const isMissing = this.#missing
      .get(bucket)
      ?.some(({ firstOffset, lastOffset }) => offset >= firstOffset && offset <= lastOffset);
    return isMissing === true ? MISSING : this.#heldIn(bucket);
  }

  #bucketOf(record: RecordCursor, slot: number): string | null {
    const { assigner, writesBad } = this.#options;
    const reason = whyNotWritten(this.#options, record);
    if (reason === null) return assigner.bucketOf(slot);
    return reason === 'left-out' || !writesBad ? null : BAD_BUCKET;
  }

  #heldIn(bucket: string): Place {
    const known = this.#held.get(bucket) ?? { type: 'held', bucket };
    this.#held.set(bucket, known);
    return known;
  }
}
