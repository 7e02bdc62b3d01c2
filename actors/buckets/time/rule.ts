/** The rules of time buckets in a job file. */
import { z } from 'zod';
import { text } from '../../../kernels/schema/values.ts';
import type { BucketRule } from '../rule.ts';
import { timeBuckets } from './assigner.ts';
import { parseBucketPattern, type BucketPattern } from './pattern.ts';

export interface TimeBucketConfig {
  readonly by: 'record-time' | 'wall-clock';
  readonly pattern: BucketPattern;
  /** IANA name that this Node knows. */
  readonly timezone: string;
}

interface ParsedKeys {
  readonly pattern: BucketPattern;
  readonly timezone: string;
}

/** Buckets by the record's own time. */
export const RECORD_TIME_BUCKETS = timeRule('record-time', 'its own time');
/** Buckets by the time at which a record is written. */
export const WALL_CLOCK_BUCKETS = timeRule('wall-clock', 'the time it is written');

function timeRule(by: TimeBucketConfig['by'], chosenBy: string): BucketRule<TimeBucketConfig, ParsedKeys> {
  return {
    name: by,
    chosenBy,
    keys: timeKeys,
    toConfig: ({ pattern, timezone }) => ({ by, pattern, timezone }),
    assigner: ({ pattern, timezone }) => timeBuckets(by, pattern, timezone),
    meaning: (config) => ({ ...config, pattern: config.pattern.text }),
    describe: ({ pattern, timezone }) => `${by} ${pattern.text} ${timezone}`,
  };
}

function timeKeys() {
  return {
    pattern: bucketPattern().prefault('yyyy-MM-dd--HH').meta({
      description: "Folder as a time: yyyy MM dd HH mm ss SSS, 'text in quotes', and / between folders.",
    }),
    timezone: timezone().default('UTC').meta({ description: 'IANA name of the time zone of the pattern.' }),
  };
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
  const examples = ['yyyy-MM-dd--HH', "'dt='yyyy-MM-dd/'hr='HH"];
  return text('a pattern like yyyy-MM-dd--HH')
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
