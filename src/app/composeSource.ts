/** Which source a job reads. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { ConnectionOptions } from 'node:tls';
import type { Clock } from '../system/clock.ts';
import type { Conditions } from '../telemetry/conditions.ts';
import type { JobConfig, KafkaSourceConfig, TlsConfig } from '../config/jobConfig.ts';
import type { KafkaSourceOptions, KafkaTuning } from '../sources/kafka/options.ts';
import type { JobMemory } from './jobMemory.ts';
import { openFiles } from '../system/openFilesMax.ts';
import type { Source } from '../sources/port.ts';
import type { SourceSurveyor } from '../sources/survey.ts';
import type { Log } from '../telemetry/log.ts';

/** Beside the job file: what concerns this machine only, such as the group membership of a process that may be killed. */
const STATE_FOLDER = '.tidemark';
/** The sink may be the folder of the job file: no job's marker has a name with `_`. */
const MEMBERS_FOLDER = '_members';
const REQUEST_BYTES_MAX = 8 * 1024 * 1024;

export interface SourceOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly untilEnd: boolean;
  /** Absent for commands that read no records. */
  readonly memory?: JobMemory;
  /** Where the source tells what it waits for; absent where nobody asks. */
  readonly conditions?: Conditions;
}

/** Loads only the client that the job needs: starting takes a good part of a second less. */
export async function composeSource(
  config: JobConfig,
  { log, clock, untilEnd, memory, conditions }: SourceOptions,
): Promise<Source> {
  const { source, baseDir } = config;
  if (source.type === 'file') {
    const { createFileSource } = await import('../sources/files/source.ts');
    return createFileSource({
      baseDir,
      pattern: source.pattern,
      time: source.timePath === null ? null : source.timePath.join('.'),
      clock,
      log,
      conditions,
      untilEnd,
      handlesMax: openFiles(true).sourcesMax,
      ...(memory === undefined ? {} : { readBytesMax: memory.shares.fetchBytes }),
    });
  }
  const { createKafkaSource } = await import('../sources/kafka/source.ts');
  const options = kafkaSourceOptions(source, config, { log, clock, untilEnd, memory });
  return createKafkaSource({ ...options, conditions });
}

/** For `status`: looks, and neither joins nor reads. */
export async function composeSourceSurveyor(
  config: JobConfig,
  { log, clock }: Pick<SourceOptions, 'log' | 'clock'>,
): Promise<SourceSurveyor> {
  const { source } = config;
  if (source.type === 'file') {
    const { createFileSurveyor } = await import('../sources/files/survey.ts');
    return createFileSurveyor(await composeSource(config, { log, clock, untilEnd: false }));
  }
  const { createKafkaSurveyor } = await import('../sources/kafka/survey.ts');
  return createKafkaSurveyor(
    kafkaSourceOptions(source, config, { log, clock, untilEnd: false, memory: undefined }),
  );
}

export function kafkaSourceOptions(
  source: KafkaSourceConfig,
  { job, baseDir }: Pick<JobConfig, 'job' | 'baseDir'>,
  {
    log,
    clock,
    untilEnd,
    memory,
  }: Pick<SourceOptions, 'log' | 'clock' | 'untilEnd'> & { readonly memory: JobMemory | undefined },
): KafkaSourceOptions {
  return {
    brokers: source.brokers,
    topics: source.topics,
    groupId: source.groupId,
    clientId: `tidemark-${job}-${hostname()}`,
    job,
    isBounded: untilEnd,
    ...kafkaSecurity(source),
    tuning: { decode: source.decode, ...(memory === undefined ? {} : fetchesWithin(memory)) },
    stateDir: join(baseDir, STATE_FOLDER, MEMBERS_FOLDER),
    log,
    clock,
    ...(memory === undefined
      ? {}
      : { roomToFetch: (isWanted: () => boolean) => memory.budget.room(isWanted) }),
  };
}

function fetchesWithin({ shares }: JobMemory): Partial<KafkaTuning> {
  const requestBytesMax = Math.min(REQUEST_BYTES_MAX, Math.floor(shares.fetchBytes / 4));
  const prefetchBytesMax = shares.fetchBytes - requestBytesMax;
  return { requestBytesMax, prefetchBytesMax, unpackBytesMax: shares.unpackBytes };
}

function kafkaSecurity({ tls, sasl }: KafkaSourceConfig) {
  return {
    ...(tls === null ? {} : { ssl: tlsOptions(tls) }),
    ...(sasl === null
      ? {}
      : { sasl: { mechanism: sasl.mechanism, username: sasl.username, password: sasl.password.reveal() } }),
  };
}

function tlsOptions({ caFile, certFile, keyFile, rejectUnauthorized }: TlsConfig): ConnectionOptions {
  return {
    rejectUnauthorized,
    ...(caFile === null ? {} : { ca: readFileSync(caFile) }),
    ...(certFile === null ? {} : { cert: readFileSync(certFile) }),
    ...(keyFile === null ? {} : { key: readFileSync(keyFile) }),
  };
}
