/**
 * Bucket rules: which folder a record belongs to. Each kind has a folder here and a line in src/app/registeredKinds.ts.
 */
import type { z } from 'zod';

/** The record path identifies a bucket by its slot number. */
export interface BucketAssigner {
  /** The time that decides; `none` puts all records into one bucket. */
  readonly by: 'record-time' | 'wall-clock' | 'none';
  /** All times of a slot belong to one bucket; a bucket may have several slots. Allocates nothing. */
  slotOf(timeMs: number): number;
  /** Length of a whole slot, in milliseconds. */
  readonly slotMs: number;
  /** Whether the slot covers exactly [slot * slotMs, (slot + 1) * slotMs). */
  isWhole(slot: number): boolean;
  /**
   * Path of the bucket below the sink, without leading or trailing slashes. Empty for the sink's own folder.
   */
  bucketOf(slot: number): string;
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
  toConfig(parsed: Parsed): Config;
  assigner(config: Config): BucketAssigner;
  /** What decides a record's bucket; part of the fingerprint. */
  meaning(config: Config): Readonly<Record<string, unknown>>;
  describe(config: Config): string;
}
