/** Bucket rules of tests, and records to ask rules with. */
import type { BucketAssigner, BucketRecord } from '../../../../actors/buckets/rule.ts';
import type { TimePattern } from '../../../../actors/buckets/time/assigner.ts';
import { parseBucketPattern, type BucketPattern } from '../../../../actors/buckets/pattern/pattern.ts';

const NO_BYTES = Buffer.alloc(0);

/** A record with nothing but a time and what is given. */
export function recordAt(timestampMs: number, value: string | null = null): BucketRecord {
  const valueBytes = value === null ? NO_BYTES : Buffer.from(value);
  return {
    ...{ timestampMs, valueBytes, valueStart: value === null ? -1 : 0, valueEnd: valueBytes.length },
    ...{ keyBytes: NO_BYTES, keyStart: -1, keyEnd: 0, headersStart: -1, headersEnd: -1 },
  };
}

export function patternOf(text: string): BucketPattern {
  const result = parseBucketPattern(text);
  if (result.type === 'invalid') throw new Error(result.reason);
  return result.pattern;
}

export function timePattern(text: string): TimePattern {
  const { tokens, finestUnit } = patternOf(text);
  if (finestUnit === null) throw new Error(`${text} holds no time`);
  return { tokens, finestUnit };
}

/** By the time of each record. */
export function byTime(
  bucketOf: (slot: number) => string,
  slotOf: (timeMs: number) => number = (timeMs) => timeMs,
): BucketAssigner {
  return {
    slotOf: ({ timestampMs }) => slotOf(timestampMs),
    bucketOf,
    looksAtRecords: true,
    isKnownAgain: (hasOwnTimes) => hasOwnTimes,
    routes: null,
  };
}
