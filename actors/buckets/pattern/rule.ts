/** The rules of buckets that a pattern names: by times, and by parts of records. */
import { z } from 'zod';
import type { TopicPartition } from '../../../journal/ids.ts';
import { isMap, type KeyProblem } from '../../../kernels/schema/parts.ts';
import { hasControl, matchingText, text } from '../../../kernels/schema/values.ts';
import { encodePathSegment } from '../../pathSegment.ts';
import { RecordBucketAssigner } from '../parts/assigner.ts';
import { TIME_UNITS, type FieldTimeConfig, type TimeUnit } from '../parts/fieldTime.ts';
import { oneBucket, type BucketAssigner, type BucketRule } from '../rule.ts';
import { timeBuckets } from '../time/assigner.ts';
import { parseBucketPattern, type BucketPattern, type BucketToken } from './pattern.ts';

export interface PatternBucketConfig {
  readonly by: 'record-time' | 'wall-clock' | 'field';
  readonly pattern: BucketPattern;
  /** IANA name that this Node knows. */
  readonly timezone: string;
  /** Only by field. */
  readonly field?: FieldTimeConfig | undefined;
  /** Stands for a part that a record lacks. Only with a pattern that names one. */
  readonly fallback?: string | undefined;
}

interface ParsedKeys {
  readonly pattern: BucketPattern;
  readonly timezone: string;
  readonly field?: string | undefined;
  readonly unit?: TimeUnit | undefined;
  readonly fallback: string;
}

/** Buckets by the record's own time. */
export const RECORD_TIME_BUCKETS = patternRule('record-time', 'its own time');
/** Buckets by the time at which a record is written. */
export const WALL_CLOCK_BUCKETS = patternRule('wall-clock', 'the time it is written');
/** Buckets by a time in the record's value. */
export const FIELD_BUCKETS = patternRule('field', 'a time in a field of its value');

function patternRule(
  by: PatternBucketConfig['by'],
  chosenBy: string,
): BucketRule<PatternBucketConfig, ParsedKeys> {
  return {
    name: by,
    chosenBy,
    keys: patternKeys,
    problems: by === 'field' ? fieldProblems : noFieldProblems,
    toConfig: ({ pattern, timezone, field, unit = 'ms', fallback }) => ({
      ...{ by, pattern, timezone },
      ...(by === 'field' && field !== undefined ? { field: { path: field.split('.'), unit } } : {}),
      ...(pattern.tokens.some(({ type }) => type === 'part') ? { fallback } : {}),
    }),
    takesText: ({ pattern }) => isPattern(pattern) && pattern.tokens.some(isOfRecord),
    assigner: patternBuckets,
    meaning: meaningOf,
    describe: ({ pattern, timezone, field }) =>
      `${by}${field === undefined ? '' : ` ${field.path.join('.')} (${field.unit})`} ` +
      `${pattern.text} ${timezone}`,
  };
}

/** Without keys that mean nothing here: earlier versions did not know them. */
function meaningOf({ by, pattern, timezone, field, fallback }: PatternBucketConfig) {
  return {
    ...{ by, pattern: pattern.text, timezone },
    ...(field === undefined ? {} : { field: field.path.join('.'), unit: field.unit }),
    ...(fallback === undefined ? {} : { fallback }),
  };
}

export function patternBuckets(
  { by, pattern, timezone, field, fallback = '' }: PatternBucketConfig,
  partition: TopicPartition,
): BucketAssigner {
  const { finestUnit } = pattern;
  const tokens = pattern.tokens.map((token) => bound(token, partition));
  const hasParts = tokens.some(({ type }) => type === 'part');
  const time = by === 'field' ? field : by;
  if (time !== undefined && (hasParts || typeof time === 'object'))
    return new RecordBucketAssigner({ time, tokens, finestUnit, timezone, fallback });
  if (by !== 'field' && finestUnit !== null) return timeBuckets(by, { tokens, finestUnit }, timezone);
  return oneBucket(tokens.map((token) => (token.type === 'literal' ? token.text : '')).join(''));
}

/** What is the same for all records of the partition is literal. */
function bound(token: BucketToken, { topic, partition }: TopicPartition): BucketToken {
  if (token.type !== 'part') return token;
  const { part, bytesMax } = token;
  if (part.of === 'topic') return { type: 'literal', text: encodePathSegment(topic, bytesMax) };
  return part.of === 'partition' ? { type: 'literal', text: String(partition) } : token;
}

/** A pattern that is wrong by itself is no pattern yet. */
const isPattern = (value: unknown): value is BucketPattern => isMap(value) && Array.isArray(value['tokens']);

/** Whether the token differs from record to record by what producers write. */
const isOfRecord = (token: BucketToken): boolean =>
  token.type === 'part' && token.part.of !== 'topic' && token.part.of !== 'partition';

const FIELD = 'the path of a field, like event.time';

function fieldProblems({ field, pattern }: Readonly<Record<string, unknown>>): readonly KeyProblem[] {
  if (field === undefined)
    return [{ key: ['field'], message: `is missing with bucket.by: field; expected ${FIELD}` }];
  if (!isPattern(pattern) || pattern.finestUnit !== null) return [];
  const message = 'holds no unit of time, so bucket.field is for nothing; expected a pattern like yyyy-MM-dd';
  return [{ key: ['pattern'], message }];
}

/** Of a rule that reads no field. */
export function noFieldProblems(bucket: Readonly<Record<string, unknown>>): readonly KeyProblem[] {
  return ['field', 'unit']
    .filter((key) => bucket[key] !== undefined)
    .map((key) => ({ key: [key], message: 'is only for bucket.by: field' }));
}

function patternKeys() {
  return {
    pattern: bucketPattern()
      .prefault('yyyy-MM-dd--HH')
      .meta({
        description:
          "Folder as a time: yyyy MM dd HH mm ss SSS, 'text in quotes', and / between folders. " +
          'Parts of the record: {value.FIELD}, {key}, {header.NAME}, {topic}, {partition}.',
      }),
    timezone: timezone().default('UTC').meta({ description: 'IANA name of the time zone of the pattern.' }),
    field: matchingText(FIELD, /^[^.]+(?:\.[^.]+)*$/u)
      .optional()
      .meta({ description: 'Field of the JSON value that holds the time, for `by: field`.' }),
    unit: z
      .enum(TIME_UNITS, { error: 'is unknown; expected ms, s or iso' })
      .optional()
      .meta({ description: 'What the field holds: ms or s since 1970 (default ms), or iso for ISO 8601.' }),
    fallback: text('the name of a folder, like unknown', fallbackProblem).default('unknown').meta({
      description: 'Stands in the pattern for a part that a record lacks.',
    }),
  };
}

const FALLBACK_BYTES_MAX = 40;

function fallbackProblem(value: string): string | null {
  if (/[/\\]/.test(value)) return 'holds a separator of folders';
  if (hasControl(value)) return 'holds a control character';
  if (new TextEncoder().encode(value).length > FALLBACK_BYTES_MAX)
    return `is longer than ${FALLBACK_BYTES_MAX} bytes`;
  return null;
}

function timezone() {
  return text('an IANA time zone, like UTC or Europe/Berlin', (value) => {
    if (/^[+-]/.test(value)) return `"${value}" is an offset`;
    try {
      new Intl.DateTimeFormat('en', { timeZone: value });
      return null;
    } catch (error) {
      if (error instanceof RangeError) return `"${value}" is no time zone that this Node knows`;
      throw error;
    }
  });
}

function bucketPattern() {
  const examples = ['yyyy-MM-dd--HH', "'dt='yyyy-MM-dd/'hr='HH", "'dt='yyyy-MM-dd/'country='{value.country}"];
  return text('a pattern like yyyy-MM-dd--HH, in quotes if it begins with {')
    .meta({ examples })
    .transform((value, context) => {
      const result = parseBucketPattern(value);
      if (result.type === 'parsed') return result.pattern;
      const place = result.at === null ? '' : ` at character ${result.at}`;
      context.addIssue({
        code: 'custom',
        message: `"${value}" is wrong${place}: ${result.reason}; expected a pattern like yyyy-MM-dd--HH`,
      });
      return z.NEVER;
    });
}
