/** Roll rules: why a part file is closed. Each has a folder here, and a line in src/app/kinds.ts. */
import type { z } from 'zod';
import type { RollReason } from '../../journal/events.ts';

/** What a rule may look at of a file that takes records. */
export interface RollableFile {
  readonly lengthBytes: number;
  readonly openedAtMs: number;
  readonly lastWriteAtMs: number;
}

export type TimeReason = Extract<RollReason, 'age' | 'idle'>;

interface RuleKeys {
  /** Key below `roll` in the job file, and what its checked value is called. */
  readonly key: string;
  readonly configKey: string;
  /** Gives the limit in bytes or milliseconds. */
  schema(): z.ZodType<number>;
  /** When it closes a file, for people; `limit` is a text with its unit. */
  describe(limit: string): string;
}

/** `size`: the file has reached the limit; the kernel that copies records stops one byte short of it, so that TypeScript decides. */
export type SizeRule = RuleKeys & { readonly type: 'size'; readonly reason: Extract<RollReason, 'size'> };

/** `time`: the limit has passed since a moment of the file's life. */
export type TimeRule = RuleKeys & {
  readonly type: 'time';
  readonly reason: TimeReason;
  /** Monotonic. */
  sinceMs(file: RollableFile): number;
};

export type RollRule = SizeRule | TimeRule;
