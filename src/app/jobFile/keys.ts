/**
 * The job file's public keys: one definition for validation, types, the JSON Schema for editors, and
 * docs/job-file.md. The keys of a kind come from the lists of kinds.
 */
import path from 'node:path';
import { z } from 'zod';
import type { BucketRule } from '../../../actors/buckets/rule.ts';
import { JOB_NAME_PATTERN, jobName } from '../../../journal/ids.ts';
import type { FileText, SchemaContext } from '../../../kernels/schema/outside.ts';
import {
  type KeyProblem,
  eitherOf,
  exactlyOne,
  isMap,
  listedOr,
  map,
  rule,
  rules,
} from '../../../kernels/schema/parts.ts';
import { count, duration, expecting, matchingText, size } from '../../../kernels/schema/values.ts';
import { badSchema } from './badKeys.ts';
import { keySchema, recordProblems, valueSchema } from './contentKeys.ts';
import { httpSchema } from './httpKeys.ts';
import { DEFAULT_JOURNAL, JOB_KINDS, type JobKinds } from '../registeredKinds.ts';
import { sinkSchema } from './sinkKeys.ts';

/** A map with exactly one of the kinds' names as its key. */
function oneOf(
  kinds: readonly { readonly name: string; schema(context: SchemaContext): z.ZodType }[],
  context: SchemaContext,
  description: string,
) {
  const names = kinds.map(({ name }) => name);
  const shape = Object.fromEntries(kinds.map((kind) => [kind.name, kind.schema(context).optional()]));
  return rule(
    map(shape).meta({
      description: `${description}: ${eitherOf(names)}.`,
      oneOf: names.map((name) => ({ required: [name] })),
    }),
    exactlyOne(names),
  );
}

function bucketSchema({ bucketRules }: JobKinds) {
  const names = bucketRules.map(({ name }) => name);
  const chosenBy = bucketRules.map((each) => each.chosenBy);
  const keys = Object.assign({}, ...bucketRules.map((each) => each.keys())) as z.core.$ZodLooseShape;
  const shape = map({
    by: z
      .enum(names, { error: expecting(eitherOf(names)) })
      .default(names[0] ?? '')
      .meta({
        description: `What chooses a record's folder: ${listedOr(chosenBy)}.`,
      }),
    ...keys,
    maxOpen: count('a number of files, like 1000').optional().meta({
      description: 'Part files that the process holds open at most; those idle longest are closed.',
    }),
  }).meta({ description: 'Which folder a record belongs to.' });
  return rules(shape, (bucket) => ruleIn(bucket, { bucketRules })?.problems?.(bucket) ?? []);
}

/** The rule that a `bucket` section names; undefined if there is none. */
function ruleIn(
  { by }: Readonly<Record<string, unknown>>,
  { bucketRules }: Pick<JobKinds, 'bucketRules'>,
): BucketRule | undefined {
  return bucketRules.find(({ name }) => name === (by ?? bucketRules[0]?.name));
}

function rollSchema({ rollRules }: JobKinds) {
  return map(Object.fromEntries(rollRules.map((each) => [each.key, each.schema()]))).meta({
    description: 'When a part file is closed.',
  });
}

/** The whole job file. What its values refer to (files, variables) is looked up in `context`. */
export function jobSchema(context: SchemaContext, kinds: JobKinds) {
  return rules(jobMap(context, kinds), (job) => [
    ...recordProblems(job, kinds.formats),
    ...entropyInRecords(job, kinds),
  ]);
}

/** A record could hold the text that is replaced, and would be in another folder than its name says. */
function entropyInRecords(
  { sink, bucket }: Readonly<Record<string, unknown>>,
  kinds: JobKinds,
): KeyProblem[] {
  if (!isMap(sink) || (sink['entropy'] ?? null) === null || !isMap(bucket)) return [];
  if (ruleIn(bucket, kinds)?.takesText?.(bucket) !== true) return [];
  const message =
    'is not for a bucket.pattern with parts of records; expected one with times, {topic} or {partition}';
  return [{ key: ['sink', 'entropy'], message }];
}

function jobMap(context: SchemaContext, kinds: JobKinds) {
  return map({
    job: matchingText('1 to 63 lower-case letters, digits and "-"', JOB_NAME_PATTERN)
      .transform((name) => jobName(name))
      .meta({ description: 'Name of the job; the journal and the destination know it by this name.' }),
    source: oneOf(kinds.sources, context, 'Where records come from'),
    sink: sinkSchema(context, kinds),
    key: keySchema().prefault({}),
    value: valueSchema(context).prefault({}),
    bad: badSchema().prefault({}),
    bucket: bucketSchema(kinds).prefault({}),
    roll: rollSchema(kinds).prefault({}),
    checkpoint: map({
      interval: duration()
        .prefault('10s')
        .meta({ description: 'How often progress is made durable and closed files are committed.' }),
    })
      .meta({ description: 'When progress counts.' })
      .prefault({}),
    startup: map({
      timeout: duration(1)
        .prefault('60s')
        .meta({
          description:
            'With --until-end: how long a journal, source, destination or group that is away ' +
            'is waited for. A service waits for ever.',
        }),
    })
      .meta({ description: 'How long the beginning may take.' })
      .prefault({}),
    shutdown: map({
      timeout: duration(2)
        .prefault('9s')
        .meta({
          description:
            'How long the end may take after SIGTERM, SIGINT or SIGHUP; ' +
            'its last second is for leaving the group.',
        }),
    })
      .meta({ description: 'How long the end may take.' })
      .prefault({}),
    memory: size()
      .optional()
      .meta({
        description:
          'Ceiling of the resident memory of the process; over it files are rolled early. ' +
          '256MiB, for OSS-HDFS 512MiB, for plain OSS 320MiB; for parquet 1GiB, with OSS-HDFS 256MiB ' +
          'and with plain OSS 64MiB more.',
      }),
    http: httpSchema(context),
    journal: oneOf(
      kinds.journals,
      context,
      'Where every transition is written before it takes effect',
    ).prefault({
      [DEFAULT_JOURNAL]: {},
    }),
  });
}

export type ParsedJob = z.output<ReturnType<typeof jobSchema>>;

/** JSON Schema of the job file, for editors and `tidemark schema`. */
export function jobJsonSchema(kinds: JobKinds = JOB_KINDS): Record<string, unknown> {
  const readText = (): FileText => ({ type: 'text', text: '' });
  const schema = jobSchema({ env: {}, baseDir: path.sep, isReadableFile: () => true, readText }, kinds);
  const generated = z.toJSONSchema(schema, { io: 'input', target: 'draft-7' });
  return { ...generated, title: 'Tidemark job file' };
}
