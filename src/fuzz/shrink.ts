/** From a failing drawn schedule to the smallest one nearby that breaks the same invariant. */
import fc from 'fast-check';
import { scheduleArbitrary, type DrawOptions } from './draw/schedule.ts';
import type { World } from './executor.ts';
import type { Invariant, Schedule } from './schedule.ts';

/** Worlds that one failure is worth; a bound, so that a failure is always reported soon. */
const SHRINK_RUNS_MAX = 400;

export interface Shrunk {
  readonly schedule: Schedule;
  /** Leads from the seed to the schedule. */
  readonly path: string;
  readonly runs: number;
}

/** The `index`-th schedule of the seed broke the invariant; stops shrinking when `isOver` says so. */
export async function shrink(
  world: World,
  options: DrawOptions,
  {
    seed,
    index,
    invariant,
  }: { readonly seed: number; readonly index: number; readonly invariant: Invariant },
  isOver: () => boolean,
): Promise<Shrunk | null> {
  let runs = 0;
  const holds = async (schedule: Schedule): Promise<boolean> => {
    if (runs >= SHRINK_RUNS_MAX || (runs > 0 && isOver())) return true;
    runs += 1;
    const { violations } = await world(schedule);
    return !violations.some((violation) => violation.invariant === invariant);
  };
  const property = fc.asyncProperty(scheduleArbitrary(options), holds);
  const found = await fc.check(property, { seed, path: String(index), numRuns: 1 });
  const schedule = found.counterexample?.[0];
  if (schedule === undefined || found.counterexamplePath === null) return null;
  return { schedule, path: found.counterexamplePath, runs };
}

/** Drawn at once, at first and at most. Skipping what was drawn before costs little, but not nothing. */
const BLOCK_FIRST = 50;
const BLOCK_MAX = 1_000;

/** Schedules of the seed by their number; generated as they are asked for. */
export function* drawnSchedules(
  options: DrawOptions,
  seed: number,
): Generator<{ readonly index: number; readonly schedule: Schedule }> {
  const arbitrary = scheduleArbitrary(options);
  let block = BLOCK_FIRST;
  for (let first = 0; ; first += block, block = Math.min(BLOCK_MAX, 2 * block)) {
    const drawn = fc.sample(arbitrary, { seed, path: String(first), numRuns: block });
    for (const [offset, schedule] of drawn.entries()) yield { index: first + offset, schedule };
  }
}

/** The one schedule that a path leads to; null where it leads nowhere. */
export function scheduleAt(options: DrawOptions, seed: number, path: string): Schedule | null {
  try {
    return fc.sample(scheduleArbitrary(options), { seed, path, numRuns: 1 })[0] ?? null;
  } catch (error) {
    // fast-check says so of a path that leads out of what it can shrink to.
    if (error instanceof Error && error.message.startsWith('Unable to replay')) return null;
    throw error;
  }
}
