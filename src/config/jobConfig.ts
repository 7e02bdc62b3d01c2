/**
 * The typed job: a checked job file, with defaults filled in, units resolved and paths made absolute.
 * Settings that belong to a kind of source, sink, bucket or journal are known to that kind alone
 * (src/app/registeredKinds.ts).
 */
import type { BucketConfig } from '../../actors/buckets/rule.ts';
import type { Entropy } from '../../actors/naming.ts';
import type { JobName } from '../../journal/ids.ts';
import type { Secret } from '../../kernels/schema/secret.ts';
import type { JournalConfig } from '../../journal/kind.ts';

/** `type` names the kind. All other settings belong to the kind. */
export interface SourceConfig {
  readonly type: string;
}

/** What a line or a row holds: the value alone, or all of the record. */
export type Envelope = 'value' | 'record';

/** What a value with a line feed is in lines of text: a bad record, or several lines. */
export type LineFeeds = 'bad' | 'keep';

/** How bytes of a record become text: base64, a string of UTF-8, or JSON as it is. */
export type Decode = 'bytes' | 'string' | 'json';

export interface Compression {
  /** One that the format has. */
  readonly codec: string;
  /** Null: the codec has no levels. */
  readonly level: number | null;
}

/** The types of a value's fields: the text of an Avro schema (JSON), or of the short form (YAML). */
export interface ValueSchema {
  readonly form: 'avro' | 'short';
  readonly text: string;
}

/** Of a format's own keys; known to that kind alone. */
export type FormatSettings = Readonly<Record<string, number>>;

/** The same for a sink, with the settings that all destinations share. */
export interface SinkConfig {
  readonly type: string;
  /**
   * The folder as the journal records it, without a trailing slash, with the entropy key if there is one.
   * Literal, not percent-encoded. `file:///absolute/folder`, or `oss://ossBucket/folder` (`oss://ossBucket`
   * for the whole bucket). Never with an endpoint, so that a file keeps its name whichever endpoint is used.
   */
  readonly uri: string;
  /** Name of the kind of format. */
  readonly format: string;
  readonly envelope: Envelope;
  /** Null: nothing is compressed. */
  readonly compression: Compression | null;
  /** Absent if the format has no keys of its own. */
  readonly formatSettings?: FormatSettings;
  /** Prefix and suffix of the names of part files. The prefix never begins with `.` or `_`. */
  readonly prefix: string;
  readonly suffix: string;
  /** Null: paths are deterministic. */
  readonly entropy: Entropy | null;
}

/** What becomes of records that cannot be written. */
export interface BadRule {
  readonly to: (typeof BAD_TO)[number];
  /**
   * So many bad records in a row stop the partition, whatever `to` says: a wrong schema must not empty a
   * topic into files of bad records.
   */
  readonly stopAfter: number;
}

export const BAD_TO = ['stop', 'skip', 'file'] as const;

export interface JobConfig {
  readonly job: JobName;
  /** Absolute path of the job file, and of its folder, where relative paths start. */
  readonly file: string;
  readonly baseDir: string;
  /** Settings that are allowed but unwise, as sentences for people. */
  readonly warnings: readonly string[];
  readonly source: SourceConfig;
  readonly sink: SinkConfig;
  readonly key: { readonly decode: Decode };
  readonly value: {
    readonly decode: Decode;
    readonly tombstones: 'skip' | 'keep' | 'bad';
    readonly lineFeeds: LineFeeds;
    /** Absent if the job file names none. */
    readonly schema?: ValueSchema;
  };
  /** What becomes of records that cannot be written. */
  readonly bad: BadRule;
  readonly bucket: BucketConfig;
  /** Part files that the process holds open at most; absent: as many as the system allows. */
  readonly openFilesMax?: number;
  /** Limits of the roll rules by name (`configKey`), in bytes, records or milliseconds; absent: no limit. */
  readonly roll: Readonly<Record<string, number>>;
  readonly checkpoint: { readonly intervalMs: number };
  /** How long a bounded run waits for dependencies that do not answer; at least 1 s. */
  readonly startup: { readonly timeoutMs: number };
  /** Time from the signal to the end of the process; at least 2 s, the last one for leaving the group. */
  readonly shutdown: { readonly timeoutMs: number };
  /** Ceiling of the process's resident memory. Null: not set. */
  readonly memoryBytes: number | null;
  /** How many processes of this host share `memoryBytes`. Absent: it is this one's alone. */
  readonly processes?: number;
  /** Null: the job wants no HTTP interface. */
  readonly http: HttpConfig | null;
  readonly journal: JournalConfig;
}

export interface HttpConfig {
  /** Address or name to listen on. */
  readonly host: string;
  /** 0: any free one. Null: the usual one, or the next that is free. */
  readonly port: number | null;
  /** Null: nobody can ask for anything. */
  readonly token: Secret | null;
  /** Whether every path needs the token: only the supervisor of this process may ask. Absent: it is not. */
  readonly isPrivate?: boolean;
}
