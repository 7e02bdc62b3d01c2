/** From the keys of the job file to the typed job. */
import path from 'node:path';
import type {
  BucketConfig,
  FileSourceConfig,
  JobConfig,
  KafkaSourceConfig,
  NatsJournalConfig,
  SqliteJournalConfig,
  TlsConfig,
} from './jobConfig.ts';
import type { SchemaContext } from './leaves.ts';
import type { ParsedJob } from './schema.ts';
import { toSinkConfig } from './sink.ts';

type ParsedKafka = NonNullable<ParsedJob['source']['kafka']>;
type ParsedFile = NonNullable<ParsedJob['source']['file']>;
type ParsedNats = NonNullable<ParsedJob['journal']['nats']>;
type ParsedTls = Extract<ParsedNats['tls'], object>;

export function toJobConfig(
  parsed: ParsedJob,
  { file, context, warnings }: { file: string; context: SchemaContext; warnings: readonly string[] },
): JobConfig {
  const { source, sink, roll, checkpoint, journal } = parsed;
  const { baseDir } = context;
  return {
    job: parsed.job,
    file,
    warnings,
    baseDir,
    source:
      source.kafka === undefined
        ? fileSource(present(source.file), baseDir)
        : kafkaSource(source.kafka, parsed.job),
    sink: toSinkConfig(sink, context),
    bucket: bucket(parsed.bucket),
    roll: { maxBytes: roll.maxBytes, maxAgeMs: roll.maxAge, maxIdleMs: roll.maxIdle },
    checkpoint: { intervalMs: checkpoint.interval },
    startup: { timeoutMs: parsed.startup.timeout },
    shutdown: { timeoutMs: parsed.shutdown.timeout },
    memoryBytes: parsed.memory ?? null,
    journal: journal.nats === undefined ? sqliteJournal(present(journal.sqlite)) : natsJournal(journal.nats),
  };
}

/** The schema's rules have seen to it that one of the two is there. */
function present<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError('A checked job file lacks a key that its schema requires.');
  return value;
}

function kafkaSource(kafka: ParsedKafka, job: string): KafkaSourceConfig {
  const { brokers, topics, groupId, startFrom, decode, ssl, sasl } = kafka;
  return {
    type: 'kafka',
    brokers,
    topics,
    groupId: groupId ?? job,
    startFrom,
    decode,
    tls: kafkaTls(ssl),
    sasl: sasl ?? null,
  };
}

function kafkaTls(ssl: ParsedKafka['ssl']): TlsConfig | null {
  if (ssl === false) return null;
  if (ssl === true) return { ...tlsFiles({}), rejectUnauthorized: true };
  return { ...tlsFiles(ssl), rejectUnauthorized: ssl.rejectUnauthorized };
}

function tlsFiles({ ca, cert, key }: ParsedTls): Omit<TlsConfig, 'rejectUnauthorized'> {
  return { caFile: ca ?? null, certFile: cert ?? null, keyFile: key ?? null };
}

function fileSource({ path: pattern, time }: ParsedFile, baseDir: string): FileSourceConfig {
  const relative = path.isAbsolute(pattern) ? path.relative(baseDir, pattern) : path.normalize(pattern);
  return { type: 'file', pattern: relative.replaceAll(path.sep, '/'), timePath: time?.split('.') ?? null };
}

function bucket({ by, pattern, timezone }: ParsedJob['bucket']): BucketConfig {
  return by === 'none' ? { by } : { by, pattern, timezone };
}

function natsJournal(nats: ParsedNats): NatsJournalConfig {
  const { servers, stream, replicas, credentials, user, password, token, tls } = nats;
  return {
    type: 'nats',
    servers,
    stream,
    replicas,
    credentialsFile: credentials ?? null,
    user: user ?? null,
    password: password ?? null,
    token: token ?? null,
    tls: tls === false ? null : tlsFiles(tls === true ? {} : tls),
  };
}

function sqliteJournal(sqlite: { path: string }): SqliteJournalConfig {
  return { type: 'sqlite', path: sqlite.path };
}
