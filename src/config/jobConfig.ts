/**
 * The typed job: what a job file says once it is checked, with defaults filled in, units resolved and paths made absolute. What a kind of
 * source, sink, bucket or journal has for itself is known to that kind alone (src/app/kinds.ts).
 */
import type { BucketConfig } from '../../actors/buckets/rule.ts';
import type { Entropy } from '../../actors/naming.ts';
import type { JobName } from '../../journal/ids.ts';
import type { JournalConfig } from '../../journal/kind.ts';

/** `type` names the kind, the rest is the kind's own. */
export interface SourceConfig {
  readonly type: string;
}

/** The same, with what every destination has. */
export interface SinkConfig {
  readonly type: string;
  /**
   * The folder, without a slash at the end, as the journal knows it; with the entropy key where there is one. Literal, not
   * percent-encoded. `file:///absolute/folder`, or `oss://ossBucket/folder` (`oss://ossBucket` for the whole of it): never with
   * an endpoint, so that a file keeps its name whichever way it is reached.
   */
  readonly uri: string;
  /** Name of a format's kind. */
  readonly format: string;
  /** Begin and end of the names of part files; never begins with `.` or `_`. */
  readonly prefix: string;
  readonly suffix: string;
  /** Null: paths are deterministic. */
  readonly entropy: Entropy | null;
}

export interface JobConfig {
  readonly job: JobName;
  /** Absolute path of the job file, and of its folder: relative paths start there. */
  readonly file: string;
  readonly baseDir: string;
  /** What is allowed and still not wise, in sentences for people. */
  readonly warnings: readonly string[];
  readonly source: SourceConfig;
  readonly sink: SinkConfig;
  readonly bucket: BucketConfig;
  /** Limits of the roll rules by their names (`configKey`), in bytes or milliseconds. */
  readonly roll: Readonly<Record<string, number>>;
  readonly checkpoint: { readonly intervalMs: number };
  /** For how long a bounded run waits for what is away; at least 1 s. */
  readonly startup: { readonly timeoutMs: number };
  /** From the signal to the end of the process; at least 2 s, the last one for leaving the group. */
  readonly shutdown: { readonly timeoutMs: number };
  /** Ceiling of the process's resident memory; null: not said. */
  readonly memoryBytes: number | null;
  readonly journal: JournalConfig;
}
