/**
 * What every store of the world offers: shared state that outlives processes, one `connect` for each process,
 * and the means to do harm. The particular dangers of a store (what a zombie still reaches, what a power cut
 * destroys) are in its file.
 */
import { TidemarkError } from '../../journal/errors.ts';
import type { Failpoint } from '../../src/system/failpoints.ts';
import type { Store } from '../../src/stores/port.ts';
import type { SimProcess } from '../process.ts';
import type { StoreFault, VisibleChange } from '../schedule.ts';
import type { Scheduler } from '../scheduler.ts';
import { outcomeUnknown, Refused, unavailable } from './errors.ts';

/** Longest delay of a call beyond the time-out. */
const LATE_MS_MAX = 2_500;

export interface SimStoreServer {
  /** The store as this process reaches it. */
  connect(process: SimProcess): Store;
  /** Answers nothing for a while; 0 ends that. */
  goAway(forMs: number): void;
  /** Has room for that many bytes more until the next call; absent if a store cannot be full. */
  fill?(freeBytes: number): void;
  /** How many more bytes fit. */
  freeBytes?(): number;
  /** Takes a backup of hard links, which replaces the previous one; absent if there are no hard links. */
  backUp?(): void;
  deleteBackups?(): void;
  /** Data that was not made durable may be lost. The world kills the processes. */
  powerCut(): void;
  /**
   * What is there besides committed files and markers (temporary files, uploads, side objects) and somebody
   * still has to remove. Something is nobody's if a call of a process that was then killed created it after
   * the name had been discarded.
   */
  leftovers(): readonly string[];
  /** Everything temporary, whosever it is. */
  temporary(): readonly string[];
  /** Files that processes hold open, by the process's name. */
  held(): ReadonlyMap<string, HeldFiles>;
  /** What readers see, by URI. */
  committed(): ReadonlyMap<string, Buffer>;
  /** Adds or removes a file, as somebody else would. */
  put(uri: string, bytes: Uint8Array): void;
  remove(uri: string): void;
  /** An operator moves it away, because it is to be written again. */
  putAway(uri: string): void;
  /** Its unpublished bytes are lost. False if there are none. */
  damage(file: DamagedFile, how: 'removed' | 'changed'): boolean;
  /** A reader moves a visible file to its own folder. */
  take(uri: string): void;
}

export interface DamagedFile {
  readonly finalUri: string;
  /** All that the journal names. */
  readonly temporaryUris: readonly string[];
}

export interface HeldFiles {
  readonly now: number;
  /** Maximum at one time, so far. */
  readonly most: number;
}

/** Called at every call; null means no fault. */
export interface StoreFaults {
  atStore(process: SimProcess, point: Failpoint): StoreFault | null;
}

export interface SimStoreOptions {
  readonly scheduler: Scheduler;
  readonly faults: StoreFaults;
  /** How long a client waits for a reply that does not come. */
  readonly timeoutMs: number;
  /** Smallest upload part except the last of an upload, in bytes; default 48. Real ones have 100 KB. */
  readonly uploadPartBytesMin?: number;
  /** The power fails at the store and at its clients. */
  readonly powerCut: () => void;
  /** From now on the process sleeps for longer than its session. */
  readonly asleep: (process: SimProcess) => void;
  /** Called for every change of what readers see. */
  readonly visible: (change: VisibleChange) => void;
  /** Because of a backup the file looks published and moved away: a stop for it is right. */
  readonly mistaken?: (finalUri: string) => void;
  /** Called before an operator removes what nobody needs. */
  readonly swept?: (removed: Removed) => void;
}

/** What an operator removes from the destination. */
export interface Removed {
  /** Name of the operator's process. */
  readonly by: string;
  readonly uri: string;
  /** Of an upload; `temporaryUri` is that of the part file that began it. */
  readonly upload: { readonly id: string; readonly temporaryUri: string } | null;
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

  /** Requests in flight to a disk that loses power never arrive. */
  powerCut(): void {
    this.#powerCuts += 1;
  }

  /** The process has that many more, or fewer, files open. */
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
   * One call of a process. The effect takes place when it arrives; an effect that throws is the server's
   * answer. Only a call that `mayBeLate` arrives after its caller has given it up; any other never does,
   * since nobody would look for its result.
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

/** Around the time of the caller's next attempt, or long after another owner has taken over. */
function lateMs({ chance }: SimProcess, timeoutMs: number): number {
  return timeoutMs + chance.below(chance.percent(50) ? timeoutMs : LATE_MS_MAX);
}

/** It takes effect, and the server's answer is lost. */
function unheard(effect: () => unknown): void {
  try {
    effect();
  } catch (error) {
    if (!(error instanceof TidemarkError || error instanceof Refused)) throw error;
  }
}
