/**
 * What every store of the world offers the world: shared state that outlives processes, one `connect` for each process, and the
 * means to do harm. A store's own nastiness (what a zombie still reaches, what a power cut takes) is in its file.
 */
import { TidemarkError } from '../../../journal/errors.ts';
import type { Failpoint } from '../../failpoints.ts';
import type { Store } from '../../stores/port.ts';
import type { SimProcess } from '../process.ts';
import type { StoreFault, VisibleChange } from '../schedule.ts';
import type { Scheduler } from '../scheduler.ts';

export interface SimStoreServer {
  /** The store as this process reaches it. */
  connect(process: SimProcess): Store;
  /** Answers nothing for a while; 0 ends that. */
  goAway(forMs: number): void;
  /** Whatever was not made durable may be gone. The world kills the processes. */
  powerCut(): void;
  /** What lies there besides committed files and markers: temporary files, uploads, side objects. */
  leftovers(): readonly string[];
}

/** Asked at every call: null lets it go well. */
export interface StoreFaults {
  atStore(process: SimProcess, point: Failpoint): StoreFault | null;
}

export interface SimStoreOptions {
  readonly scheduler: Scheduler;
  readonly faults: StoreFaults;
  /** How long a client waits for a reply that does not come. */
  readonly timeoutMs: number;
  /** Told of every change of what readers see. */
  readonly visible: (change: VisibleChange) => void;
}

/** How calls reach a store's server. */
export class StoreCalls {
  readonly #options: SimStoreOptions;
  #awayUntilMs = 0;
  #powerCuts = 0;

  constructor(options: SimStoreOptions) {
    this.#options = options;
  }

  /** What is on its way to a disk that loses power never arrives. */
  powerCut(): void {
    this.#powerCuts += 1;
  }

  goAway(forMs: number): void {
    this.#awayUntilMs = this.#options.scheduler.nowMs + forMs;
  }

  get #isAway(): boolean {
    return this.#awayUntilMs > this.#options.scheduler.nowMs;
  }

  /** One call of a process: the effect takes place where it arrives; an effect that throws is the server's answer. */
  call<T>(process: SimProcess, point: Failpoint, arrives: () => T): Promise<T> {
    const powerCuts = this.#powerCuts;
    const effect = (): T => {
      if (powerCuts !== this.#powerCuts) throw outcomeUnknown(point);
      return arrives();
    };
    const fault = this.#isAway ? 'refused' : this.#options.faults.atStore(process, point);
    const fare = process.drawFare();
    const silence = { ...fare, backMs: this.#options.timeoutMs };
    switch (fault) {
      case null:
        return process.call(fare, effect);
      case 'lostReply':
        return process.call(silence, () => {
          effect();
          throw outcomeUnknown(point);
        });
      case 'lostRequest':
        return process.call(silence, () => {
          throw outcomeUnknown(point);
        });
      case 'refused':
        return process.call(fare, () => {
          throw unavailable(point);
        });
    }
  }
}

function outcomeUnknown(point: Failpoint): TidemarkError {
  return new TidemarkError('STORE_OUTCOME_UNKNOWN', `The reply of ${point} did not come in time.`);
}

function unavailable(point: Failpoint): TidemarkError {
  return new TidemarkError('STORE_UNAVAILABLE', `The store of the world refuses ${point} for now.`);
}
