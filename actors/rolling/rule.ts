/** Roll rules: why a part file is closed. Each has a folder here and a line in src/app/registeredKinds.ts. */
import type { z } from 'zod';
import type { RollReason } from '../../journal/events.ts';

/** Properties of an open file that a rule may use. */
export interface RollableFile {
  readonly lengthBytes: number;
  readonly openedAtMs: number;
  readonly lastWriteAtMs: number;
}

/** The smallest length, and number of records, at which a file is full; Infinity for no limit. */
export interface FillLimits {
  readonly bytes: number;
  readonly records: number;
}

/** What decides whether an open file is full. */
export interface FillingFile {
  readonly lengthBytes: number;
  readonly records: number;
}

export type TimeReason = Extract<RollReason, 'age' | 'idle'>;

/** How limits are said, with their units. */
export interface UnitWords {
  readonly bytes: (count: number) => string;
  readonly milliseconds: (count: number) => string;
  /** Of anything else, like `record`. */
  readonly count: (count: number, noun: string) => string;
}

interface RuleKeys {
  /** Key below `roll` in the job file, and the name of its validated value. */
  readonly key: string;
  readonly configKey: string;
  /** Yields the limit in bytes, records or milliseconds; undefined if there is none. */
  schema(): z.ZodType<number | undefined>;
  /** When the rule closes a file, in words for users. */
  describe(limit: number, words: UnitWords): string;
}

/**
 * `size`: the file has reached the limit. The kernel that copies records stops one byte before it, so that
 * TypeScript decides.
 */
export type SizeRule = RuleKeys & { readonly type: 'size'; readonly reason: Extract<RollReason, 'size'> };

/**
 * `records`: the file holds as many records as the limit. The kernel leaves the last of them to TypeScript,
 * too. Journaled as `size`, so that every version can read it.
 */
export type RecordsRule = RuleKeys & {
  readonly type: 'records';
  readonly reason: Extract<RollReason, 'size'>;
};

/** `time`: the limit has passed since a given moment of the file. */
export type TimeRule = RuleKeys & {
  readonly type: 'time';
  readonly reason: TimeReason;
  /** Monotonic milliseconds. */
  sinceMs(file: RollableFile): number;
};

export type RollRule = SizeRule | RecordsRule | TimeRule;
