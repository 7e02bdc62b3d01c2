/**
 * The rolling policy of a job: its rules and their limits. Pure: time is passed in, in monotonic
 * milliseconds.
 */
import { AGE_RULE } from './age/rule.ts';
import { IDLE_RULE } from './idle/rule.ts';
import { RECORDS_RULE } from './records/rule.ts';
import type { FillingFile, FillLimits, RollableFile, RollRule, TimeReason } from './rule.ts';
import { SIZE_RULE } from './size/rule.ts';

export interface RollingPolicy {
  /** Whether the file is full. Called after every record; allocates nothing. */
  rollsBySize(file: FillingFile): boolean;
  /** When a file is full, for whoever fills it in bulk. */
  readonly full: FillLimits;
  /** Called for every open file as time passes; allocates nothing. Null if the file stays open. */
  rollsByTime(file: RollableFile, nowMs: number): TimeReason | null;
  /** When to call rollsByTime again; at most now plus the shorter limit. Allocates nothing. */
  deadlineMs(file: RollableFile, nowMs: number): number;
  /** Whether every checkpoint rolls all files, as for formats with a footer. */
  readonly rollsAtCheckpoint: boolean;
}

/** A rule and its limit from the job file, in the rule's unit; Infinity for none. */
export interface LimitedRule {
  readonly rule: RollRule;
  readonly limit: number;
}

/** @param rules at least one by size and one by time, so that every file is closed eventually. */
export function rollingPolicy(
  rules: readonly LimitedRule[],
  { rollsAtCheckpoint }: { readonly rollsAtCheckpoint: boolean } = { rollsAtCheckpoint: false },
): RollingPolicy {
  const limitsOf = (type: RollRule['type']): number[] =>
    rules.flatMap(({ rule, limit }) => (rule.type === type ? [limit] : []));
  const times = rules.flatMap(({ rule, limit }) => (rule.type === 'time' ? [{ rule, limit }] : []));
  const full = { bytes: Math.min(...limitsOf('size')), records: Math.min(...limitsOf('records')) };
  const { bytes, records } = full;
  const shortestMs = Math.min(...times.map(({ limit }) => limit));
  return {
    rollsAtCheckpoint,
    full,
    // Without a limit of records, nothing more is done per record.
    rollsBySize:
      records === Infinity
        ? ({ lengthBytes }) => lengthBytes >= bytes
        : (file) => file.records >= records || file.lengthBytes >= bytes,
    rollsByTime(file, nowMs) {
      for (const { rule, limit } of times) if (nowMs - rule.sinceMs(file) >= limit) return rule.reason;
      return null;
    },
    deadlineMs(file, nowMs) {
      let deadlineMs = nowMs + shortestMs;
      for (const { rule, limit } of times) deadlineMs = Math.min(deadlineMs, rule.sinceMs(file) + limit);
      return deadlineMs;
    },
  };
}

/** Limits of the rules that every job has; that of records may be absent. */
export interface RollLimits {
  readonly maxBytes: number;
  readonly maxRecords?: number | undefined;
  readonly maxAgeMs: number;
  readonly maxIdleMs: number;
}

export function defaultRollingPolicy(limits: RollLimits): RollingPolicy {
  return rollingPolicy(limited(limits));
}

/** Closes every file at every checkpoint. */
export function checkpointRollingPolicy(limits: RollLimits): RollingPolicy {
  return rollingPolicy(limited(limits), { rollsAtCheckpoint: true });
}

function limited({ maxBytes, maxRecords, maxAgeMs, maxIdleMs }: RollLimits): readonly LimitedRule[] {
  return [
    { rule: SIZE_RULE, limit: maxBytes },
    { rule: RECORDS_RULE, limit: maxRecords ?? Infinity },
    { rule: AGE_RULE, limit: maxAgeMs },
    { rule: IDLE_RULE, limit: maxIdleMs },
  ];
}
