/**
 * A simulated process: whatever it does passes here, so that it can be killed or paused at any effect, and so that calls which
 * were on their way when it died may still arrive.
 */
import type { Clock, Random } from '../clock.ts';
import type { Failpoint, Failpoints, FailpointSide } from '../failpoints.ts';
import { SeededRandom } from './random.ts';
import type { Scheduler, TaskOwner } from './scheduler.ts';

/** What is to happen when a process passes a failpoint. */
export type AtFailpoint = { readonly type: 'go' } | { readonly type: 'crash' } | { readonly type: 'pause'; readonly forMs: number };

export interface ProcessWatcher {
  /** Asked at every failpoint that a process passes, in order. */
  atFailpoint(process: SimProcess, point: Failpoint, side: FailpointSide): AtFailpoint;
  died(process: SimProcess): void;
}

/** How a call to the outside fares, drawn or planned. */
export interface Fare {
  /** Until the call has its effect, and from then until its reply is back, in virtual milliseconds. */
  readonly thereMs: number;
  readonly backMs: number;
  /** The effect takes place, the reply never comes. */
  readonly replyLost: boolean;
}

export class SimProcess implements TaskOwner {
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly failpoints: Failpoints;
  readonly #scheduler: Scheduler;
  readonly #watcher: ProcessWatcher;
  dead = false;
  pausedUntilMs = 0;

  constructor(name: string, scheduler: Scheduler, watcher: ProcessWatcher, wallStartMs: number) {
    this.name = name;
    this.#scheduler = scheduler;
    this.#watcher = watcher;
    const ids = new SeededRandom(scheduler.random.uint32());
    this.random = { hexId: () => ids.hexId() };
    this.clock = {
      nowMs: () => scheduler.nowMs,
      wallMs: () => wallStartMs + scheduler.nowMs,
      pause: (delayMs) =>
        new Promise((resolve) => {
          scheduler.after(delayMs, this, resolve);
        }),
      timer: (delayMs, callback) => scheduler.after(delayMs, this, callback),
    };
    this.failpoints = { hit: (point, side) => this.#hit(point, side) };
  }

  kill(): void {
    if (this.dead) return;
    this.dead = true;
    this.#watcher.died(this);
  }

  pause(forMs: number): void {
    this.pausedUntilMs = Math.max(this.pausedUntilMs, this.#scheduler.nowMs + forMs);
  }

  /**
   * A call to something outside. The effect happens even if the process dies on the way; the reply reaches only a live process
   * (a paused one when it wakes). An effect that throws is a reply that rejects.
   */
  call<T>(fare: Fare, effect: () => T): Promise<T> {
    if (this.dead) return never();
    return new Promise((resolve, reject) => {
      this.#scheduler.after(fare.thereMs, null, () => {
        let reply: () => void;
        try {
          const result = effect();
          reply = () => {
            resolve(result);
          };
        } catch (error) {
          reply = () => {
            reject(error as Error);
          };
        }
        if (!fare.replyLost) this.#scheduler.after(fare.backMs, this, reply);
      });
    });
  }

  #hit(point: Failpoint, side: FailpointSide): Promise<void> | void {
    if (this.dead) return never();
    const what = this.#watcher.atFailpoint(this, point, side);
    switch (what.type) {
      case 'go':
        return;
      case 'crash':
        this.kill();
        return never();
      case 'pause':
        this.pause(what.forMs);
        return this.clock.pause(what.forMs);
    }
  }
}

/** What a dead process waits for. */
export function never<T>(): Promise<T> {
  return new Promise(() => undefined);
}
