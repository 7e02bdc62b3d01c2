/**
 * The keys that say what part files hold: `key`, `value`, and those below `sink`. Kinds of formats add
 * theirs.
 */
import { z } from 'zod';
import { textFile, type SchemaContext } from '../../../kernels/schema/outside.ts';
import { eitherOf, isMap, map, type KeyProblem } from '../../../kernels/schema/parts.ts';
import { expecting } from '../../../kernels/schema/values.ts';
import type { Decode, Envelope, LineFeeds, SinkConfig, ValueSchema } from '../../config/jobConfig.ts';
import type { CompressionChoice, ContentKeys, FormatKind } from '../../formats/kind.ts';

/** The text is journaled at every start: an entry must have room for it. */
const SCHEMA_BYTES_MAX = 256 * 1024;
const ENVELOPES: readonly Envelope[] = ['value', 'record'];
const LINE_FEEDS: readonly LineFeeds[] = ['bad', 'keep'];
const DECODES: readonly Decode[] = ['bytes', 'string', 'json'];

type Keys = Readonly<Record<string, unknown>>;

/** Below `sink`; those of the kinds besides. */
export function contentKeys(formats: readonly FormatKind[]) {
  return {
    format: formatSchema(formats),
    envelope: envelopeSchema(),
    compression: compressionSchema(formats).prefault({}),
  };
}

export function ownKeys(formats: readonly FormatKind[]): z.core.$ZodLooseShape {
  return Object.assign({}, ...formats.map((kind) => kind.keys())) as z.core.$ZodLooseShape;
}

interface ParsedContent {
  readonly format: string;
  readonly envelope?: Envelope | undefined;
  readonly compression: {
    readonly codec?: string | undefined;
    readonly level?: number | undefined;
  };
}

function formatSchema(formats: readonly FormatKind[]) {
  const names = formats.map(({ name }) => name);
  return z
    .enum(names, { error: expecting(eitherOf(names)) })
    .default(names[0] ?? '')
    .meta({ description: formats.map(({ name, description }) => `${name}: ${description}`).join(' ') });
}

function envelopeSchema() {
  return z
    .enum(ENVELOPES, { error: expecting(eitherOf(ENVELOPES)) })
    .optional()
    .meta({
      description:
        'What a line or row holds: value: the value alone; record: topic, partition, offset, ' +
        'timestamp, key, value and headers. By default value; record for parquet without value.schema.',
    });
}

function compressionSchema(formats: readonly FormatKind[]) {
  const choices = distinct(formats.flatMap(({ compressions }) => compressions));
  const names = ['none', ...choices.map(({ name }) => name)] as const;
  const described = formats.map((kind) => ({ kind, levels: levelsText(kind) }));
  const levels = described.filter(({ levels }, index) => {
    return levels !== '' && described.findIndex((other) => other.levels === levels) === index;
  });
  return map({
    codec: z
      .enum(names, { error: expecting(eitherOf(names)) })
      .optional()
      .meta({
        description:
          `By default none; zstd for parquet. ` +
          choices.map(({ name, description }) => `${name}: ${description}`).join(' '),
      }),
    level: z
      .int({ error: expecting('a whole number') })
      .optional()
      .meta({ description: levels.map(({ kind, levels }) => `${kind.name}: ${levels}`).join(' ') }),
  }).meta({
    description:
      'Compression of part files. Of lines: frames of 1 MiB, one ended at each checkpoint, so that what is ' +
      'checkpointed is a complete compressed file. Of parquet: the pages inside of the file.',
  });
}

function distinct(choices: readonly CompressionChoice[]): readonly CompressionChoice[] {
  return choices.filter(({ name }, index) => choices.findIndex((other) => other.name === name) === index);
}

function levelsText({ compressions }: FormatKind): string {
  return compressions
    .flatMap(({ name, level }) =>
      level === null ? [] : `${name} ${level.least} to ${level.most}, ${level.usual} by default`,
    )
    .map((text, index, all) => `${text}${index === all.length - 1 ? '.' : ';'}`)
    .join(' ');
}

function decodeSchema(what: string) {
  return z
    .enum(DECODES, { error: expecting(eitherOf(DECODES)) })
    .default('bytes')
    .meta({
      description:
        `${what} in a line of sink.envelope: record. bytes: base64; string: its UTF-8 as text; ` +
        'json: JSON as it is. In a row of parquet: bytes or string, the same for key and value.',
    });
}

export function keySchema() {
  return map({ decode: decodeSchema('The key') }).meta({
    description: 'How keys are written (sink.envelope: record).',
  });
}

export function valueSchema(context: SchemaContext) {
  const tombstones = ['skip', 'keep', 'bad'] as const;
  return map({
    decode: decodeSchema('The value'),
    tombstones: z
      .enum(tombstones, { error: expecting(eitherOf(tombstones)) })
      .default('skip')
      .meta({
        description:
          'Records without a value. skip: counted, and in no file; keep: written as null (sink.envelope: ' +
          'record); bad: as `bad` says.',
      }),
    lineFeeds: z
      .enum(LINE_FEEDS, { error: expecting(eitherOf(LINE_FEEDS)) })
      .default('bad')
      .meta({
        description:
          'Values with a line feed (sink.format: text). bad: as `bad` says; keep: written as they ' +
          'are, so that such a record is several lines.',
      }),
    schema: schemaFileSchema(context)
      .optional()
      .meta({
        description:
          'File with the types of the fields of JSON values, which become columns (sink.format: ' +
          'parquet): an Avro schema (.avsc), or the short form (.yaml).',
      }),
  }).meta({ description: 'How values are written.' });
}

function schemaFileSchema(outside: SchemaContext) {
  const expected = 'the file of a schema: .avsc (Avro), or .yaml (the short form)';
  return textFile(outside, expected, SCHEMA_BYTES_MAX).transform(({ file, text }, context) => {
    const form = /\.avsc$/i.test(file) ? 'avro' : /\.ya?ml$/i.test(file) ? 'short' : null;
    if (form !== null) return { file, form, text } as const;
    context.addIssue({ code: 'custom', message: `"${file}" has another ending; expected ${expected}` });
    return z.NEVER;
  });
}

/** Problems between the keys below `sink`; none for keys that are wrong by themselves. */
export function contentProblems(sink: Keys, formats: readonly FormatKind[]): KeyProblem[] {
  const kind = kindIn(sink, formats);
  if (kind === undefined) return [];
  return [
    ...foreignKeys(sink, kind, formats),
    ...unableProblems(sink, kind, formats),
    ...levelProblems(sink, kind),
  ];
}

/** Those between `sink`, `key` and `value`. */
export function recordProblems(job: Keys, formats: readonly FormatKind[]): KeyProblem[] {
  const [sink, key, value] = [job['sink'], job['key'], job['value']].map((part) => (isMap(part) ? part : {}));
  if (sink === undefined || key === undefined || value === undefined) return [];
  const kind = kindIn(sink, formats);
  if (kind === undefined) return [];
  const keys = contentKeysOf(sink, key, value);
  const envelope = keys.envelope ?? kind.usualEnvelope(keys.hasSchema);
  const problems: KeyProblem[] = [];
  if (value['tombstones'] === 'keep' && envelope !== 'record') {
    const message = 'keep is only for sink.envelope: record; expected skip or bad';
    problems.push({ key: ['value', 'tombstones'], message });
  }
  if (value['lineFeeds'] === 'keep' && !kind.takesLineFeeds) {
    const able = formats.filter(({ takesLineFeeds }) => takesLineFeeds).map(({ name }) => name);
    const message = `is only for sink.format: ${eitherOf(able)}; ${kind.name} keeps them inside of values`;
    problems.push({ key: ['value', 'lineFeeds'], message });
  }
  if (keys.hasSchema && !kind.takesSchema) {
    const able = formats.filter(({ takesSchema }) => takesSchema).map(({ name }) => name);
    const message = `is not for the format ${kind.name}; expected sink.format: ${eitherOf(able)}`;
    problems.push({ key: ['value', 'schema'], message });
  } else problems.push(...kind.problems(keys));
  return problems;
}

const kindIn = ({ format }: Keys, formats: readonly FormatKind[]): FormatKind | undefined =>
  formats.find(({ name }) => name === (format ?? formats[0]?.name));

const oneOf = <Name extends string>(names: readonly Name[], value: unknown): Name | undefined =>
  names.find((name) => name === value);

function contentKeysOf(sink: Keys, key: Keys, value: Keys): ContentKeys {
  const { schema } = value;
  return {
    envelope: oneOf(ENVELOPES, sink['envelope']),
    keyDecode: oneOf(DECODES, key['decode']),
    valueDecode: oneOf(DECODES, value['decode']),
    hasSchema: schema !== undefined,
    schema: isMap(schema) && 'form' in schema ? (schema as unknown as ContentKeys['schema']) : undefined,
  };
}

/** Keys of another kind of format than the one that is named. */
function foreignKeys(sink: Keys, kind: FormatKind, formats: readonly FormatKind[]): KeyProblem[] {
  const own = Object.keys(kind.keys());
  return formats.flatMap((other) =>
    Object.keys(other.keys())
      .filter((key) => sink[key] !== undefined && !own.includes(key))
      .map((key) => ({
        key: [key],
        message: `is only for sink.format: ${other.name}; expected one without the other`,
      })),
  );
}

/** An envelope, or a compression, that the format has not. */
function unableProblems(sink: Keys, kind: FormatKind, formats: readonly FormatKind[]): KeyProblem[] {
  const problems: KeyProblem[] = [];
  const envelope = oneOf(ENVELOPES, sink['envelope']);
  if (envelope !== undefined && !kind.envelopes.includes(envelope)) {
    const able = formats.filter(({ envelopes }) => envelopes.includes(envelope)).map(({ name }) => name);
    const message = `${envelope} is not for the format ${kind.name}; expected sink.format: ${eitherOf(able)}`;
    problems.push({ key: ['envelope'], message });
  }
  const codec = codecIn(sink);
  const names: readonly string[] = kind.compressions.map(({ name }) => name);
  const isKnown = formats.some(({ compressions }) => compressions.some(({ name }) => name === codec));
  if (isKnown && typeof codec === 'string' && !names.includes(codec)) {
    const message = `${codec} is not for the format ${kind.name}; expected ${eitherOf(['none', ...names])}`;
    problems.push({ key: ['compression', 'codec'], message });
  }
  return problems;
}

const codecIn = ({ compression }: Keys): unknown => (isMap(compression) ? compression['codec'] : undefined);

function levelProblems(sink: Keys, kind: FormatKind): KeyProblem[] {
  const { compression } = sink;
  const level = isMap(compression) ? compression['level'] : undefined;
  if (typeof level !== 'number') return [];
  const key = ['compression', 'level'];
  const codec = codecIn(sink) ?? kind.usualCompression;
  if (codec === 'none')
    return [{ key, message: 'is given without a codec; expected sink.compression.codec' }];
  const choice = kind.compressions.find(({ name }) => name === codec);
  if (choice === undefined) return [];
  if (choice.level === null)
    return [{ key, message: `is given, but ${choice.name} has no levels; expected the codec alone` }];
  const { least, most } = choice.level;
  if (level >= least && level <= most) return [];
  return [{ key, message: `${level} is no level of ${choice.name}; expected ${least} to ${most}` }];
}

/** Needs keys that the schema's rules accepted. */
export function toContentConfig(
  sink: Keys,
  hasSchema: boolean,
  formats: readonly FormatKind[],
): Pick<SinkConfig, 'format' | 'envelope' | 'compression' | 'formatSettings'> & { readonly suffix: string } {
  // Only the kinds know their keys, so with them the common ones lose their types.
  const { format, envelope, compression } = sink as unknown as ParsedContent;
  const kind = kindIn(sink, formats);
  if (kind === undefined) throw new TypeError('A checked job file has a format that no kind has.');
  const codec = compression.codec ?? kind.usualCompression;
  const chosen = kind.compressions.find(({ name }) => name === codec) ?? null;
  const level = chosen === null ? null : (compression.level ?? chosen.level?.usual ?? null);
  const settings = kind.toSettings(sink);
  return {
    format,
    envelope: envelope ?? kind.usualEnvelope(hasSchema),
    compression: chosen === null ? null : { codec: chosen.name, level },
    ...(Object.keys(settings).length === 0 ? {} : { formatSettings: settings }),
    suffix: kind.suffix + (chosen?.suffix ?? ''),
  };
}

/** Without the file's path, which differs from machine to machine. */
export function toValueConfig<
  Value extends { readonly schema?: (ValueSchema & { file: string }) | undefined },
>({ schema, ...value }: Value): Omit<Value, 'schema'> & { readonly schema?: ValueSchema } {
  return schema === undefined ? value : { ...value, schema: { form: schema.form, text: schema.text } };
}
