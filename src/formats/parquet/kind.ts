import { hasCode } from '../../../journal/errors.ts';
import type { TopicPartition } from '../../../journal/ids.ts';
import { type KeyProblem, map } from '../../../kernels/schema/parts.ts';
import { size } from '../../../kernels/schema/values.ts';
import type { ValueSchema } from '../../config/jobConfig.ts';
import { VERSION } from '../../system/version.ts';
import type { CompressionChoice, Content, ContentKeys, FormatKind } from '../kind.ts';
import { type Codec, codecNamed, PAGE_CODECS } from './compress.ts';
import { schemaDigest } from './encoder.ts';
import { recordEnvelope } from './envelope.ts';
import { ParquetRows } from './rowEncoder.ts';
import type { RowFile } from './rowFrames.ts';
import type { ParquetSchema } from './schema.ts';
import { columnsText, parseSchemaText } from './schemaFile.ts';

const MIB = 1024 * 1024;
const ROW_GROUP = { usual: 64 * MIB, least: MIB, most: 512 * MIB } as const;
/** Digits of the schema's digest in the journaled format. */
const DIGEST_DIGITS = 16;

/** They are inside of the file: its name does not tell. */
const COMPRESSIONS: readonly CompressionChoice[] = Object.entries(PAGE_CODECS).map(
  ([name, { description, level }]) => ({ name, description, suffix: '', level }),
);

interface ParsedKeys {
  readonly parquet?: { readonly rowGroup: number } | undefined;
}

export const PARQUET_FORMAT: FormatKind = {
  name: 'parquet',
  description: 'columns: the fields of JSON values by value.schema, or all of the record.',
  suffix: '.parquet',
  envelopes: ['value', 'record'],
  usualEnvelope: (hasSchema) => (hasSchema ? 'value' : 'record'),
  takesSchema: true,
  takesLineFeeds: false,
  compressions: COMPRESSIONS,
  usualCompression: 'zstd',
  memoryBytes: 1024 * MIB,
  keys: () => ({
    parquet: map({
      rowGroup: size()
        .refine((bytes) => bytes >= ROW_GROUP.least && bytes <= ROW_GROUP.most, {
          error: 'is no size of a row group; expected 1MiB to 512MiB',
        })
        .prefault('64MiB')
        .meta({
          description:
            'Memory of the rows that are written together as a row group, for each open file: 1MiB ' +
            'to 512MiB.',
        }),
    })
      .optional()
      .meta({ description: 'Settings of sink.format: parquet.' }),
  }),
  problems: (keys) => [...envelopeProblems(keys), ...decodeProblems(keys), ...schemaProblems(keys)],
  toSettings: ({ parquet }: ParsedKeys) => ({ rowGroupBytes: parquet?.rowGroup ?? ROW_GROUP.usual }),
  codecOf: () => null,
  rowGroupBytes: groupBytesOf,
  id: (content) =>
    `parquet-${schemaDigest(schemaOf(content)).slice(0, DIGEST_DIGITS)}-${codecNameOf(content)}`,
  recordsOf: (partition, content) => new ParquetRows(rowFileOf(partition, content), true),
  facts: (content) => [['columns', columnsText(schemaOf(content))]],
};

const codecNameOf = ({ compression }: Content): Codec => codecNamed(compression?.codec ?? 'none');

function groupBytesOf({ settings }: Content): number {
  return settings['rowGroupBytes'] ?? ROW_GROUP.usual;
}

/** Throws CONFIG_INVALID; not for a job file that was checked. */
function schemaOf({ schema, valueDecode }: Content): ParquetSchema {
  if (schema !== null) return parsedOnce(schema);
  return recordEnvelope(valueDecode === 'string' ? 'string' : 'binary');
}

/** Large schemas take long, and every claim of a partition asks. */
const parsed = new WeakMap<ValueSchema, ParquetSchema>();

function parsedOnce(schema: ValueSchema): ParquetSchema {
  const found = parsed.get(schema) ?? parseSchemaText(schema);
  parsed.set(schema, found);
  return found;
}

function rowFileOf(partition: TopicPartition, content: Content): RowFile {
  const { envelope, compression } = content;
  const level = compression?.level ?? null;
  return {
    schema: schemaOf(content),
    options: {
      codec: codecNameOf(content),
      ...(level === null ? {} : { level }),
      rowGroupBytes: groupBytesOf(content),
      // Readers look for "version", and trust no bounds of texts without it.
      createdBy: `tidemark version ${VERSION}`,
    },
    partition: envelope === 'record' ? partition : null,
  };
}

function envelopeProblems({ envelope, hasSchema }: ContentKeys): KeyProblem[] {
  if (envelope === undefined || envelope === (hasSchema ? 'value' : 'record')) return [];
  const message = hasSchema
    ? 'record is not supported together with value.schema; expected one without the other'
    : 'value needs the types of the columns; expected value.schema, or sink.envelope: record';
  return [{ key: ['sink', 'envelope'], message }];
}

/** Key and value are both binary, or both text. */
function decodeProblems({ hasSchema, keyDecode, valueDecode }: ContentKeys): KeyProblem[] {
  if (hasSchema) return [];
  const decodes = { key: keyDecode, value: valueDecode };
  const problems = (['key', 'value'] as const)
    .filter((name) => decodes[name] === 'json')
    .map((name): KeyProblem => {
      const message = 'json is not for the format parquet; expected bytes or string, or value.schema';
      return { key: [name, 'decode'], message };
    });
  if (problems.length > 0 || keyDecode === undefined || valueDecode === undefined) return problems;
  if (keyDecode === valueDecode) return [];
  const message = `is ${valueDecode}, but key.decode is ${keyDecode}; expected bytes or string for both`;
  return [{ key: ['value', 'decode'], message }];
}

function schemaProblems({ schema }: ContentKeys): KeyProblem[] {
  if (schema === undefined) return [];
  try {
    parseSchemaText(schema);
    return [];
  } catch (error) {
    if (!hasCode(error, 'CONFIG_INVALID')) throw error;
    const problem = error.message.replace(/^The schema/, 'the schema').replace(/\.$/, '');
    return [{ key: ['value', 'schema'], message: `${schema.file}: ${problem}` }];
  }
}
