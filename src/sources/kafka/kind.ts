/** Kafka as a source: topics, read by a consumer group. */
import type { SourceKind, SourceOpening } from '../kind.ts';
import { kafkaSchema, toKafkaConfig, type KafkaSourceConfig, type ParsedKafka } from './config.ts';
import type { KafkaSourceOptions } from './options.ts';
import { startFromMeaning } from './startFrom.ts';

export const KAFKA_SOURCE: SourceKind<KafkaSourceConfig, ParsedKafka> = {
  name: 'kafka',
  schema: kafkaSchema,
  toConfig: (parsed, { job }) => toKafkaConfig(parsed, job),
  isShared: true,
  holdsFiles: false,
  async open(config, opening) {
    const { createKafkaSource } = await import('./source.ts');
    return createKafkaSource({
      ...(await optionsOf(config, opening)),
      conditions: opening.conditions,
    });
  },
  async survey(config, opening) {
    const { createKafkaSurveyor } = await import('./survey.ts');
    return createKafkaSurveyor(await optionsOf(config, opening));
  },
  async probe(config, { checkpointIntervalMs, publishedWithinMs, ...opening }) {
    const [{ kafkaProbe }, { principalOf }] = await Promise.all([
      import('./probing/probe.ts'),
      import('./probing/rights.ts'),
    ]);
    const { sasl, tls } = config;
    return kafkaProbe({
      options: await optionsOf(config, opening),
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

/** Loaded with the first connection: other sources do without its TLS. */
async function optionsOf(config: KafkaSourceConfig, opening: SourceOpening): Promise<KafkaSourceOptions> {
  const { kafkaSourceOptions } = await import('./sourceOptions.ts');
  return kafkaSourceOptions(config, opening);
}
