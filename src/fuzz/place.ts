/** A place for one process at a time: started, killed, started again as the next life, asked to leave. */
import { TidemarkError } from '../../journal/errors.ts';
import { Coordinator } from '../coordinator/coordinator.ts';
import type { JobSettings, Ports } from '../coordinator/options.ts';
import type { SimProcess } from './process.ts';
import type { Recorder } from './recorder.ts';
import type { Scheduler } from './scheduler.ts';
import type { SimMemory } from './simMemory.ts';

export interface PlaceContext {
  readonly scheduler: Scheduler;
  readonly settings: JobSettings;
  readonly recorder: Recorder;
  readonly restartMs: number;
  readonly makeProcess: (place: number, life: number) => SimProcess;
  readonly connect: (process: SimProcess) => { readonly ports: Ports; readonly memory: SimMemory };
}

export class Place {
  readonly #context: PlaceContext;
  readonly #number: number;
  #life = -1;
  /** A process is to run here: one that dies is replaced. */
  #wanted = false;
  #running: { readonly process: SimProcess; readonly stop: AbortController } | null = null;

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
    const { recorder, settings, connect, makeProcess } = this.#context;
    const process = makeProcess(this.#number, this.#life);
    const stop = new AbortController();
    this.#running = { process, stop };
    recorder.tell(process, 'starts');
    const { ports, memory } = connect(process);
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
        // As the command does: asked to stop while it was still waiting to begin.
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

  /** A process that runs drains first. */
  restart(): void {
    this.#wanted = true;
    if (this.#running === null) this.start();
    else this.#running.stop.abort();
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
    this.#restartLater();
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
