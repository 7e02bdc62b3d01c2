/** Drawn schedules: plain data that depends on a seed and a run's number alone. */
import type { DrawContext } from '../faults/kind.ts';
import { SeededRandom } from '../random.ts';
import type { Schedule } from '../schedule.ts';
import { drawConfig, type DrawOptions } from './config.ts';
import { drawFaults } from './faults.ts';
import { drawStories } from './stories.ts';
import { withSweeps } from './sweeps.ts';
import { drawWorkload } from './workload.ts';

export type { DrawOptions } from './config.ts';

export const WORLD_SEED_MAX = 2 ** 31;

/** The random source of the run with this number, independent of earlier runs. */
export function randomOfRun(seed: number, run: number): SeededRandom {
  return new SeededRandom(Math.imul(seed ^ 0x5bd1e995, 0x9e3779b1) ^ Math.imul(run + 1, 0x85ebca6b));
}

export function drawSchedule(random: SeededRandom, options: DrawOptions): Schedule {
  const config = drawConfig(random, options);
  const workload = drawWorkload(random, config.wallStartMs);
  const drawn: Schedule = { seed: random.below(WORLD_SEED_MAX), config, workload, faults: [] };
  const faults = drawFaults(contextOf(drawn, random));
  return withSweeps(drawStories(random, { ...drawn, faults }, options));
}

/** The context in which a fault of this schedule is drawn. */
export function contextOf({ config, workload }: Schedule, random: SeededRandom): DrawContext {
  const { store, processes } = config;
  return { random, store, processes, partitions: workload.partitions.length };
}
