/** What a deep audit reports of a partition. */
import type { TopicPartition } from '../../../journal/ids.ts';
import type { HoleCounts, UnknownHole } from './holes.ts';

export interface DeepPartition {
  readonly partition: TopicPartition;
  /**
   * `order`: each file holds exactly the records of its bucket in its range, in order. `lines`: files whose
   * offsets overlap hold together exactly the records of their range; which of them holds which is not known.
   */
  readonly comparedBy: 'order' | 'lines';
  /** Records that the source still holds of what the job has read, [from, to). Equal where it holds none. */
  readonly from: bigint;
  readonly to: bigint;
  /** Offsets that the job has read, and that the source does not hold any more. No damage. */
  readonly notInSource: bigint;
  /** Of these, below the begin of its log: retention, or somebody's request, has deleted them. */
  readonly expired: bigint;
  /** Records with a value, in that range. */
  readonly records: number;
  /** Null values, which are written nowhere (tombstones). */
  readonly nullValues: number;
  /** Records that cannot be written in the format, and are in no file. */
  readonly bad: number;
  /** Records in ranges that an operator has given up. */
  readonly givenUp: number;
  /** Offsets without a record, in that range: the sum of `holesBy`. */
  readonly holes: bigint;
  readonly holesBy: HoleCounts;
  /** The first holes of no known cause, and what the source says of them. */
  readonly unknownHoles: readonly UnknownHole[];
  /** Lines whose records the source does not hold any more, because its log was compacted since. */
  readonly removedSince: number;
  readonly files: {
    readonly compared: number;
    /**
     * The source does not hold all of their range, or holds another log there, or they are not there; or they
     * are compressed or of rows, and not published yet, or cannot be read; or their
     * offsets overlap such a file's.
     */
    readonly notCompared: number;
  };
}
