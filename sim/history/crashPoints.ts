/** Each crash point around a moment of a run: whoever passes it dies there, or sleeps past its session. */
import type { Fault, RunTrace, Schedule } from '../schedule.ts';
import { passesOf, type Passed } from './lived.ts';

/** Before and behind the moment. */
const AROUND_MS = 500;
const PASSES_MAX = 60;
/** Longer than a session and its aftermath. */
const PAUSE_MS = 4_000;

/** Those nearest to the moment first. */
export function crashPointsAround(trace: RunTrace, aroundMs: number): readonly Schedule[] {
  const { schedule } = trace;
  const far = ({ atMs }: Passed): number => Math.abs(atMs - aroundMs);
  const near = passesOf(trace)
    .filter((passed) => far(passed) <= AROUND_MS)
    .sort((one, other) => far(one) - far(other))
    .slice(0, PASSES_MAX);
  return near.flatMap(({ atMs: _, ...where }) => {
    const strikes: readonly Fault[] = [
      { type: 'crash', ...where },
      { type: 'pause', ...where, forMs: PAUSE_MS },
    ];
    return strikes.map((strike) => ({ ...schedule, faults: [...schedule.faults, strike] }));
  });
}
