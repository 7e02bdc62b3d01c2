/**
 * The job file's public keys: the one definition behind checking, types, the JSON Schema for editors, and docs/job-file.md.
 */
import path from 'node:path';
import { z } from 'zod';
import { JOB_NAME_PATTERN, jobName } from '../../journal/ids.ts';
import {
  bucketPattern,
  duration,
  existingFile,
  expecting,
  filePath,
  matchingText,
  secret,
  size,
  text,
  timezone,
  type SchemaContext,
} from './leaves.ts';
import { certNeedsKey, exactlyOne, isPort, listOf, map, rule, tlsShape } from './schemaParts.ts';
import { sinkSchema } from './schemaSink.ts';
import { sourceSchema } from './schemaSource.ts';

function bucketSchema() {
  return map({
    by: z
      .enum(['record-time', 'wall-clock', 'none'], { error: expecting('record-time, wall-clock or none') })
      .default('record-time')
      .meta({
        description: "What chooses a record's folder: its own time, the time it is written, or nothing.",
      }),
    pattern: bucketPattern().prefault('yyyy-MM-dd--HH').meta({
      description: "Folder as a time: yyyy MM dd HH mm ss SSS, 'text in quotes', and / between folders.",
    }),
    timezone: timezone().default('UTC').meta({ description: 'IANA name of the time zone of the pattern.' }),
  }).meta({ description: 'Which folder a record belongs to.' });
}

function natsSchema(context: SchemaContext) {
  const nats = map({
    servers: listOf(natsServer(), 'a list of servers, like ["nats://127.0.0.1:4222"]')
      .default(['nats://127.0.0.1:4222'])
      .meta({ description: 'Servers to begin with.' }),
    stream: matchingText(
      'a stream name of at most 255 letters, digits, "_" and "-"',
      /^[A-Za-z0-9_-]{1,255}$/,
    )
      .default('TIDEMARK')
      .meta({ description: 'JetStream stream; created where it is missing. One stream may hold many jobs.' }),
    replicas: z
      .int({ error: expecting('a whole number from 1 to 5') })
      .min(1, { error: 'is less than 1; expected a whole number from 1 to 5' })
      .max(5, { error: 'is more than 5; expected a whole number from 1 to 5' })
      .default(1)
      .meta({ description: 'Copies of the stream where it is created: 3 survive the loss of a server.' }),
    credentials: existingFile(context, 'a .creds file').optional().meta({ description: 'A .creds file.' }),
    user: text('a user name').optional().meta({ description: 'User name; together with password.' }),
    password: secret(context)
      .optional()
      .meta({ description: 'Password, as it stands or as { env: VARIABLE }.' }),
    token: secret(context).optional().meta({ description: 'Token, as it stands or as { env: VARIABLE }.' }),
    tls: z
      .union([z.boolean(), rule(map(tlsShape(context)), certNeedsKey)], {
        error: expecting('true, or a map with ca, cert, key'),
      })
      .default(false)
      .meta({ description: 'TLS: true, or a map with its files.' }),
  });
  return rule(nats, (value) => {
    if ((value['user'] === undefined) !== (value['password'] === undefined)) {
      return value['user'] === undefined
        ? 'has password without user; expected both'
        : 'has user without password; expected both';
    }
    const ways = ['credentials', 'user', 'token'].filter((key) => value[key] !== undefined);
    return ways.length > 1 ? `has ${ways.join(' and ')}; expected one way to authenticate` : null;
  });
}

function natsServer() {
  const expected = 'nats://host:port or tls://host:port';
  return text(expected, (value) => {
    if (value.includes('@')) return 'holds an "@" (user and password have keys of their own)';
    const [, port = '4222'] = /^(?:nats|tls):\/\/(?:[^\s:/[\]]+|\[[0-9a-fA-F:.]+\])(?::(\d{1,5}))?$/.exec(
      value,
    ) ?? [null, '0'];
    return isPort(Number(port)) ? null : `"${value}" is no server`;
  });
}

function journalSchema(context: SchemaContext) {
  return rule(
    map({
      nats: natsSchema(context)
        .optional()
        .meta({ description: 'NATS JetStream: any number of coordinators may share the job.' }),
      sqlite: map({
        path: filePath(context, 'the path of a database file')
          .prefault(path.join('.tidemark', 'journal.db'))
          .meta({ description: 'Database file; created where it is missing.' }),
      })
        .optional()
        .meta({ description: 'Embedded: one coordinator, one disk.' }),
    }).meta({
      description: 'Where every transition is written before it takes effect: sqlite or nats.',
      oneOf: [{ required: ['nats'] }, { required: ['sqlite'] }],
    }),
    exactlyOne('nats', 'sqlite'),
  );
}

/** The whole job file. What its values refer to (files, variables) is looked up in `context`. */
export function jobSchema(context: SchemaContext) {
  return map({
    job: matchingText('1 to 63 lower-case letters, digits and "-"', JOB_NAME_PATTERN)
      .transform((name) => jobName(name))
      .meta({ description: 'Name of the job; the journal and the destination know it by this name.' }),
    source: sourceSchema(context),
    sink: sinkSchema(context),
    bucket: bucketSchema().prefault({}),
    roll: map({
      maxBytes: size()
        .prefault('128MiB')
        .meta({ description: 'Close a part file at this size; checked after every record.' }),
      maxAge: duration()
        .prefault('10m')
        .meta({ description: 'Close a part file this long after it was opened.' }),
      maxIdle: duration()
        .prefault('1m')
        .meta({ description: 'Close a part file this long after its last record.' }),
    })
      .meta({ description: 'When a part file is closed.' })
      .prefault({}),
    checkpoint: map({
      interval: duration()
        .prefault('10s')
        .meta({ description: 'How often progress is made durable and closed files are committed.' }),
    })
      .meta({ description: 'When progress counts.' })
      .prefault({}),
    startup: map({
      timeout: duration(1).prefault('60s').meta({
        description:
          'With --until-end: how long a journal, source, destination or group that is away is waited for. A service waits for ever.',
      }),
    })
      .meta({ description: 'How long the beginning may take.' })
      .prefault({}),
    shutdown: map({
      timeout: duration(2).prefault('9s').meta({
        description:
          'How long the end may take after SIGTERM, SIGINT or SIGHUP; its last second is for leaving the group.',
      }),
    })
      .meta({ description: 'How long the end may take.' })
      .prefault({}),
    memory: size().optional().meta({
      description:
        'Ceiling of the resident memory of the process; over it files are rolled early. 256MiB, for OSS-HDFS 512MiB.',
    }),
    journal: journalSchema(context).prefault({ sqlite: {} }),
  });
}

export type ParsedJob = z.output<ReturnType<typeof jobSchema>>;

/** JSON Schema of the job file, for editors and `tidemark schema`. */
export function jobJsonSchema(): Record<string, unknown> {
  const schema = jobSchema({ env: {}, baseDir: path.sep, isReadableFile: () => true });
  const generated = z.toJSONSchema(schema, { io: 'input', target: 'draft-7' });
  return { ...generated, title: 'Tidemark job file' };
}
