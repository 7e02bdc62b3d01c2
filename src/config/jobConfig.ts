/** The typed job: what a job file says once it is checked, with defaults filled in, units resolved and paths made absolute. */
import type { BucketPattern } from '../../actors/buckets/pattern.ts';
import type { Entropy } from '../../actors/naming.ts';
import type { JobName } from '../../journal/ids.ts';
import type { StartFrom } from './startFrom.ts';
import type { Secret } from './secret.ts';

/** TLS of a client. The files exist and can be read; their contents are read by whoever connects. */
export interface TlsConfig {
  /** Absolute path of a PEM file with the certificate authorities to trust; null: those that Node trusts. */
  readonly caFile: string | null;
  /** Absolute paths of the client's own certificate and key (PEM); both or neither. */
  readonly certFile: string | null;
  readonly keyFile: string | null;
  /** Whether a server whose certificate cannot be verified is refused. */
  readonly rejectUnauthorized: boolean;
}

export interface SaslConfig {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
  readonly username: string;
  readonly password: Secret;
}

export interface KafkaSourceConfig {
  readonly type: 'kafka';
  /** `host:port`, at least one. */
  readonly brokers: readonly string[];
  /** At least one, each once. */
  readonly topics: readonly string[];
  readonly groupId: string;
  /** Used once per topic: where the journal names no start offsets yet. */
  readonly startFrom: StartFrom;
  /** How the bytes of a batch become records: quickly, or by kafkajs's own decoder. Both give the same ones. */
  readonly decode: 'batches' | 'records';
  /** Null: no TLS. */
  readonly tls: TlsConfig | null;
  /** Null: no authentication. */
  readonly sasl: SaslConfig | null;
}

export interface FileSourceConfig {
  readonly type: 'file';
  /** A glob relative to the job's folder (`baseDir`), normalized; may begin with `../`. A match's relative path is its topic. */
  readonly pattern: string;
  /** Where in a line's JSON its time stands (milliseconds or ISO text), as steps; null: the file's modification time. */
  readonly timePath: readonly string[] | null;
}

interface CommonSinkConfig {
  /**
   * The folder, without a slash at the end, as the journal knows it; with the entropy key where there is one. Literal, not
   * percent-encoded. `file:///absolute/folder`, or `oss://ossBucket/folder` (`oss://ossBucket` for the whole of it): never with
   * an endpoint, so that a file keeps its name whichever way it is reached.
   */
  readonly uri: string;
  readonly format: 'text';
  /** Begin and end of the names of part files; never begins with `.` or `_`. */
  readonly prefix: string;
  readonly suffix: string;
  /** Null: paths are deterministic. */
  readonly entropy: Entropy | null;
}

export interface FileSinkConfig extends CommonSinkConfig {
  readonly type: 'file';
}

/** Where a server of OSS listens. */
export interface OssAddress {
  /** Lower-case name, or an IP; IPv6 without brackets. Never with the bucket in front. */
  readonly host: string;
  /** Null: that of the scheme. */
  readonly port: number | null;
  readonly https: boolean;
  /** Whether the bucket is the first step of the path instead of a name in front of the host. */
  readonly pathStyle: boolean;
}

export interface OssCredentials {
  readonly accessKeyId: Secret;
  readonly accessKeySecret: Secret;
  /** Of temporary credentials (STS); null: the key is a lasting one. */
  readonly securityToken: Secret | null;
}

export interface OssHdfsSinkConfig extends CommonSinkConfig {
  readonly type: 'oss-hdfs';
  readonly ossBucket: string;
  /** Like `cn-hangzhou`; null where nothing names it. */
  readonly region: string | null;
  readonly address: OssAddress;
  readonly credentials: OssCredentials;
  /** Absolute path of JindoSDK's shared library, readable; null: it is looked for. */
  readonly jindosdkLibrary: string | null;
}

export type SinkConfig = FileSinkConfig | OssHdfsSinkConfig;

export type BucketConfig =
  | { readonly by: 'none' }
  | {
      readonly by: 'record-time' | 'wall-clock';
      readonly pattern: BucketPattern;
      /** IANA name, known to this Node. */
      readonly timezone: string;
    };

export interface RollConfig {
  /** Checked after every record. */
  readonly maxBytes: number;
  /** Since the part file was opened. */
  readonly maxAgeMs: number;
  /** Since its last record. */
  readonly maxIdleMs: number;
}

export interface NatsJournalConfig {
  readonly type: 'nats';
  /** `nats://host:port` or `tls://host:port`, at least one, without credentials. */
  readonly servers: readonly string[];
  readonly stream: string;
  /** Of the stream, where it is created: 1 to 5. */
  readonly replicas: number;
  /** Absolute path of a `.creds` file; null where another way (or none) is used. */
  readonly credentialsFile: string | null;
  readonly user: string | null;
  readonly password: Secret | null;
  readonly token: Secret | null;
  /** Null: TLS only where the server asks for it. */
  readonly tls: Omit<TlsConfig, 'rejectUnauthorized'> | null;
}

export interface SqliteJournalConfig {
  readonly type: 'sqlite';
  /** Absolute path of the database file. */
  readonly path: string;
}

export interface JobConfig {
  readonly job: JobName;
  /** Absolute path of the job file, and of its folder: relative paths start there. */
  readonly file: string;
  readonly baseDir: string;
  /** What is allowed and still not wise, in sentences for people. */
  readonly warnings: readonly string[];
  readonly source: KafkaSourceConfig | FileSourceConfig;
  readonly sink: SinkConfig;
  readonly bucket: BucketConfig;
  readonly roll: RollConfig;
  readonly checkpoint: { readonly intervalMs: number };
  /** For how long a bounded run waits for what is away; at least 1 s. */
  readonly startup: { readonly timeoutMs: number };
  /** From the signal to the end of the process; at least 2 s, the last one for leaving the group. */
  readonly shutdown: { readonly timeoutMs: number };
  /** Ceiling of the process's resident memory; null: not said. */
  readonly memoryBytes: number | null;
  readonly journal: NatsJournalConfig | SqliteJournalConfig;
}
