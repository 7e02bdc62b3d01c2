/** `tidemark fuzz` without a command line: runs schedules until one breaks the promise, or none is left. */
import { availableParallelism } from 'node:os';
import { TidemarkError } from '../journal/errors.ts';
import { inOrder, ownThread, type Executor } from './executor.ts';
import { Exhaustion } from './exhaustion.ts';
import { shortSchedule } from './exhaust.ts';
import { shrunkFailure, wholeFailure, worldOf, type FuzzOptions, type FuzzState } from './fuzzing.ts';
import { fuzzHistory } from './history/fuzzHistory.ts';
import { failureOf, reportOf, type FuzzReport } from './report.ts';
import { Corpus } from './draw/corpus.ts';
import { nextSchedule } from './draw/vary.ts';
import type { Schedule } from './schedule.ts';
import { Tally } from './tally.ts';
import { WorkerPool } from './workers.ts';

export type { FuzzOptions, FuzzProgress } from './fuzzing.ts';

/** Below this many schedules, starting threads takes longer than it saves. */
const THREADS_FROM_SCHEDULES = 100;
const LEVEL_NAMES = ['singles', 'singles', 'pairs', 'triples'] as const;

export async function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  const startedMs = options.nowMs();
  const threads = threadsOf(options);
  const executor: Executor = threads === 1 ? ownThread(worldOf(options)) : new WorkerPool(threads);
  let state: FuzzState;
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

function threadsOf({ mode, world, threads = availableParallelism() }: FuzzOptions): number {
  const isShort = mode.type === 'replay' || (mode.type === 'runs' && mode.runs < THREADS_FROM_SCHEDULES);
  return isShort || world !== undefined ? 1 : threads;
}

function runMode(options: FuzzOptions, executor: Executor): Promise<FuzzState> {
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
    case 'history':
      if (options.history === undefined) throw new TidemarkError('INTERNAL', 'A history to fuzz is missing.');
      return fuzzHistory(options, executor, options.history, mode.runs);
  }
}

async function runDrawn(
  options: FuzzOptions,
  executor: Executor,
  runs: number,
  untilMs: number,
): Promise<FuzzState> {
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
      return { tally, levels: [], history: null, failure, isComplete: true };
    }
  }
  const isComplete = !signal.aborted || tally.schedules >= runs;
  return { tally, levels: [], history: null, failure: null, isComplete };
}

async function runExhaustive(
  options: FuzzOptions,
  executor: Executor,
  strikesMax: number,
): Promise<FuzzState> {
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
        const failure = await wholeFailure(options, request.schedule);
        return { tally, levels: exhaustion.levels, history: null, failure, isComplete: true };
      }
    }
    if (signal.aborted) break;
  }
  return { tally, levels: exhaustion.levels, history: null, failure: null, isComplete: !signal.aborted };
}

async function replay(options: FuzzOptions, schedule: Schedule): Promise<FuzzState> {
  const trace = await worldOf(options)(schedule);
  const tally = new Tally();
  tally.add(schedule, { ...trace, sites: [] });
  return {
    tally,
    ...{ levels: [], history: null },
    failure: failureOf({ trace, foundInRun: null, shrinkRuns: 0 }),
    isComplete: true,
  };
}
