/** `tidemark fuzz` without a command line: runs schedules until one breaks the promise, or none is left. */
import { availableParallelism } from 'node:os';
import { inOrder, ownThread, type Executor, type World } from './executor.ts';
import { Exhaustion } from './exhaustion.ts';
import { shortSchedule } from './exhaust.ts';
import {
  failureOf,
  reportOf,
  type Failure,
  type FuzzMode,
  type FuzzReport,
  type Level,
  type RunIdentity,
} from './report.ts';
import { Corpus } from './draw/corpus.ts';
import { nextSchedule } from './draw/vary.ts';
import type { Schedule, Violation } from './schedule.ts';
import { shrink } from './shrink.ts';
import { Tally } from './tally.ts';
import { WorkerPool } from './workers.ts';
import { runWorld } from './world.ts';

export interface FuzzOptions extends RunIdentity {
  readonly mode: FuzzMode;
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
  readonly what: 'drawn' | 'singles' | 'pairs' | 'triples' | 'shrinking';
}

/** Below this many schedules, starting threads takes longer than it saves. */
const THREADS_FROM_SCHEDULES = 100;
const LEVEL_NAMES = ['singles', 'singles', 'pairs', 'triples'] as const;

/** What has run so far, and the first violation. */
interface State {
  readonly tally: Tally;
  readonly levels: readonly Level[];
  readonly failure: Failure | null;
  readonly isComplete: boolean;
}

export async function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  const startedMs = options.nowMs();
  const threads = threadsOf(options);
  const executor: Executor = threads === 1 ? ownThread(worldOf(options)) : new WorkerPool(threads);
  let state: State;
  try {
    state = await runMode(options, executor);
  } finally {
    await executor.close();
  }
  const { tally, ...rest } = state;
  const seconds = (options.nowMs() - startedMs) / 1_000;
  const schedulesPerSecond = seconds === 0 ? 0 : Math.round(tally.schedules / seconds);
  const timing = { seconds: Math.round(seconds * 10) / 10, schedulesPerSecond, threads };
  return reportOf(tally, options, { ...rest, mode: options.mode, timing });
}

function worldOf({ world = runWorld }: FuzzOptions): World {
  return world;
}

function threadsOf({ mode, world, threads = availableParallelism() }: FuzzOptions): number {
  const isShort = mode.type === 'replay' || (mode.type === 'runs' && mode.runs < THREADS_FROM_SCHEDULES);
  return isShort || world !== undefined ? 1 : threads;
}

function runMode(options: FuzzOptions, executor: Executor): Promise<State> {
  const { mode } = options;
  switch (mode.type) {
    case 'runs':
      return runDrawn(options, executor, mode.runs, Infinity);
    case 'time':
      return runDrawn(options, executor, Infinity, options.nowMs() + mode.forMs);
    case 'exhaustive':
      return runExhaustive(options, executor, mode.strikes);
    case 'replay':
      return replay(options, mode.schedule);
  }
}

async function runDrawn(
  options: FuzzOptions,
  executor: Executor,
  runs: number,
  untilMs: number,
): Promise<State> {
  const { signal, nowMs, onProgress, seed } = options;
  const tally = new Tally();
  const isOver = (): boolean => signal.aborted || nowMs() >= untilMs;
  const corpus = new Corpus();
  const requests = function* () {
    for (let run = 0; run < runs && !isOver(); run += 1) {
      corpus.begin();
      yield { run, schedule: nextSchedule(seed, run, corpus, options), sitesBehind: null };
    }
  };
  const schedulesMax = Number.isFinite(runs) ? runs : null;
  for await (const { request, summary } of inOrder(requests(), executor)) {
    tally.add(request.schedule, summary);
    corpus.take(request.schedule, summary.reached);
    onProgress?.({ what: 'drawn', schedules: tally.schedules, schedulesMax });
    if (summary.violations.length > 0) {
      onProgress?.({ what: 'shrinking', schedules: tally.schedules, schedulesMax });
      const failure = await shrunkFailure(options, request.run, request.schedule, summary.violations);
      return { tally, levels: [], failure, isComplete: true };
    }
  }
  const isComplete = !signal.aborted || tally.schedules >= runs;
  return { tally, levels: [], failure: null, isComplete };
}

/** `run`: null for an exhaustive schedule, which is short already. */
async function shrunkFailure(
  options: FuzzOptions,
  run: number | null,
  original: Schedule,
  [first]: readonly Violation[],
): Promise<Failure | null> {
  if (first === undefined) return null;
  const world = worldOf(options);
  const { signal } = options;
  const { schedule, runs: shrinkRuns } =
    run === null
      ? { schedule: original, runs: 0 }
      : await shrink(world, original, first.invariant, () => signal.aborted);
  return failureOf({ trace: await world(schedule), foundInRun: run, shrinkRuns });
}

async function runExhaustive(options: FuzzOptions, executor: Executor, strikesMax: number): Promise<State> {
  const { signal, onProgress } = options;
  const tally = new Tally();
  const exhaustion = new Exhaustion(shortSchedule(options), strikesMax);
  while (exhaustion.begin()) {
    const requests = exhaustion.requests(() => signal.aborted);
    for await (const { request, summary } of inOrder(requests, executor)) {
      tally.add(request.schedule, summary);
      exhaustion.take(request, summary);
      const what = LEVEL_NAMES[request.strikes.length] ?? 'triples';
      onProgress?.({ what, schedules: exhaustion.done, schedulesMax: exhaustion.planned });
      if (summary.violations.length > 0) {
        const failure = await shrunkFailure(options, null, request.schedule, summary.violations);
        return { tally, levels: exhaustion.levels, failure, isComplete: true };
      }
    }
    if (signal.aborted) break;
  }
  return { tally, levels: exhaustion.levels, failure: null, isComplete: !signal.aborted };
}

async function replay(options: FuzzOptions, schedule: Schedule): Promise<State> {
  const trace = await worldOf(options)(schedule);
  const tally = new Tally();
  tally.add(schedule, { ...trace, sites: [] });
  return {
    tally,
    levels: [],
    failure: failureOf({ trace, foundInRun: null, shrinkRuns: 0 }),
    isComplete: true,
  };
}
