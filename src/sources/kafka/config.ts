/** The keys below `source.kafka`, and the configuration made from them. */
import { z } from 'zod';
import {
  certNeedsKey,
  tlsFiles,
  tlsShape,
  type SchemaContext,
  type TlsFiles,
} from '../../../kernels/schema/outside.ts';
import { isPort, listOf, map, rule, rules } from '../../../kernels/schema/parts.ts';
import { expecting, text } from '../../../kernels/schema/values.ts';
import type { StartFrom } from '../port.ts';
import { saslSchema, toSasl, type SaslConfig } from './saslConfig.ts';
import { offsetsProblems, startFromSchema } from './startFrom.ts';
import { isPattern, parsePattern, topicNameProblem } from './topics.ts';

export interface KafkaTls extends TlsFiles {
  /** Whether to refuse a server whose certificate cannot be verified. */
  readonly rejectUnauthorized: boolean;
}

export interface KafkaSourceConfig {
  readonly type: 'kafka';
  /** `host:port`, at least one. */
  readonly brokers: readonly string[];
  /** Names and patterns (topics.ts) as in the job file: at least one, without duplicates. */
  readonly topics: readonly string[];
  readonly groupId: string;
  /** Under which a process keeps its place in the group while it is restarted. Null: it leaves the group. */
  readonly instanceId: string | null;
  /** Used once per topic, while the journal has no start offsets. */
  readonly startFrom: StartFrom;
  /**
   * How the bytes of a batch become records: by the fast reader or by the client library's. Both give the
   * same ones.
   */
  readonly decode: 'batches' | 'records';
  /** Null: no TLS. */
  readonly tls: KafkaTls | null;
  /** Null: no authentication. */
  readonly sasl: SaslConfig | null;
}

export type ParsedKafka = z.output<ReturnType<typeof kafkaSchema>>;

export function toKafkaConfig(
  { brokers, topics, groupId, instanceId, startFrom: from, decode, ssl, sasl }: ParsedKafka,
  job: string,
): KafkaSourceConfig {
  return {
    ...{ type: 'kafka', brokers, topics, groupId: groupId ?? job, startFrom: from, decode },
    instanceId: instanceId ?? null,
    tls: kafkaTls(ssl),
    sasl: sasl === undefined ? null : toSasl(sasl),
  };
}

function kafkaTls(ssl: ParsedKafka['ssl']): KafkaTls | null {
  if (ssl === false) return null;
  if (ssl === true) return { ...tlsFiles({}), rejectUnauthorized: true };
  return { ...tlsFiles(ssl), rejectUnauthorized: ssl.rejectUnauthorized };
}

export function kafkaSchema(context: SchemaContext) {
  const tls = map({
    ...tlsShape(context),
    rejectUnauthorized: z
      .boolean({ error: expecting('true or false') })
      .default(true)
      .meta({ description: 'Whether a server whose certificate cannot be verified is refused.' }),
  });
  const keys = map({
    brokers: listOf(brokerAddress(), 'a list of brokers, like [127.0.0.1:9092]').meta({
      description: 'Brokers to begin with, host:port; the others are found through them.',
    }),
    topics: listOf(topicEntry(), 'a list of topics').meta({
      description:
        'Topics to read: names, and regular expressions between slashes, which match whole names. Tidemark ' +
        'waits for topics and never creates them.',
    }),
    ...groupKeys(),
    startFrom: startFromSchema()
      .prefault('earliest')
      .meta({
        description:
          'Where to begin, used once, where the journal has nothing: earliest, latest, group (its ' +
          'committed offset), an ISO time with its zone, or offsets for each partition.',
      }),
    decode: z
      .enum(['batches', 'records'], { error: expecting('batches or records') })
      .default('batches')
      .meta({
        description:
          'How records are read: batches (quick), or records, by the decoder of the client, to compare ' +
          'with. The files are the same.',
      }),
    ssl: z
      .union([z.boolean(), rule(tls, certNeedsKey)], {
        error: expecting('true, or a map with ca, cert, key, rejectUnauthorized'),
      })
      .default(false)
      .meta({ description: 'TLS: true, or a map with its files.' }),
    sasl: saslSchema(context).optional().meta({ description: 'Authentication.' }),
  }).meta({ description: 'Kafka topics.' });
  return rules(keys, offsetsProblems);
}

/** Who the process is in its group. */
function groupKeys() {
  return {
    groupId: text('the name of a consumer group', (value) =>
      /\p{Cc}/u.test(value) ? 'holds a control character' : null,
    )
      .optional()
      .meta({ description: "Consumer group; the job's name where it is left out. A job keeps its group." }),
    instanceId: text('an id of at most 200 letters, digits, ".", "_" and "-"', (value) =>
      /^[\w.-]{1,200}$/.test(value) && !/^\.\.?$/.test(value) ? null : `"${value}" is no id`,
    )
      .optional()
      .meta({
        description:
          'Id of this process in the group, of its own: a restart within the session (30 s) keeps its ' +
          'partitions, and it does not leave at its end. With --processes each has it with its number.',
      }),
  };
}

function brokerAddress() {
  const expected = 'host:port, like 127.0.0.1:9092 or [::1]:9092';
  return text(expected, (value) => {
    if (value.includes('@')) return 'holds an "@" (user and password belong into sasl)';
    const [, port] = /^(?:[^\s:/[\]]+|\[[0-9A-Fa-f:.]+\]):(\d{1,5})$/.exec(value) ?? [];
    return port === undefined || !isPort(Number(port)) ? `"${value}" is no broker` : null;
  });
}

function topicEntry() {
  const expected =
    'a topic name of at most 249 letters, digits, ".", "_" and "-", or a regular expression like ' +
    '/orders-.*/';
  return text(expected, (value) => {
    if (!isPattern(value)) return topicNameProblem(value);
    const parsed = parsePattern(value);
    return parsed.type === 'invalid' ? parsed.reason : null;
  });
}
