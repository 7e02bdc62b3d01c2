/** Sums of one partition's history: what was read, what was written, and what became of the rest. */
import type { RollReason } from '../../journal/events.ts';

export interface FileTotals {
  readonly files: number;
  readonly records: number;
  readonly bytes: number;
}

/** Buckets that are counted by name. A job may have more over the years; the rest is counted together. */
const BUCKETS_NAMED_MAX = 10_000;

/** Counts committed files by bucket. */
class BucketTotals {
  readonly #named = new Map<string, { files: number; records: number; bytes: number }>();
  #others: { files: number; records: number; bytes: number } | null = null;

  add(bucket: string, records: number, bytes: number): void {
    const totals = this.#of(bucket);
    totals.files += 1;
    totals.records += records;
    totals.bytes += bytes;
  }

  #of(bucket: string): { files: number; records: number; bytes: number } {
    const known = this.#named.get(bucket);
    if (known !== undefined) return known;
    if (this.#named.size >= BUCKETS_NAMED_MAX) return (this.#others ??= { files: 0, records: 0, bytes: 0 });
    const made = { files: 0, records: 0, bytes: 0 };
    this.#named.set(bucket, made);
    return made;
  }

  get named(): ReadonlyMap<string, FileTotals> {
    return this.#named;
  }

  /** Of all buckets that were not named. Null if every one was. */
  get others(): FileTotals | null {
    return this.#others;
  }
}

/**
 * A partition's sums. Offsets advance by what was read, by what was given up, and by holes; they go back by
 * what was replaced, and by repairs.
 */
export class PartitionTotals {
  entries = 0;
  bytes = 0;
  claims = 0;
  checkpoints = 0;
  recordsRead = 0;
  recordsSkipped = 0;
  /** Records that were read again for a repair, and had been counted before. */
  recordsAlreadyHeld = 0;
  /** Records of files that a repair discarded: they are read and written again. */
  recordsLost = 0;
  /** Growth of all files in all completed checkpoints. */
  recordsWritten = 0;
  opened = 0;
  committed = 0;
  committedRecords = 0;
  committedBytes = 0;
  discarded = 0;
  firstOffset: bigint | null = null;
  /** Offsets that an operator gave up. */
  offsetsLost = 0n;
  /** Offsets that were read again, because an operator accepted that the log went back. */
  offsetsReplaced = 0n;
  repairs = 0;
  /** Offsets that repairs went back by. */
  offsetsRewound = 0n;
  /** Offsets without a record that Tidemark has seen: transaction markers, compaction. */
  holes = 0n;
  readonly rolls = new Map<RollReason, number>();
  readonly buckets = new BucketTotals();
}
