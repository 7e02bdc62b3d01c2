/** A coordinator that runs as a service, beside the test that watches it. */
import { systemClock } from '../../src/system/clock.ts';
import type { Coordinator, CoordinatorReport } from '../../src/run/coordinator.ts';
import { silentLog, type Log } from '../../src/telemetry/log.ts';
import { hastyClock, type FixtureOptions, type JobFixture } from './jobFixture.ts';

/** Waits for a message of the coordinator's log. */
export class Listening {
  readonly #waiting: { readonly part: string; readonly resolve: () => void }[] = [];
  readonly seen: string[] = [];
  readonly log: Log;

  constructor() {
    const hear = (_fields: object, message: string): void => {
      this.seen.push(message);
      for (const { part, resolve } of this.#waiting) if (message.includes(part)) resolve();
    };
    this.log = { ...silentLog, debug: hear, info: hear, warn: hear, error: hear };
  }

  heard(part: string): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ part, resolve });
    });
  }
}

/** What the log says where a partition waits for an operator. */
export const STOPPED = 'stopped until an operator';

export interface Service {
  readonly coordinator: Coordinator;
  readonly listening: Listening;
  stop(): Promise<CoordinatorReport>;
}

/** A coordinator that runs until it is told to stop. */
export function serve(job: JobFixture, options: FixtureOptions): Service {
  const listening = new Listening();
  const coordinator = job.coordinator({
    clock: hastyClock(),
    checkpointIntervalMs: 50,
    log: listening.log,
    ...options,
  });
  const abort = new AbortController();
  const ended = coordinator.run(abort.signal);
  ended.catch(() => undefined);
  return {
    coordinator,
    listening,
    stop: () => {
      abort.abort();
      return ended;
    },
  };
}

/** Looks again until it is so; the test's own time limit ends it. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await systemClock.pause(2);
}
