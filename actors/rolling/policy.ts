/** The rolling policy of a job: its rules, each with its limit, taken together. Pure: time is handed in, monotonic milliseconds. */
import { AGE_RULE } from './age/rule.ts';
import { IDLE_RULE } from './idle/rule.ts';
import type { RollableFile, RollRule, TimeReason } from './rule.ts';
import { SIZE_RULE } from './size/rule.ts';

export interface RollingPolicy {
  /** Asked after every record: allocates nothing. */
  rollsBySize(lengthBytes: number): boolean;
  /** The smallest length for which rollsBySize is true. */
  readonly rollsAtBytes: number;
  /** Asked when time has passed; null where the file goes on. */
  rollsByTime(file: RollableFile, nowMs: number): TimeReason | null;
  /** When to ask again by time; never later than now plus the shorter limit. */
  deadlineMs(file: RollableFile, nowMs: number): number;
  /** Whether every checkpoint rolls: formats with a footer. */
  readonly rollsAtCheckpoint: boolean;
}

/** A rule with the limit that the job file gives it, in the rule's unit. */
export interface LimitedRule {
  readonly rule: RollRule;
  readonly limit: number;
}

/** @param rules at least one by size and one by time: every file is closed some day. */
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
    rollsByTime: (file, nowMs) =>
      times.find(({ rule, limit }) => nowMs - rule.sinceMs(file) >= limit)?.rule.reason ?? null,
    deadlineMs: (file, nowMs) =>
      Math.min(nowMs + shortestMs, ...times.map(({ rule, limit }) => rule.sinceMs(file) + limit)),
  };
}

/** The limits of the rules that every job has. */
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
