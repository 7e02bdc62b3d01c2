/**
 * The life of one epoch, and the one answer to whether it is over: it was ended, or something of it has failed. What it has under way is
 * tracked here, so that the next epoch begins after all of it has ended.
 */
import type { Clock } from '../system/clock.ts';
import type { FailureLatch, Gate } from '../system/concurrency.ts';

export class EpochScope {
  /** The first failure of anything of the epoch; the partition's runner fails it, too, to let go at once. */
  readonly latch: FailureLatch;
  /** Open when the epoch is to drain: to read nothing more, and to make a last checkpoint. */
  readonly drain: Gate;
  readonly #clock: Clock;
  readonly #underWay = new Set<Promise<unknown>>();
  #isEnded = false;

  constructor(latch: FailureLatch, drain: Gate, clock: Clock) {
    this.latch = latch;
    this.drain = drain;
    this.#clock = clock;
  }

  /** Nothing that is done now will count. */
  get isOver(): boolean {
    return this.#isEnded || this.latch.failure !== null;
  }

  /** Its work was stopped, whatever for. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  end(): void {
    this.#isEnded = true;
  }

  fail(error: unknown, doing: string): void {
    this.latch.fail(error, doing);
  }

  /** The result of `work`, or the epoch's failure, whichever is first; `work` itself is waited for by `settled`. */
  race<T>(work: Promise<T>): Promise<T> {
    this.#underWay.add(work);
    const forget = (): void => void this.#underWay.delete(work);
    work.then(forget, forget);
    return this.latch.race(work);
  }

  /** False, and early, if the epoch is over or is to drain. */
  async pause(delayMs: number): Promise<boolean> {
    await this.drain.orOpened(this.latch.race(this.#clock.pause(delayMs)));
    return !this.isOver && !this.drain.isOpen;
  }

  /** Resolves when nothing that was begun through `race` is under way any more. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#underWay);
  }
}
