/** How long a folder gets records, found by asking the job's own rule. */
import type { BucketAssigner, BucketRecord } from '../../actors/buckets/rule.ts';

const STEP_MS = 1_000;
/** A rule whose folder stays the same for longer has no time in it. */
const LONGEST_MS = 400 * 86_400_000;

/** A record with all of its fields, at another time. */
class RecordAt implements BucketRecord {
  readonly #record: BucketRecord;
  readonly timestampMs: number;

  constructor(record: BucketRecord, timestampMs: number) {
    this.#record = record;
    this.timestampMs = timestampMs;
  }

  get keyBytes(): Uint8Array {
    return this.#record.keyBytes;
  }

  get keyStart(): number {
    return this.#record.keyStart;
  }

  get keyEnd(): number {
    return this.#record.keyEnd;
  }

  get valueBytes(): Uint8Array {
    return this.#record.valueBytes;
  }

  get valueStart(): number {
    return this.#record.valueStart;
  }

  get valueEnd(): number {
    return this.#record.valueEnd;
  }

  get headersBytes(): Uint8Array | undefined {
    return this.#record.headersBytes;
  }

  get headersStart(): number {
    return this.#record.headersStart;
  }

  get headersEnd(): number {
    return this.#record.headersEnd;
  }
}

/** The record's bucket, if its time and the clock were this. */
export function bucketAt(assigner: BucketAssigner, record: BucketRecord, atMs: number): string {
  return assigner.bucketOf(assigner.slotOf(new RecordAt(record, atMs), atMs));
}

/**
 * Milliseconds for which a folder with this record's other fields is the one, by the first whole one after
 * the record's time; null if time does not change it.
 */
export function bucketTimeOf(assigner: BucketAssigner, record: BucketRecord): number | null {
  const first = endOf(assigner, record, record.timestampMs);
  const second = first === null ? null : endOf(assigner, record, first);
  return first === null || second === null ? null : second - first;
}

/** The first time, to the second, at which the bucket is another than at `fromMs`. */
function endOf(assigner: BucketAssigner, record: BucketRecord, fromMs: number): number | null {
  const bucket = bucketAt(assigner, record, fromMs);
  const isOther = (afterMs: number): boolean => bucketAt(assigner, record, fromMs + afterMs) !== bucket;
  let [same, other] = [0, STEP_MS];
  while (!isOther(other)) {
    if (other > LONGEST_MS) return null;
    [same, other] = [other, other * 2];
  }
  while (other - same > STEP_MS) {
    const middle = same + Math.floor((other - same) / 2 / STEP_MS) * STEP_MS;
    if (isOther(middle)) other = middle;
    else same = middle;
  }
  return Math.floor((fromMs + other) / STEP_MS) * STEP_MS;
}
