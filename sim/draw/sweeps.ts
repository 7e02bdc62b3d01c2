/**
 * Operators that look for orphans. They are drawn from a random source of their own: everything else of a
 * schedule is as it would be without them.
 */
import { isReachable } from '../faults/drawing.ts';
import type { DrawContext } from '../faults/kind.ts';
import { drawFaultOf } from '../faults/registry.ts';
import { SeededRandom } from '../random.ts';
import type { Fault, Schedule } from '../schedule.ts';

/** In percent: of schedules; and of those, with something to be found. */
const SWEPT_SHARE = 20;
const LITTERED_SHARE = 60;
const SWEEPS_MAX = 3;
const SALT = 0x0f2d9a51;
/** Until a successor has settled the owner's files. */
const ASLEEP_MS = 5_000;

export function withSweeps(schedule: Schedule): Schedule {
  const { seed, config, workload, faults } = schedule;
  const random = new SeededRandom(seed ^ SALT);
  if (!random.percent(SWEPT_SHARE)) return schedule;
  const isLittered = random.percent(LITTERED_SHARE);
  // It takes a successor.
  const processes = isLittered ? Math.max(2, config.processes) : config.processes;
  const context = { random, store: config.store, processes, partitions: workload.partitions.length };
  const sweeps = Array.from({ length: 1 + random.below(SWEEPS_MAX) }, () => drawFaultOf('orphans', context));
  const litter = isLittered ? litterOf(context) : [];
  return { ...schedule, config: { ...config, processes }, faults: [...faults, ...litter, ...sweeps] };
}

/** An owner sleeps before it creates something, creates it too late, and dies before it can remove it. */
function litterOf({ random, store, processes }: DrawContext): Fault[] {
  const points = ['store.create', 'store.create', 'store.finish', 'store.persist', 'store.write'] as const;
  const point = random.pick(points.filter((one) => isReachable(one, store)));
  const nth = { process: random.below(processes), life: random.below(2), nth: 1 + random.below(6) };
  // What a copy is made of is found before.
  const asleep: Fault =
    point === 'store.finish'
      ? { type: 'store', ...nth, point, fault: 'asleep' }
      : { type: 'pause', ...nth, point, side: 'before', forMs: ASLEEP_MS };
  return [asleep, { type: 'crash', ...nth, point, side: 'after' }];
}
