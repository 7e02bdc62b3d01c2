/** What a Kafka source is made from: plain data, a clock, a log. */
import type { RunChoices } from '../port.ts';
import type { Mechanism, SASLOptions } from './client/types.ts';
import type { ConnectionOptions } from 'node:tls';
import type { Clock } from '../../system/clock.ts';
import type { Conditions } from '../../telemetry/conditions.ts';

export type LogFields = Readonly<Record<string, unknown>>;

/** Receives what a person may want to know; never a secret, never a payload. */
export interface SourceLog {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}

export interface KafkaSourceOptions {
  /** `host:port` of some brokers; they name the rest. */
  readonly brokers: readonly string[];
  /** Names, and patterns between slashes (topics.ts). */
  readonly topics: readonly string[];
  readonly groupId: string;
  /** The process keeps its place in the group under it, also when it ends. Null: it leaves the group. */
  readonly instanceId?: string | null;
  readonly clientId: string;
  /** Reported to the other members of the group. */
  readonly job?: string;
  readonly choices?: RunChoices;
  /** Called for each connection. */
  readonly ssl?: (() => ConnectionOptions) | undefined;
  readonly sasl?: SASLOptions | Mechanism | undefined;
  /** Folder for the record of this process's group member (created if missing). Null: no record is kept. */
  readonly stateDir: string | null;
  readonly log: SourceLog;
  readonly clock: Clock;
  /** Receives what the source waits for, in addition to the log. */
  readonly conditions?: Conditions | undefined;
  readonly tuning?: Partial<KafkaTuning>;
  /** Resolves when there is memory for another fetch, or when the fetch is no longer wanted. */
  readonly roomToFetch?: (isWanted: () => boolean) => Promise<void>;
}

/** `batches`: over the bytes of whole batches; `records`: by kafkajs's decoder, an object per record. */
export type RecordDecoding = 'batches' | 'records';

export interface KafkaTuning {
  readonly decode: RecordDecoding;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  /** How often the group checks its topics for new partitions, and patterns are looked up again. */
  readonly metadataMaxAgeMs: number;
  /** How long a broker may hold a fetch that finds no records. */
  readonly fetchWaitMs: number;
  /** Bytes of one partition in one fetch. A larger batch is fetched all the same. */
  readonly fetchBytesMax: number;
  /** Bytes of all partitions in one fetch. */
  readonly requestBytesMax: number;
  /** Bytes of all partitions that may wait in memory to be pulled; each partition may hold 64 KiB. */
  readonly prefetchBytesMax: number;
  /** Fetches of one partition that may wait in memory to be pulled. */
  readonly prefetchFetches: number;
  /** Bytes of compressed batches unpacked at the same time. A batch that needs more stops its partition. */
  readonly unpackBytesMax: number;
  /** How long an offset must be outside the log, or a topic missing, before it is considered lost. */
  readonly outOfRangeStableMs: number;
  /** How often a missing topic, or an offset outside the log, is checked again. */
  readonly pollMs: number;
  /** How long a single query (offsets, identity) is retried before SOURCE_UNAVAILABLE. */
  readonly questionMs: number;
  readonly connectionTimeoutMs: number;
  readonly requestTimeoutMs: number;
}

export const DEFAULT_TUNING: KafkaTuning = {
  decode: 'batches',
  sessionTimeoutMs: 30_000,
  rebalanceTimeoutMs: 60_000,
  heartbeatIntervalMs: 1_000,
  metadataMaxAgeMs: 10_000,
  fetchWaitMs: 250,
  fetchBytesMax: 1024 * 1024,
  requestBytesMax: 8 * 1024 * 1024,
  prefetchBytesMax: 64 * 1024 * 1024,
  prefetchFetches: 2,
  unpackBytesMax: 64 * 1024 * 1024,
  outOfRangeStableMs: 30_000,
  pollMs: 1_000,
  questionMs: 30_000,
  connectionTimeoutMs: 5_000,
  requestTimeoutMs: 30_000,
};
