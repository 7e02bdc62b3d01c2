/**
 * Folders of a world: how their rule is written, drawn, said and applied. Records of a world are no JSON:
 * where a pattern names a field, the rule is shown a value for the record's offset, which the checkers know
 * too.
 */
import { noBuckets } from '../../actors/buckets/none/rule.ts';
import type { BucketAssigner, BucketConfig, BucketRecord } from '../../actors/buckets/rule.ts';
import { parseBucketPattern, type BucketPattern } from '../../actors/buckets/pattern/pattern.ts';
import { patternBuckets, type PatternBucketConfig } from '../../actors/buckets/pattern/rule.ts';
import { z } from 'zod';
import { timeBuckets } from '../../actors/buckets/time/assigner.ts';
import { TidemarkError } from '../../journal/errors.ts';
import type { TopicPartition } from '../../journal/ids.ts';
import type { RecordCursor } from '../../src/sources/port.ts';
import { randomFor, type SeededRandom } from '../random.ts';

export type Buckets =
  | { readonly by: 'none' }
  | { readonly by: 'record-time' | 'wall-clock'; readonly pattern: string; readonly timezone: string };

export const bucketsSchema: z.ZodType<Buckets> = z.union([
  z.strictObject({ by: z.literal('none') }),
  z.strictObject({ by: z.enum(['record-time', 'wall-clock']), pattern: z.string(), timezone: z.string() }),
]);

export function bucketWords(buckets: Buckets): string {
  return buckets.by === 'none'
    ? 'no buckets'
    : `buckets by ${buckets.by} ${buckets.pattern} ${buckets.timezone}`;
}

/** Patterns whose folders change within a schedule: by second, minute, hour, day and month. */
const PATTERNS = ['ss', 'mm', 'HH', 'yyyy-MM-dd--HH', 'yyyy/MM/dd', 'yyyy-MM'] as const;
const ZONES = ['UTC', 'Asia/Shanghai', 'Asia/Kolkata', 'America/New_York'] as const;

export function drawBuckets(random: SeededRandom): Buckets {
  if (random.percent(50)) return { by: 'none' };
  const by = random.pick(['record-time', 'wall-clock'] as const);
  return { by, pattern: random.pick(PATTERNS), timezone: random.pick(ZONES) };
}

/** What the rule of a job file is in a world. Refused if the world has none like it. */
export function bucketsOfJob(bucket: BucketConfig): Buckets {
  if (bucket.by === 'none') return { by: 'none' };
  if (!hasPattern(bucket))
    throw new TidemarkError('CONFIG_INVALID', `The simulated world has no buckets by "${bucket.by}".`);
  const { by, pattern, timezone } = bucket;
  // Records of the world have one field, and times of their own.
  const text = pattern.text.replaceAll(/\{(?:value|key|header)[^}]*\}/g, FIELD_PART);
  return { by: by === 'field' ? 'record-time' : by, pattern: text, timezone };
}

function hasPattern(bucket: BucketConfig): bucket is PatternBucketConfig {
  return bucket.by === 'record-time' || bucket.by === 'wall-clock' || bucket.by === 'field';
}

/** In percent: of drawn time buckets. */
const FIELD_SHARE = 20;

/**
 * Perhaps with a folder for each value of a field below that of the time; drawn from all else, so that
 * nothing else is drawn otherwise.
 */
export function withField<Config extends { readonly buckets: Buckets }>(config: Config): Config {
  const random = randomFor(`field ${JSON.stringify(config)}`);
  const { buckets } = config;
  if (buckets.by === 'none' || !random.percent(FIELD_SHARE)) return config;
  return { ...config, buckets: { ...buckets, pattern: `${buckets.pattern}/'b='${FIELD_PART}` } };
}

/** The field that patterns of worlds name. */
const FIELD_PART = '{value.b}';
const FALLBACK = 'unknown';
/** Values of the field, by offset. The last one is none. */
const VALUES = ['{"b":"x"}', '{"b":2}', '{"b":"\\u0078"}', '{"b":"a/b"}', '{"a":1}'].map((text) =>
  Buffer.from(text),
);

/** Of a moment, for whoever asks where its records go. */
interface Moment {
  readonly timestampMs: number;
  readonly offset: number;
}

export class WorldBuckets implements BucketAssigner {
  readonly looksAtRecords: boolean;
  readonly routes: BucketAssigner['routes'];
  readonly #rule: BucketAssigner;

  constructor(buckets: Buckets, partition: TopicPartition) {
    this.#rule = ruleOf(buckets, partition);
    this.looksAtRecords = this.#rule.looksAtRecords;
    this.routes = this.#rule.routes;
  }

  slotOf(record: BucketRecord, wallMs: number): number {
    const { baseOffset, offsetDelta } = record as RecordCursor;
    const moment = { timestampMs: record.timestampMs, offset: Number(baseOffset) + offsetDelta };
    return this.#rule.slotOf(recordOf(moment), wallMs);
  }

  bucketOf(slot: number): string {
    return this.#rule.bucketOf(slot);
  }

  isKnownAgain(hasOwnTimes: boolean): boolean {
    return this.#rule.isKnownAgain(hasOwnTimes);
  }

  keep(isInUse: (slot: number) => boolean): void {
    this.#rule.keep?.(isInUse);
  }
}

function ruleOf(buckets: Buckets, partition: TopicPartition): BucketAssigner {
  if (buckets.by === 'none') return noBuckets();
  const { by, pattern, timezone } = buckets;
  return patternBuckets({ by, pattern: patternOf(pattern), timezone, fallback: FALLBACK }, partition);
}

function patternOf(text: string): BucketPattern {
  const parsed = parseBucketPattern(text);
  if (parsed.type === 'parsed') return parsed.pattern;
  throw new TidemarkError('CONFIG_INVALID', `"${text}" is no bucket pattern: ${parsed.reason}`);
}

/** What folders show of the values of the field, by offset. */
const TEXTS = ['x', '2', 'x', 'a%2Fb', FALLBACK];

/**
 * Where the rule has to put records: found without the part of the product that looks into records, for
 * whoever judges it.
 */
export class ExpectedBuckets {
  readonly #byText: readonly ((timestampMs: number) => string)[];

  constructor(buckets: Buckets) {
    this.#byText = TEXTS.map((text) => expectedWith(buckets, text));
  }

  bucketAt({ timestampMs, offset }: Moment): string {
    return this.#byText[offset % TEXTS.length]?.(timestampMs) ?? '';
  }
}

function expectedWith(buckets: Buckets, text: string): (timestampMs: number) => string {
  if (buckets.by === 'none') return () => '';
  const { tokens: all, finestUnit } = patternOf(buckets.pattern);
  const tokens = all.map((token) => (token.type === 'part' ? ({ type: 'literal', text } as const) : token));
  if (finestUnit === null) return () => tokens.map((token) => ('text' in token ? token.text : '')).join('');
  const assigner = timeBuckets('record-time', { tokens, finestUnit }, buckets.timezone);
  return (timestampMs) =>
    assigner.bucketOf(assigner.slotOf(recordOf({ timestampMs, offset: 0 }), timestampMs));
}

const NO_BYTES = Buffer.alloc(0);

function recordOf({ timestampMs, offset }: Moment): BucketRecord {
  const valueBytes = VALUES[offset % VALUES.length] ?? NO_BYTES;
  return {
    ...{ timestampMs, valueBytes, valueStart: 0, valueEnd: valueBytes.length },
    ...{ keyBytes: NO_BYTES, keyStart: -1, keyEnd: 0, headersStart: -1, headersEnd: -1 },
  };
}
