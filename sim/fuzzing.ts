/** What all modes of `tidemark fuzz` are given, and what they leave. */
import type { World } from './executor.ts';
import type { HistoryToFuzz } from './history/fuzzHistory.ts';
import {
  failureOf,
  type Failure,
  type FuzzMode,
  type HistoryReport,
  type Level,
  type RunIdentity,
} from './report.ts';
import type { Schedule, Violation } from './schedule.ts';
import { shrink } from './shrink.ts';
import type { Tally } from './tally.ts';
import { runWorld } from './world.ts';

export interface FuzzOptions extends RunIdentity {
  readonly mode: FuzzMode;
  /** What a mode of type `history` is about. */
  readonly history?: HistoryToFuzz;
  /** 1: only this thread. Default: as many as the machine has processors. */
  readonly threads?: number;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
  /** Aborted: ends after the current schedule and reports what was found. */
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: FuzzProgress) => void;
  /** A world other than the default runs in this thread. */
  readonly world?: World;
}

export interface FuzzProgress {
  readonly schedules: number;
  /** Null if it is not known. */
  readonly schedulesMax: number | null;
  readonly what: 'drawn' | 'singles' | 'pairs' | 'triples' | 'crash points' | 'variations' | 'shrinking';
}

/** What has run so far, and the first violation. */
export interface FuzzState {
  readonly tally: Tally;
  readonly levels: readonly Level[];
  readonly history: HistoryReport | null;
  readonly failure: Failure | null;
  readonly isComplete: boolean;
}

export function worldOf({ world = runWorld }: FuzzOptions): World {
  return world;
}

/** @param run the number of the drawn run; null for any other schedule. */
export async function shrunkFailure(
  options: FuzzOptions,
  run: number | null,
  original: Schedule,
  [first]: readonly Violation[],
): Promise<Failure | null> {
  if (first === undefined) return null;
  const world = worldOf(options);
  const { signal } = options;
  const { schedule, runs } = await shrink(world, original, first.invariant, () => signal.aborted);
  return failureOf({ trace: await world(schedule), foundInRun: run, shrinkRuns: runs });
}

/** Of a schedule that is short already, or to be shown as it is. */
export async function wholeFailure(options: FuzzOptions, schedule: Schedule): Promise<Failure | null> {
  return failureOf({ trace: await worldOf(options)(schedule), foundInRun: null, shrinkRuns: 0 });
}
