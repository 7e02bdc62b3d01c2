/** What a fuzz run comes to, as data. Everything but `timing` follows from the seed and the options. */
import type { FailpointTally, FaultTally, Tally } from './tally.ts';
import type { JobShape } from './draw/jobShape.ts';
import { journalLines } from './journalLines.ts';
import type { Invariant, RunTrace, Schedule, StoreKind, Violation } from './schedule.ts';
import { scheduleWords } from './words.ts';

export type FuzzMode =
  | { readonly type: 'runs'; readonly runs: number }
  | { readonly type: 'time'; readonly forMs: number }
  /** Up to so many strikes in one schedule. */
  | { readonly type: 'exhaustive'; readonly strikes: number }
  | { readonly type: 'replay'; readonly path: string };

/** Exhausted schedules with this many strikes. */
export interface Level {
  readonly strikes: number;
  readonly schedules: number;
  /** In so many of them the last strike took place. */
  readonly hit: number;
}

export interface Failure {
  readonly invariant: Invariant;
  readonly violations: readonly Violation[];
  /** Where it was found, and, shrunk, where it is smallest. */
  readonly foundAtPath: string;
  readonly path: string;
  readonly shrinkRuns: number;
  readonly schedule: Schedule;
  /** The schedule in words. */
  readonly words: readonly string[];
  /** The entries around it, a line each. */
  readonly journal: readonly string[];
  /** Replays exactly that run. */
  readonly command: string;
}

export interface FuzzReport {
  /** Whether the promise held in every schedule that was tried. */
  readonly verdict: 'held' | 'violated';
  /** False where it was interrupted before it was through. */
  readonly isComplete: boolean;
  readonly mode: FuzzMode;
  readonly seed: number;
  readonly store: StoreKind;
  readonly job: { readonly name: string; readonly settings: readonly string[] } | null;
  readonly schedules: number;
  readonly levels: readonly Level[];
  readonly faults: readonly FaultTally[];
  readonly failpoints: readonly FailpointTally[];
  /** Failpoints that no process passed, with their side. */
  readonly neverPassed: readonly string[];
  readonly failure: Failure | null;
  readonly timing: {
    readonly seconds: number;
    readonly schedulesPerSecond: number;
    readonly threads: number;
  };
}

/** What a run was asked for; a replay needs the same. */
export interface RunIdentity {
  readonly seed: number;
  readonly store: StoreKind;
  readonly job: JobShape | null;
  /** The job file as the user wrote it. */
  readonly jobFile: string | null;
}

export interface Found {
  readonly trace: RunTrace;
  readonly foundAtPath: string;
  readonly path: string;
  readonly shrinkRuns: number;
  readonly isExhaustive: boolean;
}

export function failureOf(found: Found, identity: RunIdentity): Failure | null {
  const { trace, foundAtPath, path, shrinkRuns } = found;
  const [first] = trace.violations;
  if (first === undefined) return null;
  return {
    invariant: first.invariant,
    violations: trace.violations,
    ...{ foundAtPath, path, shrinkRuns },
    schedule: trace.schedule,
    words: scheduleWords(trace.schedule, trace.fired),
    journal: journalLines(trace.journal, first),
    command: replayCommand(path, found.isExhaustive, identity),
  };
}

function replayCommand(path: string, isExhaustive: boolean, { seed, store, jobFile }: RunIdentity): string {
  return [
    'npx tidemark fuzz',
    ...(isExhaustive ? ['--exhaustive'] : []),
    `--seed ${seed} --path '${path}' --store ${store}`,
    ...(jobFile === null ? [] : [`--job ${shellWord(jobFile)}`]),
  ].join(' ');
}

function shellWord(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

export function reportOf(
  tally: Tally,
  identity: RunIdentity,
  rest: Pick<FuzzReport, 'mode' | 'isComplete' | 'levels' | 'failure' | 'timing'>,
): FuzzReport {
  const { job, seed, store } = identity;
  const { failpoints, faults, schedules } = tally;
  const { failure, isComplete, mode, levels, timing } = rest;
  return {
    verdict: failure === null ? 'held' : 'violated',
    ...{ isComplete, mode, seed, store },
    job: job === null ? null : { name: job.job, settings: job.notes },
    ...{ schedules, levels, faults, failpoints },
    neverPassed: failpoints.filter(({ passed }) => passed === 0).map(({ point, side }) => `${point}:${side}`),
    ...{ failure, timing },
  };
}
