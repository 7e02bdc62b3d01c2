/** A place for one process at a time: started, killed, restarted as the next life, asked to leave. */
import { TidemarkError } from '../journal/errors.ts';
import { Coordinator } from '../src/run/coordinator.ts';
import type { JobSettings, Ports } from '../src/job/context.ts';
import { isRefused, NO_CHANGE, type JobChange } from './job/change.ts';
import type { SimProcess } from './process.ts';
import type { Recorder } from './recorder.ts';
import type { Scheduler } from './scheduler.ts';
import type { SimMemory } from './simMemory.ts';

export interface PlaceContext {
  readonly scheduler: Scheduler;
  readonly recorder: Recorder;
  readonly restartMs: number;
  readonly makeProcess: (place: number, life: number) => SimProcess;
  readonly connect: (process: SimProcess, change: JobChange) => Connected;
  /**
   * Whether the journal knows the job already: before that, it knows no sink that another could contradict.
   */
  readonly isStarted: () => boolean;
}

export interface Connected {
  readonly settings: JobSettings;
  readonly ports: Ports;
  readonly memory: SimMemory;
}

interface Running {
  readonly process: SimProcess;
  readonly change: JobChange;
  readonly stop: AbortController;
}

export class Place {
  readonly #context: PlaceContext;
  readonly #number: number;
  #life = -1;
  /** A process should run here: one that dies is replaced. */
  #wanted = false;
  #running: Running | null = null;
  /** Of its job file. */
  #change = NO_CHANGE;

  constructor(context: PlaceContext, number: number) {
    this.#context = context;
    this.#number = number;
  }

  get process(): SimProcess | null {
    return this.#running?.process ?? null;
  }

  get isWanted(): boolean {
    return this.#wanted;
  }

  start(): void {
    this.#wanted = true;
    if (this.#running !== null) return;
    this.#life += 1;
    const { recorder, connect, makeProcess, isStarted } = this.#context;
    const process = makeProcess(this.#number, this.#life);
    const change = isRefused(this.#change) && !isStarted() ? NO_CHANGE : this.#change;
    const stop = new AbortController();
    this.#running = { process, change, stop };
    recorder.tell(process, 'starts');
    const { settings, ports, memory } = connect(process, change);
    const coordinator = new Coordinator(ports, settings);
    coordinator.run(stop.signal).then(
      ({ stopped }) => {
        for (const { partition, stop: why } of stopped) {
          recorder.stopped.push({ process: process.name, partition, code: why.code, message: why.message });
        }
        const lent = memory.lent();
        if (lent.length > 0) recorder.lent.push({ process: process.name, what: lent });
        this.#ended(process, null);
      },
      (error: unknown) => {
        // As in the command: asked to stop while it was still waiting to begin.
        const aborted = stop.signal.aborted && error instanceof Error && error.name === 'AbortError';
        this.#ended(process, aborted ? null : errorFacts(error));
      },
    );
  }

  /** Asks for a last checkpoint and the end. */
  stop(): void {
    this.#wanted = false;
    this.#running?.stop.abort();
  }

  /** A running process drains first. */
  restart(): void {
    this.#wanted = true;
    if (this.#running === null) this.start();
    else this.#running.stop.abort();
  }

  /** The next process uses this change. */
  configure(change: JobChange): void {
    this.#change = change;
  }

  /** A refused job file is corrected: by now somebody has read why the process ended. */
  mend(): void {
    if (isRefused(this.#change)) this.#change = NO_CHANGE;
  }

  /** The running process must be refused, and has not been yet. */
  get awaitsRefusal(): boolean {
    return this.#running !== null && isRefused(this.#running.change);
  }

  /** The process is dead. */
  died(process: SimProcess): void {
    if (this.#running?.process !== process) return;
    this.#running = null;
    this.#restartLater();
  }

  #ended(
    process: SimProcess,
    error: { readonly code: string | null; readonly message: string } | null,
  ): void {
    this.#context.recorder.exited(process, error);
    process.exit();
    this.#running = null;
    // Its exit code says that restarting it unchanged is pointless.
    if (error?.code !== 'SINK_CHANGED' || !isRefused(this.#change)) this.#restartLater();
  }

  #restartLater(): void {
    const { scheduler, restartMs } = this.#context;
    if (this.#wanted)
      scheduler.after(restartMs, null, () => {
        if (this.#wanted) this.start();
      });
  }
}

function errorFacts(error: unknown): { readonly code: string | null; readonly message: string } {
  const code = error instanceof TidemarkError ? error.code : null;
  return { code, message: error instanceof Error ? error.message : String(error) };
}
