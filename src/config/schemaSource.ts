/** The keys below `source`. */
import { z } from 'zod';
import {
  expecting,
  hasScheme,
  shellOnlyProblem,
  secret,
  startFrom,
  text,
  type SchemaContext,
} from './leaves.ts';
import { certNeedsKey, exactlyOne, isPort, listOf, map, rule, tlsShape } from './schemaParts.ts';

function kafkaSchema(context: SchemaContext) {
  const tls = map({
    ...tlsShape(context),
    rejectUnauthorized: z
      .boolean({ error: expecting('true or false') })
      .default(true)
      .meta({ description: 'Whether a server whose certificate cannot be verified is refused.' }),
  });
  const sasl = map({
    mechanism: z
      .enum(['plain', 'scram-sha-256', 'scram-sha-512'], {
        error: expecting('plain, scram-sha-256 or scram-sha-512'),
      })
      .meta({ description: 'How to authenticate.' }),
    username: text('a user name').meta({ description: 'User name.' }),
    password: secret(context).meta({ description: 'Password, as it stands or as { env: VARIABLE }.' }),
  });
  return map({
    brokers: listOf(brokerAddress(), 'a list of brokers, like [127.0.0.1:9092]').meta({
      description: 'Brokers to begin with, host:port; the others are found through them.',
    }),
    topics: listOf(topicName(), 'a list of topics').meta({
      description: 'Topics to read. Tidemark waits for them and never creates them.',
    }),
    groupId: text('the name of a consumer group', (value) =>
      /\p{Cc}/u.test(value) ? 'holds a control character' : null,
    )
      .optional()
      .meta({ description: "Consumer group; the job's name where it is left out. A job keeps its group." }),
    startFrom: startFrom().prefault('earliest').meta({
      description:
        'Where to begin, used once, where the journal has nothing: earliest, latest, group (its committed offset) or an ISO time with its zone.',
    }),
    decode: z
      .enum(['batches', 'records'], { error: expecting('batches or records') })
      .default('batches')
      .meta({
        description:
          'How records are read: batches (quick), or records, by the decoder of kafkajs, to compare with. The files are the same.',
      }),
    ssl: z
      .union([z.boolean(), rule(tls, certNeedsKey)], {
        error: expecting('true, or a map with ca, cert, key, rejectUnauthorized'),
      })
      .default(false)
      .meta({ description: 'TLS: true, or a map with its files.' }),
    sasl: sasl.optional().meta({ description: 'Authentication.' }),
  });
}

function brokerAddress() {
  const expected = 'host:port, like 127.0.0.1:9092 or [::1]:9092';
  return text(expected, (value) => {
    if (value.includes('@')) return 'holds an "@" (user and password belong into sasl)';
    const [, port] = /^(?:[^\s:/[\]]+|\[[0-9A-Fa-f:.]+\]):(\d{1,5})$/.exec(value) ?? [];
    return port === undefined || !isPort(Number(port)) ? `"${value}" is no broker` : null;
  });
}

function topicName() {
  const expected = 'a topic name of at most 249 letters, digits, ".", "_" and "-"';
  return text(expected, (value) => {
    const isLegal = /^[A-Za-z0-9._-]{1,249}$/.test(value) && value !== '.' && value !== '..';
    return isLegal ? null : `"${value}" is no topic name`;
  });
}

function fileSchema() {
  return map({
    path: text('a file or a pattern of files, like data/*.ndjson', (value) =>
      hasScheme(value) ? `"${value}" is a URL` : shellOnlyProblem(value),
    ).meta({
      description:
        'Files to read, with *, ** and ?. A file is a topic named by its path relative to the job file.',
      examples: ['data/*.ndjson'],
    }),
    time: text('the keys that lead to the time, like properties.time', (value) =>
      value.split('.').includes('') ? `"${value}" has an empty key` : null,
    )
      .optional()
      .meta({
        description:
          "Keys that lead to a line's time in its JSON: milliseconds since 1970 or an ISO text. Without it the file's modification time counts.",
      }),
  });
}

export function sourceSchema(context: SchemaContext) {
  return rule(
    map({
      kafka: kafkaSchema(context).optional().meta({ description: 'Kafka topics.' }),
      file: fileSchema().optional().meta({ description: 'Files, one record a line.' }),
    }).meta({
      description: 'Where records come from: kafka or file.',
      oneOf: [{ required: ['kafka'] }, { required: ['file'] }],
    }),
    exactlyOne('kafka', 'file'),
  );
}
