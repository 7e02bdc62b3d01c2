/** Converts the keys of the job file to the typed job. */
import type { BucketConfig } from '../../../actors/buckets/rule.ts';
import type { JournalConfig } from '../../../journal/kind.ts';
import type { SchemaContext } from '../../../kernels/schema/outside.ts';
import type { JobConfig, SourceConfig } from '../../config/jobConfig.ts';
import { toValueConfig } from './contentKeys.ts';
import { toHttpConfig } from './httpKeys.ts';
import type { ParsedJob } from './keys.ts';
import { bucketRuleOf, type JobKinds } from '../registeredKinds.ts';
import { toSinkConfig } from './sinkKeys.ts';

interface Loaded {
  readonly file: string;
  readonly context: SchemaContext;
  readonly warnings: readonly string[];
}

export function toJobConfig(
  parsed: ParsedJob,
  { file, context, warnings }: Loaded,
  kinds: JobKinds,
): JobConfig {
  const { job, checkpoint, startup, shutdown, key, value, bad } = parsed;
  const { baseDir } = context;
  return {
    ...{ job, file, warnings, baseDir },
    source: given(kinds.sources, parsed.source, (kind, keys): SourceConfig =>
      kind.toConfig(keys, { job, baseDir }),
    ),
    sink: toSinkConfig(parsed.sink, value.schema !== undefined, context, kinds),
    ...{ key, value: toValueConfig(value), bad },
    bucket: bucketConfig(parsed.bucket, kinds),
    ...(parsed.bucket.maxOpen === undefined ? {} : { openFilesMax: parsed.bucket.maxOpen }),
    roll: rollLimits(parsed.roll, kinds),
    checkpoint: { intervalMs: checkpoint.interval },
    startup: { timeoutMs: startup.timeout },
    shutdown: { timeoutMs: shutdown.timeout },
    memoryBytes: parsed.memory ?? null,
    http: toHttpConfig(parsed.http),
    journal: given(kinds.journals, parsed.journal, (kind, keys): JournalConfig => kind.toConfig(keys)),
  };
}

/** Without those that are not given and have no default. */
function rollLimits(parsed: ParsedJob['roll'], { rollRules }: JobKinds): JobConfig['roll'] {
  const limits: Record<string, number> = {};
  for (const { key, configKey } of rollRules) {
    const limit = parsed[key];
    if (limit !== undefined) limits[configKey] = limit;
  }
  return limits;
}

/** The schema's rules guarantee that exactly one of them is present. */
function given<Kind extends { readonly name: string }, Config>(
  kinds: readonly Kind[],
  parsed: Readonly<Record<string, unknown>>,
  toConfig: (kind: Kind, keys: unknown) => Config,
): Config {
  for (const kind of kinds) if (parsed[kind.name] !== undefined) return toConfig(kind, parsed[kind.name]);
  throw new TypeError('A checked job file lacks a key that its schema requires.');
}

function bucketConfig(parsed: ParsedJob['bucket'], kinds: JobKinds): BucketConfig {
  return bucketRuleOf(kinds, { by: parsed.by }).toConfig(parsed);
}
