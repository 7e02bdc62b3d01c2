/** Bucket rules: which folder a record belongs to. Each kind of rule has a folder here, and a line in src/app/kinds.ts. */
import type { z } from 'zod';

/** On the record path a bucket is known by the number of its slot. */
export interface BucketAssigner {
  /** Which time decides; `none` puts everything into one bucket. */
  readonly by: 'record-time' | 'wall-clock' | 'none';
  /** Times of one slot fall into one bucket (the reverse need not hold). Allocates nothing. */
  slotOf(timeMs: number): number;
  /** Length of a whole slot. */
  readonly slotMs: number;
  /** Whether the slot's times are exactly those from slot * slotMs on, up to but not including the next slot's. */
  isWhole(slot: number): boolean;
  /** The bucket's path below the sink, without slashes at its ends; empty for the sink's own folder. */
  bucketOf(slot: number): string;
}

/** What a job file says of its buckets, checked: `by` names the rule, the rest is the rule's own. */
export interface BucketConfig {
  readonly by: string;
}

export interface BucketRule<Config extends BucketConfig = BucketConfig, Parsed = unknown> {
  /** What `bucket.by` says. */
  readonly name: string;
  /** What chooses the folder, for people. */
  readonly chosenBy: string;
  /** Keys below `bucket` that it reads. Rules may share a key, with one meaning. */
  keys(): z.core.$ZodLooseShape;
  toConfig(parsed: Parsed): Config;
  assigner(config: Config): BucketAssigner;
  /** For the fingerprint: what decides which bucket a record falls into. */
  meaning(config: Config): Readonly<Record<string, unknown>>;
  describe(config: Config): string;
}
