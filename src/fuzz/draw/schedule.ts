/** Drawn schedules: plain data that fast-check can shrink, and replay by seed and path. */
import fc from 'fast-check';
import type { Schedule, StoreKind } from '../schedule.ts';
import { configArbitrary } from './config.ts';
import { faultsArbitrary } from './faults.ts';
import type { JobShape } from './jobShape.ts';
import { workloadArbitrary } from './workload.ts';

export interface DrawOptions {
  readonly store: StoreKind;
  /** Fixes rolling, buckets and checkpoints; null: they are drawn, too. */
  readonly job: JobShape | null;
}

/** A failure is shrunk in this order: faults, workload, configuration. The seed of the world stays. */
export function scheduleArbitrary({ store, job }: DrawOptions): fc.Arbitrary<Schedule> {
  return fc
    .record({
      faults: faultsArbitrary(store),
      workload: workloadArbitrary,
      config: configArbitrary(store, job),
      seed: fc.noShrink(fc.integer({ min: 0, max: 2 ** 31 - 1 })),
    })
    .map(({ seed, config, workload: drawn, faults }) => {
      const workload = drawn(config.wallStartMs);
      const counts = { processes: config.processes, partitions: workload.partitions.length };
      return { seed, config, workload, faults: faults(counts) };
    });
}
