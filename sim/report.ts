/** The result of a fuzz run, as data. Everything except `timing` depends only on the seed and the options. */
import type { Coverage } from './coverage.ts';
import type { FailpointTally, FaultTally, Tally } from './tally.ts';
import type { JobShape } from './job/shape.ts';
import type { Likeness } from './history/history.ts';
import { journalLines } from './journalLines.ts';
import type { Invariant, RunTrace, Schedule, StoreKind, Violation } from './schedule.ts';
import { scheduleText } from './scheduleText.ts';
import { scheduleWords } from './scheduleWords.ts';

export type FuzzMode =
  | { readonly type: 'runs'; readonly runs: number }
  | { readonly type: 'time'; readonly forMs: number }
  /** At most this many strikes in one schedule. */
  | { readonly type: 'exhaustive'; readonly strikes: number }
  | { readonly type: 'replay'; readonly schedule: Schedule }
  /** A stretch of a journal, with that many drawn variations. */
  | { readonly type: 'history'; readonly runs: number };

/** Exhaustive schedules with this many strikes. */
export interface Level {
  readonly strikes: number;
  readonly schedules: number;
  /** In how many of them the last strike took place. */
  readonly hit: number;
}

export interface Failure {
  readonly invariant: Invariant;
  readonly violations: readonly Violation[];
  /** The number of the drawn run; null for an exhaustive or a replayed schedule. */
  readonly foundInRun: number | null;
  readonly shrinkRuns: number;
  readonly schedule: Schedule;
  /** The schedule in words. */
  readonly words: readonly string[];
  /** The entries around it, one per line. */
  readonly journal: readonly string[];
  /** The schedule as one line of JSON, which alone replays it, and how. */
  readonly scheduleText: string;
  readonly command: string;
}

/** An entry of a journal. */
export interface EntryNamed {
  readonly seq: number;
  /** ISO time of the writer's clock. */
  readonly at: string;
  readonly events: readonly string[];
}

/** What was made of a stretch of a journal. */
export interface HistoryReport {
  /** `topic/number`. */
  readonly partition: string;
  readonly from: EntryNamed;
  readonly to: EntryNamed;
  readonly around: EntryNamed;
  /** When that entry is journaled in the world. */
  readonly aroundMs: number;
  /** In this order, as far as they came. */
  readonly stages: readonly {
    readonly what: 'as it happened' | 'crash points' | 'variations';
    readonly schedules: number;
  }[];
  readonly likeness: readonly Likeness[];
  /** What the world could not bring about, in words. */
  readonly notes: readonly string[];
  /** As it happened, with which of its faults took place. */
  readonly schedule: Schedule;
  readonly fired: readonly boolean[];
}

export interface FuzzReport {
  /** Whether the promise held in every schedule that was tried. */
  readonly verdict: 'held' | 'violated';
  /** False if it was interrupted. */
  readonly isComplete: boolean;
  readonly mode: FuzzMode;
  readonly seed: number;
  readonly store: StoreKind;
  readonly job: { readonly name: string; readonly settings: readonly string[] } | null;
  readonly schedules: number;
  readonly levels: readonly Level[];
  /** Null unless a journal's stretch was fuzzed. */
  readonly history: HistoryReport | null;
  readonly faults: readonly FaultTally[];
  readonly failpoints: readonly FailpointTally[];
  readonly coverage: Coverage;
  /** Failpoints that no process passed, with their side. */
  readonly neverPassed: readonly string[];
  readonly failure: Failure | null;
  readonly timing: {
    readonly seconds: number;
    readonly schedulesPerSecond: number;
    readonly threads: number;
  };
}

/** What a run was asked for. */
export interface RunIdentity {
  readonly seed: number;
  readonly store: StoreKind;
  readonly job: JobShape | null;
}

export interface Found {
  readonly trace: RunTrace;
  readonly foundInRun: number | null;
  readonly shrinkRuns: number;
}

/** Null if nothing is broken. */
export function failureOf({ trace, foundInRun, shrinkRuns }: Found): Failure | null {
  const [first] = trace.violations;
  if (first === undefined) return null;
  return {
    invariant: first.invariant,
    violations: trace.violations,
    ...{ foundInRun, shrinkRuns },
    schedule: trace.schedule,
    words: scheduleWords(trace.schedule, trace.fired),
    journal: journalLines(trace.journal, first),
    scheduleText: scheduleText(trace.schedule),
    command: REPLAY,
  };
}

/** The schedule is read from a file, so that no shell interprets any of it. */
const REPLAY = 'npx tidemark fuzz --schedule FILE';

export function reportOf(
  tally: Tally,
  identity: RunIdentity,
  rest: Pick<FuzzReport, 'mode' | 'isComplete' | 'levels' | 'history' | 'failure' | 'timing'>,
): FuzzReport {
  const { job, seed, store } = identity;
  const { coverage, failpoints, faults, schedules } = tally;
  const { failure, isComplete, mode, levels, history, timing } = rest;
  return {
    verdict: failure === null ? 'held' : 'violated',
    ...{ isComplete, mode, seed, store },
    job: job === null ? null : { name: job.job, settings: job.notes },
    ...{ schedules, levels, history, faults, failpoints, coverage },
    neverPassed: failpoints.filter(({ passed }) => passed === 0).map(({ point, side }) => `${point}:${side}`),
    ...{ failure, timing },
  };
}
