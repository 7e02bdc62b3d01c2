/**
 * What every store of the world offers the world: shared state that outlives processes, one `connect` for each process, and the
 * means to do harm. A store's own nastiness (what a zombie still reaches, what a power cut takes) is in its file.
 */
import { TidemarkError } from '../../journal/errors.ts';
import type { Failpoint } from '../../src/system/failpoints.ts';
import type { Store } from '../../src/stores/port.ts';
import type { SimProcess } from '../process.ts';
import type { StoreFault, VisibleChange } from '../schedule.ts';
import type { Scheduler } from '../scheduler.ts';
import { outcomeUnknown, Refused, unavailable } from './errors.ts';

/** Longest that a call may be on its way beyond the time-out. */
const LATE_MS_MAX = 2_500;

export interface SimStoreServer {
  /** The store as this process reaches it. */
  connect(process: SimProcess): Store;
  /** Answers nothing for a while; 0 ends that. */
  goAway(forMs: number): void;
  /** Has room for so many bytes more and no others, until it is told again; absent where that cannot be. */
  fill?(freeBytes: number): void;
  /** How many bytes more it has room for. */
  freeBytes?(): number;
  /** A backup of hard links is made, and takes the place of the one before; absent where there are none. */
  backUp?(): void;
  deleteBackups?(): void;
  /** Whatever was not made durable may be gone. The world kills the processes. */
  powerCut(): void;
  /**
   * What lies there besides committed files and markers (temporary files, uploads, side objects) and somebody is still to remove.
   * That is nobody's where a call made it that arrived after the name had been discarded, of a process that was then killed.
   */
  leftovers(): readonly string[];
  /** Files that processes hold open, by the process's name. */
  held(): ReadonlyMap<string, HeldFiles>;
  /** What readers see, by URI. */
  committed(): ReadonlyMap<string, Buffer>;
  /** Puts a file there, or takes one away, as somebody else would. */
  put(uri: string, bytes: Uint8Array): void;
  remove(uri: string): void;
  /** An operator moves it away, because it is to be written again. */
  putAway(uri: string): void;
  /** A reader moves a file that it sees to a folder of its own. */
  take(uri: string): void;
}

export interface HeldFiles {
  readonly now: number;
  /** At once, so far. */
  readonly most: number;
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
  /** Smallest upload part but the last of an upload, in bytes; 48 unless told. Real ones have 100 KB. */
  readonly uploadPartBytesMin?: number;
  /** The power goes where the store is, and where its clients are. */
  readonly powerCut: () => void;
  /** The process sleeps for longer than its session from now on. */
  readonly asleep: (process: SimProcess) => void;
  /** Told of every change of what readers see. */
  readonly visible: (change: VisibleChange) => void;
  /** A backup alone makes the file look as if it had been published and moved away: a stop for it is right. */
  readonly mistaken?: (finalUri: string) => void;
}

/** How calls reach a store's server. */
export class StoreCalls {
  readonly #options: SimStoreOptions;
  #awayUntilMs = 0;
  #powerCuts = 0;
  readonly held = new Map<string, HeldFiles>();

  constructor(options: SimStoreOptions) {
    this.#options = options;
  }

  /** What is on its way to a disk that loses power never arrives. */
  powerCut(): void {
    this.#powerCuts += 1;
  }

  /** So many files more, or less, are open in the process. */
  hold({ name }: SimProcess, files: 1 | -1): void {
    const { now, most } = this.held.get(name) ?? { now: 0, most: 0 };
    this.held.set(name, { now: now + files, most: Math.max(most, now + files) });
  }

  goAway(forMs: number): void {
    this.#awayUntilMs = this.#options.scheduler.nowMs + forMs;
  }

  get #isAway(): boolean {
    return this.#awayUntilMs > this.#options.scheduler.nowMs;
  }

  /**
   * One call of a process: the effect takes place where it arrives; an effect that throws is the server's answer. Only one that
   * `mayBeLate` arrives after its caller has given it up: where nobody would look for what it then leaves, it never arrives.
   */
  call<T>(process: SimProcess, point: Failpoint, arrives: () => T, mayBeLate = false): Promise<T> {
    const powerCuts = this.#powerCuts;
    const effect = (): T => {
      if (powerCuts !== this.#powerCuts) throw outcomeUnknown(point);
      return arrives();
    };
    const fault = this.#isAway ? 'refused' : this.#options.faults.atStore(process, point);
    const fare = process.drawFare();
    const { timeoutMs, scheduler, powerCut, asleep } = this.#options;
    const silence = { ...fare, backMs: timeoutMs };
    switch (fault) {
      case null:
        return process.call(fare, effect);
      case 'slow':
        return process.call({ ...fare, thereMs: Math.floor(timeoutMs / 2) }, effect);
      case 'lostReply':
        return process.call(silence, () => {
          unheard(effect);
          throw outcomeUnknown(point);
        });
      case 'late':
        if (mayBeLate) scheduler.after(lateMs(process, timeoutMs), null, () => unheard(effect));
        return process.call(silence, () => {
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
      case 'powerCut':
        return process.call(fare, () => {
          const answer = effect();
          powerCut();
          return answer;
        });
      case 'asleep':
        return process.call(fare, () => {
          asleep(process);
          return effect();
        });
    }
  }
}

/** Around the time at which its caller tries again, or when another owner has long taken over. */
function lateMs({ chance }: SimProcess, timeoutMs: number): number {
  return timeoutMs + chance.below(chance.percent(50) ? timeoutMs : LATE_MS_MAX);
}

/** It takes effect, and what the server answers reaches nobody. */
function unheard(effect: () => unknown): void {
  try {
    effect();
  } catch (error) {
    if (!(error instanceof TidemarkError || error instanceof Refused)) throw error;
  }
}
