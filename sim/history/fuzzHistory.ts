/**
 * Fuzzes a stretch of a journal: once as it happened, then each crash point around a moment, then drawn
 * variations.
 */
import { Corpus } from '../draw/corpus.ts';
import { nextVariation, type Base } from '../draw/vary.ts';
import { inOrder, type Executor, type RunRequest } from '../executor.ts';
import { shrunkFailure, wholeFailure, worldOf, type FuzzOptions, type FuzzState } from '../fuzzing.ts';
import type { HistoryReport } from '../report.ts';
import { Tally } from '../tally.ts';
import { asItHappened, type AsItHappened, type HistoryOfPartition } from './asItHappened.ts';
import { crashPointsAround } from './crashPoints.ts';
import { likenessOf } from './history.ts';

export interface HistoryToFuzz {
  readonly partition: string;
  readonly of: HistoryOfPartition;
}

/** How far from its moment faults of variations are put. */
const NEAR_MS = 500;

export async function fuzzHistory(
  options: FuzzOptions,
  executor: Executor,
  history: HistoryToFuzz,
  runs: number,
): Promise<FuzzState> {
  return new HistoryFuzzing(options, executor, history).run(runs);
}

class HistoryFuzzing {
  readonly #options: FuzzOptions;
  readonly #executor: Executor;
  readonly #history: HistoryToFuzz;
  readonly #tally = new Tally();
  readonly #stages: { what: 'as it happened' | 'crash points' | 'variations'; schedules: number }[] = [];

  constructor(options: FuzzOptions, executor: Executor, history: HistoryToFuzz) {
    this.#options = options;
    this.#executor = executor;
    this.#history = history;
  }

  async run(runs: number): Promise<FuzzState> {
    const happened = await asItHappened(worldOf(this.#options), this.#history.of);
    const { trace, schedule, aroundMs } = happened;
    this.#tally.add(schedule, { ...trace, sites: [] });
    this.#stages.push({ what: 'as it happened', schedules: 1 });
    let failure = trace.violations.length === 0 ? null : await wholeFailure(this.#options, schedule);
    const crashPoints = crashPointsAround(trace, aroundMs);
    failure ??= await this.#try('crash points', crashPoints.length, this.#listed(crashPoints));
    failure ??= await this.#try('variations', runs, this.#variations(happened, runs));
    const planned = 1 + crashPoints.length + runs;
    const isComplete = failure !== null || this.#tally.schedules >= planned;
    const report = this.#report(happened);
    return { tally: this.#tally, levels: [], failure, isComplete, history: report };
  }

  *#listed(schedules: readonly RunRequest['schedule'][]): Generator<Asked> {
    for (const schedule of schedules) yield { schedule, sitesBehind: null, run: null };
  }

  readonly #corpus = new Corpus();

  *#variations({ trace, schedule, aroundMs }: AsItHappened, runs: number): Generator<Asked> {
    const { store, seed } = this.#options;
    const { job } = this.#history.of.settings;
    const near = trace.reached.moments.filter((atMs) => Math.abs(atMs - aroundMs) <= NEAR_MS);
    const base: Base = { schedule, moments: near.length === 0 ? [aroundMs] : near };
    for (let run = 0; run < runs; run += 1) {
      this.#corpus.begin();
      yield {
        schedule: nextVariation(seed, run, base, this.#corpus, { store, job }),
        ...{ sitesBehind: null, run },
      };
    }
  }

  /** Null if nothing is broken. */
  async #try(what: 'crash points' | 'variations', planned: number, all: Generator<Asked>) {
    const { signal, onProgress } = this.#options;
    const stage = { what, schedules: 0 };
    this.#stages.push(stage);
    for await (const { request, summary } of inOrder(until(all, signal), this.#executor)) {
      stage.schedules += 1;
      this.#tally.add(request.schedule, summary);
      if (request.run !== null) this.#corpus.take(request.schedule, summary.reached);
      onProgress?.({ what, schedules: stage.schedules, schedulesMax: planned });
      if (summary.violations.length === 0) continue;
      onProgress?.({ what: 'shrinking', schedules: this.#tally.schedules, schedulesMax: null });
      return shrunkFailure(this.#options, request.run, request.schedule, summary.violations);
    }
    return null;
  }

  #report(happened: AsItHappened): HistoryReport {
    const { partition, of } = this.#history;
    const { entries, around } = of.stretch;
    const entryAt = (index: number): HistoryReport['around'] => {
      const { seq = 0, at = '', events = [] } = entries.at(index)?.entry ?? {};
      return { seq, at, events: events.map(({ type }) => type) };
    };
    const { schedule, notes, aroundMs } = happened;
    return {
      ...{ partition, from: entryAt(0), to: entryAt(-1), around: entryAt(around), aroundMs },
      ...{ stages: this.#stages, likeness: likenessOf(of, happened), notes, schedule },
      fired: happened.trace.fired,
    };
  }
}

interface Asked extends RunRequest {
  /** The number of the drawn variation; null for any other schedule. */
  readonly run: number | null;
}

function* until<T>(all: Iterable<T>, signal: AbortSignal): Generator<T> {
  for (const one of all) {
    if (signal.aborted) return;
    yield one;
  }
}
