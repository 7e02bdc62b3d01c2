/** Runs schedules one after the other and keeps the summary of each; the same here and in a worker thread. */
import type { Site, Strike } from './exhaust.ts';
import { sitesBehind } from './exhaust.ts';
import type { Reached } from './reachedByRun.ts';
import type { RunTrace, Schedule, Violation } from './schedule.ts';
import type { WorldOptions } from './world.ts';

/** Runs one schedule; tests pass a world with a deliberate bug. */
export type World = (schedule: Schedule, options?: WorldOptions) => Promise<RunTrace>;

export interface RunRequest {
  readonly schedule: Schedule;
  /** Strikes after which to look for sites of the next one; null: do not look. */
  readonly sitesBehind: readonly Strike[] | null;
}

/** The summary of a run, plain data. */
export interface RunSummary {
  readonly violations: readonly Violation[];
  readonly failpointHits: Readonly<Record<string, number>>;
  /** Whether each fault of the schedule took place, by its index. */
  readonly fired: readonly boolean[];
  readonly reached: Reached;
  /** Empty if not requested. */
  readonly sites: readonly Site[];
}

export interface Executor {
  /** How many requests should be under way. */
  readonly width: number;
  run(request: RunRequest): Promise<RunSummary>;
  close(): Promise<void>;
}

export async function runRequest(
  world: World,
  { schedule, sitesBehind: strikes }: RunRequest,
): Promise<RunSummary> {
  const trace = await world(schedule, { keepEverything: strikes !== null });
  const { violations, failpointHits, fired, reached } = trace;
  return {
    violations,
    failpointHits,
    fired,
    reached,
    sites: strikes === null ? [] : sitesBehind(trace, strikes),
  };
}

export function ownThread(world: World): Executor {
  return {
    width: 1,
    run: (request) => runRequest(world, request),
    close: () => Promise.resolve(),
  };
}

/** Yields the results in the order of the requests, whatever order they end in. */
export async function* inOrder<T extends RunRequest>(
  requests: Iterable<T>,
  executor: Executor,
): AsyncGenerator<{ readonly request: T; readonly summary: RunSummary }> {
  const left = requests[Symbol.iterator]();
  const underWay: Promise<{ request: T; summary: RunSummary }>[] = [];
  const begin = (): void => {
    while (underWay.length < executor.width) {
      const next = left.next();
      if (next.done === true) return;
      const request = next.value;
      const running = executor.run(request).then((summary) => ({ request, summary }));
      // A consumer that stops early never awaits it.
      running.catch(() => undefined);
      underWay.push(running);
    }
  };
  for (;;) {
    begin();
    const next = underWay.shift();
    if (next === undefined) return;
    yield await next;
  }
}
