/**
 * Bucket rules: which folder a record belongs to. Each kind has a folder here and a line in
 * src/app/registeredKinds.ts.
 */
import type { z } from 'zod';
import type { TopicPartition } from '../../journal/ids.ts';
import type { KeyProblem } from '../../kernels/schema/parts.ts';
import type { RecordBytes } from '../../kernels/text/recordBytes.ts';
import type { HeaderPlace } from '../../kernels/text/recordHeaders.ts';

/** What a rule may look at of a record. A cursor over records (src/sources/port.ts) is one. */
export type BucketRecord = RecordBytes & HeaderPlace;

/**
 * The rule for the records of one partition, in the hands of one router. The record path identifies a bucket
 * by a slot number.
 */
export interface BucketAssigner {
  /**
   * A slot of the record's bucket: records of one slot belong to one bucket, which may have several slots.
   * Allocates nothing for a slot that is known.
   * @param wallMs when the record is read.
   */
  slotOf(record: BucketRecord, wallMs: number): number;
  /**
   * Path of the bucket below the sink, without leading or trailing slashes. Empty for the sink's own folder.
   * @param slot from `slotOf`, not forgotten since.
   */
  bucketOf(slot: number): string;
  /** Whether records that are read together may belong to different buckets. */
  readonly looksAtRecords: boolean;
  /**
   * Whether the bucket of a record can be told again later, from the record as its source still has it.
   * @param hasOwnTimes whether the source keeps the time of each record.
   */
  isKnownAgain(hasOwnTimes: boolean): boolean;
  /** How the kernel (kernels/lines.ts), which sees times alone, finds a bucket. Null: it cannot. */
  readonly routes: SlotRoutes | null;
  /**
   * Tells it, before the first record, which slots are in use; `slotOf` may forget others. Absent if it
   * remembers none. Without the call none is in use: each slot holds until the next call of `slotOf`.
   */
  keep?(isInUse: (slot: number) => boolean): void;
}

export interface SlotRoutes {
  /** A record's route is its time divided by this, in milliseconds. */
  readonly slotMs: number;
  /** The route on which all records belong to this slot. Null if there is none. */
  routeOf(slot: number): number | null;
}

/** One route, so long that it covers every time. */
export const ROUTE_OF_ALL: SlotRoutes = { slotMs: 2 ** 62, routeOf: () => 0 };

/** One bucket for all records. @param path as `bucketOf` gives it. */
export function oneBucket(path: string): BucketAssigner {
  return {
    slotOf: () => 0,
    bucketOf: () => path,
    looksAtRecords: false,
    isKnownAgain: () => true,
    routes: ROUTE_OF_ALL,
  };
}

/** The validated `bucket` section of a job file. `by` names the rule; the other keys belong to the rule. */
export interface BucketConfig {
  readonly by: string;
}

export interface BucketRule<Config extends BucketConfig = BucketConfig, Parsed = unknown> {
  /** Value of `bucket.by`. */
  readonly name: string;
  /** What chooses the folder, in words for users. */
  readonly chosenBy: string;
  /** Keys below `bucket` that the rule reads. Rules may share a key if it means the same. */
  keys(): z.core.$ZodLooseShape;
  /** What is wrong between keys, of the raw `bucket` section. */
  problems?(bucket: Readonly<Record<string, unknown>>): readonly KeyProblem[];
  /**
   * Whether folders hold text that producers choose, by the `bucket` section as it is checked. Absent: never.
   */
  takesText?(bucket: Readonly<Record<string, unknown>>): boolean;
  toConfig(parsed: Parsed): Config;
  assigner(config: Config, partition: TopicPartition): BucketAssigner;
  /** What decides a record's bucket; part of the fingerprint. */
  meaning(config: Config): Readonly<Record<string, unknown>>;
  describe(config: Config): string;
}
