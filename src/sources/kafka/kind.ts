/** Kafka as a source: topics, read by a consumer group. */
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { SourceKind, SourceOpening } from '../kind.ts';
import { kafkaSchema, toKafkaConfig, type KafkaSourceConfig, type ParsedKafka } from './config.ts';
import type { KafkaSourceOptions, KafkaTuning } from './options.ts';
import { kafkaSecurity } from './security.ts';
import { startFromMeaning } from './startFrom.ts';

/**
 * Group memberships that a kill may leave. The sink may be the job file's folder: no job's marker has a name
 * with `_`.
 */
const MEMBERS_FOLDER = '_members';
const REQUEST_BYTES_MAX = 8 * 1024 * 1024;

export const KAFKA_SOURCE: SourceKind<KafkaSourceConfig, ParsedKafka> = {
  name: 'kafka',
  schema: kafkaSchema,
  toConfig: (parsed, { job }) => toKafkaConfig(parsed, job),
  isShared: true,
  holdsFiles: false,
  async open(config, opening) {
    const { createKafkaSource } = await import('./source.ts');
    return createKafkaSource({
      ...kafkaSourceOptions(config, opening),
      conditions: opening.conditions,
    });
  },
  async survey(config, opening) {
    const { createKafkaSurveyor } = await import('./survey.ts');
    return createKafkaSurveyor(kafkaSourceOptions(config, opening));
  },
  async probe(config, { checkpointIntervalMs, publishedWithinMs, ...opening }) {
    const [{ kafkaProbe }, { principalOf }] = await Promise.all([
      import('./probing/probe.ts'),
      import('./probing/rights.ts'),
    ]);
    const { sasl, tls } = config;
    return kafkaProbe({
      options: kafkaSourceOptions(config, opening),
      job: opening.job,
      times: { checkpointIntervalMs, publishedWithinMs },
      principal: principalOf({ sasl, hasCertificate: (tls?.certFile ?? null) !== null }),
    });
  },
  startFrom: (config) => config.startFrom,
  ofProcess: (config, index) =>
    config.instanceId === null ? config : { ...config, instanceId: `${config.instanceId}-${index}` },
  meaning: ({ type, topics, groupId, startFrom }) => ({
    type,
    topics: topics.toSorted(),
    groupId,
    startFrom: startFromMeaning(startFrom),
  }),
  describe: ({ brokers, topics, groupId, instanceId }) =>
    `kafka ${brokers.join(', ')} · topics ${topics.join(', ')} · group ${groupId}` +
    (instanceId === null ? '' : ` · instance ${instanceId}`),
};

export function kafkaSourceOptions(
  source: KafkaSourceConfig,
  { job, stateDir, log, clock, choices, memory }: SourceOpening,
): KafkaSourceOptions {
  return {
    brokers: source.brokers,
    topics: source.topics,
    groupId: source.groupId,
    // Nobody comes back to the place of a run that ends by itself.
    instanceId: choices.untilEnd ? null : source.instanceId,
    clientId: `tidemark-${job}-${hostname()}`,
    job,
    choices,
    ...kafkaSecurity(source, { clock, log }),
    tuning: { decode: source.decode, ...(memory === undefined ? {} : fetchesWithin(memory)) },
    stateDir: join(stateDir, MEMBERS_FOLDER),
    log,
    clock,
    ...(memory === undefined
      ? {}
      : { roomToFetch: (isWanted: () => boolean) => memory.budget.room(isWanted) }),
  };
}

function fetchesWithin({ shares }: NonNullable<SourceOpening['memory']>): Partial<KafkaTuning> {
  const requestBytesMax = Math.min(REQUEST_BYTES_MAX, Math.floor(shares.fetchBytes / 4));
  const prefetchBytesMax = shares.fetchBytes - requestBytesMax;
  return { requestBytesMax, prefetchBytesMax, unpackBytesMax: shares.unpackBytes };
}
