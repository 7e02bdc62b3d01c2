/** Processes and a scheduler for tests of single stand-ins, without a whole world. */
import { SimProcess, type AtFailpoint, type ProcessWatcher } from '../../sim/process.ts';
import { SeededRandom } from '../../sim/random.ts';
import { Scheduler } from '../../sim/scheduler.ts';

export const LIMITS = { tasksMax: 1_000_000, untilMs: 10_000_000 };

export function newScheduler(seed = 1): Scheduler {
  return new Scheduler(new SeededRandom(seed));
}

export interface ProcessSetup {
  readonly place?: number;
  readonly life?: number;
  readonly latencyMsMax?: number;
  readonly atFailpoint?: ProcessWatcher['atFailpoint'];
}

export function newProcess(scheduler: Scheduler, setup: ProcessSetup = {}): SimProcess {
  const { place = 0, life = 0, latencyMsMax = 3 } = setup;
  const go = (): AtFailpoint => ({ type: 'go' });
  return new SimProcess({
    name: { place, life },
    scheduler,
    watcher: { atFailpoint: setup.atFailpoint ?? go, died: () => undefined },
    wallStartMs: 0,
    latencyMsMax,
    seed: 100 * place + life,
  });
}

/** Lets the world continue until the promise has settled. Rejects where it never does. */
export async function eventually<T>(scheduler: Scheduler, promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const settle = (): void => {
    isSettled = true;
  };
  promise.then(settle, settle);
  const end = await scheduler.run(() => isSettled, LIMITS);
  if (end !== 'done') throw new Error(`it never settles: the world is ${end}`);
  return promise;
}

/** Whether the promise settles in the next `forMs`. */
export async function settlesWithin(
  scheduler: Scheduler,
  forMs: number,
  promise: Promise<unknown>,
): Promise<boolean> {
  let isSettled = false;
  const settle = (): void => {
    isSettled = true;
  };
  promise.then(settle, settle);
  await scheduler.run(() => isSettled, { ...LIMITS, untilMs: scheduler.nowMs + forMs });
  return isSettled;
}

/** Lets `forMs` pass. */
export async function pass(scheduler: Scheduler, forMs: number): Promise<void> {
  const untilMs = scheduler.nowMs + forMs;
  // Time passes only from task to task.
  scheduler.after(forMs, null, () => undefined);
  await scheduler.run(() => false, { ...LIMITS, untilMs });
}
