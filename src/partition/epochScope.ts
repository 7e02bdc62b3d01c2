/**
 * The life of one epoch. It is over if it was ended or if any part of it failed. Its work is tracked here, so
 * that the next epoch begins after all of it has ended.
 */
import type { Clock } from '../system/clock.ts';
import type { FailureLatch, Gate } from '../system/concurrency.ts';

export class EpochScope {
  /** The first failure of any part of the epoch. The partition's runner also fails it, to release at once. */
  readonly latch: FailureLatch;
  /** Opens when the epoch must drain: read nothing more and make a last checkpoint. */
  readonly drain: Gate;
  readonly #clock: Clock;
  readonly #underWay = new Set<Promise<unknown>>();
  #isEnded = false;

  constructor(latch: FailureLatch, drain: Gate, clock: Clock) {
    this.latch = latch;
    this.drain = drain;
    this.#clock = clock;
  }

  /** Whether nothing done from now on can be checkpointed. */
  get isOver(): boolean {
    return this.#isEnded || this.latch.failure !== null;
  }

  /** Whether the work of the epoch was stopped, for any reason. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  end(): void {
    this.#isEnded = true;
  }

  fail(error: unknown, doing: string): void {
    this.latch.fail(error, doing);
  }

  /** The result of `work`, or the epoch's failure, whichever is first. `settled` waits for `work` itself. */
  race<T>(work: Promise<T>): Promise<T> {
    this.#underWay.add(work);
    const forget = (): void => void this.#underWay.delete(work);
    work.then(forget, forget);
    return this.latch.race(work);
  }

  /** Resolves early, with false, if the epoch is over or must drain. */
  async pause(delayMs: number): Promise<boolean> {
    await this.drain.orOpened(this.latch.race(this.#clock.pause(delayMs)));
    return !this.isOver && !this.drain.isOpen;
  }

  /** Resolves when no work that was started with `race` is in progress. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#underWay);
  }
}
