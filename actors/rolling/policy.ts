/**
 * The rolling policy of a job: its rules and their limits. Pure: time is passed in, in monotonic
 * milliseconds.
 */
import { AGE_RULE } from './age/rule.ts';
import { IDLE_RULE } from './idle/rule.ts';
import type { RollableFile, RollRule, TimeReason } from './rule.ts';
import { SIZE_RULE } from './size/rule.ts';

export interface RollingPolicy {
  /** Called after every record; allocates nothing. */
  rollsBySize(lengthBytes: number): boolean;
  /** The smallest length for which rollsBySize is true. */
  readonly rollsAtBytes: number;
  /** Called for every open file as time passes; allocates nothing. Null if the file stays open. */
  rollsByTime(file: RollableFile, nowMs: number): TimeReason | null;
  /** When to call rollsByTime again; at most now plus the shorter limit. Allocates nothing. */
  deadlineMs(file: RollableFile, nowMs: number): number;
  /** Whether every checkpoint rolls all files, as for formats with a footer. */
  readonly rollsAtCheckpoint: boolean;
}

/** A rule and its limit from the job file, in the rule's unit. */
export interface LimitedRule {
  readonly rule: RollRule;
  readonly limit: number;
}

/** @param rules at least one by size and one by time, so that every file is closed eventually. */
export function rollingPolicy(
  rules: readonly LimitedRule[],
  { rollsAtCheckpoint }: { readonly rollsAtCheckpoint: boolean } = { rollsAtCheckpoint: false },
): RollingPolicy {
  const sizes = rules.flatMap(({ rule, limit }) => (rule.type === 'size' ? [limit] : []));
  const times = rules.flatMap(({ rule, limit }) => (rule.type === 'time' ? [{ rule, limit }] : []));
  const rollsAtBytes = Math.min(...sizes);
  const shortestMs = Math.min(...times.map(({ limit }) => limit));
  return {
    rollsAtCheckpoint,
    rollsAtBytes,
    rollsBySize: (lengthBytes) => lengthBytes >= rollsAtBytes,
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

/** Limits of the rules that every job has. */
export interface RollLimits {
  readonly maxBytes: number;
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

function limited({ maxBytes, maxAgeMs, maxIdleMs }: RollLimits): readonly LimitedRule[] {
  return [
    { rule: SIZE_RULE, limit: maxBytes },
    { rule: AGE_RULE, limit: maxAgeMs },
    { rule: IDLE_RULE, limit: maxIdleMs },
  ];
}
