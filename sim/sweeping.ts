/**
 * Operators' `orphans --delete`: separate processes, outside of the group, beside whoever owns what. What
 * each removes is judged by the journal of that moment.
 */
import { findOrphans } from '../src/orphans/findOrphans.ts';
import { removeOrphans } from '../src/orphans/removeOrphans.ts';
import { partOf } from './checkers/sweptNames.ts';
import { lifeConfig, NO_CHANGE } from './job/change.ts';
import { JOB, jobSettings } from './job/settings.ts';
import type { SimProcess } from './process.ts';
import type { Recorder } from './recorder.ts';
import type { Schedule } from './schedule.ts';
import type { Scheduler } from './scheduler.ts';
import type { SimJournalServer } from './simJournalServer.ts';
import type { Removed, SimStoreServer } from './simStores/port.ts';

/** What an operator's `orphans --delete` removed. */
export interface Swept {
  readonly atMs: number;
  /** Of the command. */
  readonly begunAtMs: number;
  readonly uri: string;
  /** The part file that it was of, by the journal then; null if the journal did not hold such a name. */
  readonly part: {
    readonly partition: number;
    readonly finalUri: string;
    readonly hasEnded: boolean;
    /** Its partition waited for an operator. */
    readonly isStopped: boolean;
  } | null;
}

/** What an operator's `orphans --delete` left at the end of the run, when nothing was needed any more. */
export interface LastSweep {
  /** Why it did not remove anything, in words; null if it did. */
  readonly problem: string | null;
  readonly left: readonly string[];
}

export interface TracedSweeps {
  readonly swept: readonly Swept[];
  /** Null if the schedule has none, or if not everything was complete. */
  readonly last: LastSweep | null;
}

/** Longest time that the last one takes. */
const LAST_SWEEP_MS = 600_000;

export interface SweepContext {
  readonly recorder: Recorder;
  readonly journal: SimJournalServer;
  readonly store: SimStoreServer;
  readonly scheduler: Scheduler;
  readonly schedule: Schedule;
  /** An operator's process. */
  readonly makeProcess: () => SimProcess;
}

export class Sweeps {
  readonly #swept: Swept[] = [];
  #last: LastSweep | null = null;
  readonly #context: SweepContext;
  /** By the name of the operator's process. */
  readonly #begunAtMs = new Map<string, number>();

  constructor(context: SweepContext) {
    this.#context = context;
  }

  get trace(): TracedSweeps {
    return { swept: this.#swept, last: this.#last };
  }

  /** Call it before the removal takes effect. */
  removes(removed: Removed): void {
    const { recorder, scheduler } = this.#context;
    const atMs = scheduler.nowMs;
    const begunAtMs = this.#begunAtMs.get(removed.by) ?? atMs;
    this.#swept.push({
      atMs,
      begunAtMs,
      uri: removed.uri,
      part: partOf(recorder.journal, removed, begunAtMs),
    });
  }

  /** A failure concerns only the operator: nobody else waits for it. */
  begin(waitMs: number): void {
    const process = this.#context.makeProcess();
    const tell = (what: string): void => this.#context.recorder.tell(process, what);
    this.#sweep(process, waitMs).then(
      ({ removed, problem }) => {
        tell(`has removed ${removed} orphans${problem === null ? '' : `, and more it did not: ${problem}`}`);
      },
      (error: unknown) => {
        tell(`fails: ${error instanceof Error ? error.message : String(error)}`);
      },
    );
  }

  /**
   * One more when everything has ended, if the schedule has any.
   * @param go lets the world go on until it is done, or until that time.
   */
  async end(go: (isDone: () => boolean, untilMs: number) => Promise<unknown>): Promise<void> {
    const { scheduler, schedule, store, makeProcess } = this.#context;
    if (!schedule.faults.some(({ type }) => type === 'orphans')) return;
    const ended: { problem: string | null }[] = [];
    this.#sweep(makeProcess(), 0).then(
      ({ problem }) => {
        ended.push({ problem });
      },
      (error: unknown) => {
        ended.push({ problem: error instanceof Error ? error.message : String(error) });
      },
    );
    await go(() => ended.length > 0, scheduler.nowMs + LAST_SWEEP_MS);
    const [{ problem } = { problem: 'it does not end' }] = ended;
    this.#last = { problem, left: store.temporary() };
  }

  async #sweep(
    process: SimProcess,
    waitMs: number,
  ): Promise<{ readonly removed: number; readonly problem: string | null }> {
    const { journal, store: server, scheduler, schedule } = this.#context;
    const { naming } = jobSettings(lifeConfig(schedule.config, NO_CHANGE));
    this.#begunAtMs.set(process.name, scheduler.nowMs);
    const { signal } = new AbortController();
    const onProgress = (): void => undefined;
    const store = server.connect(process);
    const { orphans, refusals } = await findOrphans(
      { journal: journal.connect(process), store, clock: process.clock },
      { job: JOB, naming, signal, onProgress },
    );
    if (waitMs > 0) await process.clock.pause(waitMs);
    const removals = await removeOrphans(store, orphans, { minAgeMs: 0, signal, onProgress });
    const failures = removals.flatMap((one) => (one.type === 'failed' ? [one.message] : []));
    const problems = [...refusals.map(({ message }) => message), ...failures];
    return {
      removed: removals.length - failures.length,
      problem: problems.length === 0 ? null : problems.join('; '),
    };
  }
}
