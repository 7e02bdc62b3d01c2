/** A row of the bench: one question, answered by one ratio. */
import type { BenchContext } from '../harness/context.ts';
import type { Experiment } from '../harness/rounds.ts';
import { spreadOf, type Spread } from '../harness/statistics.ts';

export type RowName =
  | 'throughput'
  | 'cpu'
  | 'memory'
  | 'codecs'
  | 'interval'
  | 'buckets'
  | 'buckets-flink'
  | 'fetch'
  | 'restart'
  | 'oss-hdfs'
  | 'oss'
  | 'audit'
  | 'gzip-text'
  | 'zstd-text'
  | 'json'
  | 'parquet'
  | 'parquet-cpu'
  | 'slow-topic';

export type Goal = { readonly atLeast: number } | { readonly atMost: number };

export interface Row {
  readonly name: RowName;
  /** What is divided by what. */
  readonly ratio: string;
  readonly goal: Goal;
  /** Rejects if it cannot be measured here. */
  run(context: BenchContext): Promise<RowOutcome>;
}

export interface RowOutcome {
  readonly ratio: number;
  readonly experiments: readonly Experiment[];
  /** Seconds of each side by round, if durations are compared instead of runs through a topic. */
  readonly durations?: readonly Duration[];
  /** Bounds in addition to the ratio. */
  readonly bounds: readonly Bound[];
  /** What helps to judge the ratio. */
  readonly notes?: readonly string[];
}

export interface Duration {
  readonly name: string;
  readonly seconds: readonly number[];
  readonly spread: Spread;
}

export function durationOf(name: string, seconds: readonly number[]): Duration {
  return { name, seconds, spread: spreadOf(seconds) };
}

export interface Bound {
  readonly what: string;
  readonly isKept: boolean;
}

/** The ratio alone is not enough if there are other bounds. */
export function isReached(goal: Goal, { ratio, bounds }: RowOutcome): boolean {
  const isRatioReached = 'atLeast' in goal ? ratio >= goal.atLeast : ratio <= goal.atMost;
  return isRatioReached && bounds.every(({ isKept }) => isKept);
}

/** The memory that a job may use in any case. */
const MEMORY_MIB_MAX = 256;

export function memoryBound(peakMiB: number): Bound {
  const what = `peak memory ${peakMiB.toFixed(0)} MiB of ${MEMORY_MIB_MAX} MiB`;
  return { what, isKept: peakMiB <= MEMORY_MIB_MAX };
}
