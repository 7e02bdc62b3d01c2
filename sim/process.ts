/**
 * A simulated process. All its effects pass here, so that it can be killed or paused at any effect, and so
 * that calls in flight may still arrive after its death.
 */
import type { Clock, Random } from '../src/system/clock.ts';
import type { Failpoint, Failpoints, FailpointSide } from '../src/system/failpoints.ts';
import { SeededRandom } from './random.ts';
import type { Scheduler, TaskOwner } from './scheduler.ts';

/** What happens when a process passes a failpoint. */
export type AtFailpoint =
  { readonly type: 'go' } | { readonly type: 'crash' } | { readonly type: 'pause'; readonly forMs: number };

export interface ProcessWatcher {
  /** Called at every failpoint that a process passes, in order. */
  atFailpoint(process: SimProcess, point: Failpoint, side: FailpointSide): AtFailpoint;
  died(process: SimProcess): void;
}

/** The latency of a call to the outside, drawn or planned. */
export interface Fare {
  /** From the call to its effect, and from the effect to the reply, in virtual milliseconds. */
  readonly thereMs: number;
  readonly backMs: number;
}

/** Identifies the process: the `life`-th one that was started in a place. Both count from 0. */
export interface ProcessName {
  readonly place: number;
  readonly life: number;
}

export interface ProcessOptions {
  readonly name: ProcessName;
  readonly scheduler: Scheduler;
  readonly watcher: ProcessWatcher;
  /** Wall clock at the world's start. */
  readonly wallStartMs: number;
  /** Maximum latency of each direction of a call. */
  readonly latencyMsMax: number;
  readonly seed: number;
}

export class SimProcess implements TaskOwner {
  readonly place: number;
  readonly life: number;
  /** `p<place>.<life>`. */
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly failpoints: Failpoints;
  readonly scheduler: Scheduler;
  readonly #watcher: ProcessWatcher;
  /** For draws of the world on behalf of this process: the latency of its calls, the size of a fetch. */
  readonly chance: SeededRandom;
  readonly #latencyMsMax: number;
  dead = false;
  /** It died without a chance to clean up. */
  wasKilled = false;
  pausedUntilMs = 0;

  constructor({ name, scheduler, watcher, wallStartMs, latencyMsMax, seed }: ProcessOptions) {
    this.place = name.place;
    this.life = name.life;
    this.name = `p${name.place}.${name.life}`;
    this.scheduler = scheduler;
    this.#watcher = watcher;
    this.#latencyMsMax = latencyMsMax;
    // Separate streams: removing a fault from a schedule changes as little else as possible.
    const ids = new SeededRandom(seed);
    this.chance = new SeededRandom(ids.uint32());
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

  get isPaused(): boolean {
    return this.pausedUntilMs > this.scheduler.nowMs;
  }

  kill(): void {
    if (this.dead) return;
    this.dead = true;
    this.wasKilled = true;
    this.#watcher.died(this);
  }

  /** It ended in order; everything still under way ends with it. */
  exit(): void {
    this.dead = true;
  }

  /** Runs nothing for `forMs`, or until it is woken; what comes due meanwhile runs then. */
  pause(forMs: number): void {
    if (this.dead) return;
    const untilMs = this.scheduler.nowMs + forMs;
    if (untilMs <= this.pausedUntilMs) return;
    this.pausedUntilMs = untilMs;
    this.scheduler.after(forMs, null, () => {
      if (this.pausedUntilMs === untilMs) this.wake();
    });
  }

  wake(): void {
    this.pausedUntilMs = Math.min(this.pausedUntilMs, this.scheduler.nowMs);
    this.scheduler.wake(this);
  }

  drawFare(): Fare {
    const drawMs = (): number => this.chance.below(this.#latencyMsMax + 1);
    return { thereMs: drawMs(), backMs: drawMs() };
  }

  /**
   * A call to something outside. The effect happens even if the process dies meanwhile; the reply reaches
   * only a live process (a paused one when it wakes). An effect that throws is a reply that rejects.
   */
  call<T>(fare: Fare, effect: () => T): Promise<T> {
    if (this.dead) return never();
    return new Promise((resolve, reject) => {
      this.scheduler.after(fare.thereMs, null, () => {
        let reply: () => void;
        try {
          const result = effect();
          reply = () => {
            resolve(result);
          };
        } catch (thrown) {
          const error = thrown instanceof Error ? thrown : new Error(String(thrown));
          reply = () => {
            reject(error);
          };
        }
        this.scheduler.after(fare.backMs, this, reply);
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
        // Due at once, and so as soon as the process wakes.
        return this.clock.pause(0);
    }
  }
}

/** What a dead process waits for. */
function never<T>(): Promise<T> {
  return new Promise(() => undefined);
}
