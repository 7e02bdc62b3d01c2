/** The timers of one epoch: its periodic work, and the rolling of its open files. */
import type { Clock } from '../system/clock.ts';
import type { RecordRouter } from '../writing/recordRouter.ts';

const ROLL = 'roll';

export class EpochTimers {
  readonly #clock: Clock;
  readonly #fail: (error: unknown) => void;
  readonly #timers = new Map<string, { cancel(): void }>();
  #isEnded = false;

  /** @param fail ends the epoch if a file cannot be rolled. */
  constructor(clock: Clock, fail: (error: unknown) => void) {
    this.#clock = clock;
    this.#fail = fail;
  }

  /** Runs `work` every interval, never twice at once. After a failure, `goesOn` decides if it continues. */
  every(
    name: string,
    intervalMs: number,
    work: () => Promise<unknown>,
    goesOn: (error: unknown) => boolean,
  ): void {
    const again = (): void => {
      if (this.#isEnded) return;
      const timer = this.#clock.timer(intervalMs, () => {
        work().then(again, (error: unknown) => {
          if (goesOn(error)) again();
        });
      });
      this.#timers.set(name, timer);
    };
    again();
  }

  /** Wakes at the earliest deadline of an open file: idle and aged files roll without a new record. */
  armRoll(router: RecordRouter): void {
    if (this.#timers.has(ROLL) || this.#isEnded) return;
    const nowMs = this.#clock.nowMs();
    const deadlineMs = router.rolls.deadlineMs(nowMs);
    if (deadlineMs === null) return;
    const timer = this.#clock.timer(Math.max(1, Math.ceil(deadlineMs - nowMs)), () => {
      this.#timers.delete(ROLL);
      try {
        router.rolls.rollDue(this.#clock.nowMs());
        this.armRoll(router);
      } catch (error) {
        this.#fail(error);
      }
    });
    this.#timers.set(ROLL, timer);
  }

  end(): void {
    this.#isEnded = true;
    for (const timer of this.#timers.values()) timer.cancel();
  }
}
