/** Drawn configurations; what stands first in a choice is what a failure is shrunk to. */
import fc from 'fast-check';
import type { StoreKind, WorldConfig } from '../schedule.ts';
import type { JobShape } from './jobShape.ts';

/** Patterns whose folders change within a schedule, by second, minute, hour, day and month. */
const PATTERNS = ['ss', 'mm', 'HH', 'yyyy-MM-dd--HH', 'yyyy/MM/dd', 'yyyy-MM'] as const;
const ZONES = ['UTC', 'Asia/Shanghai', 'Asia/Kolkata', 'America/New_York'] as const;

/** Instants at which many buckets end at once: a year, and the two nights on which Europe changes its clocks. */
const TURNS_MS = [
  Date.UTC(2026, 0, 1),
  Date.UTC(2026, 2, 29, 1),
  Date.UTC(2026, 9, 25, 1),
  Date.UTC(2026, 0, 1, -8),
] as const;

export function configArbitrary(store: StoreKind, job: JobShape | null): fc.Arbitrary<WorldConfig> {
  const settings: fc.Arbitrary<Settings> =
    job === null
      ? ownSettings
      : fc.constant({
          checkpointIntervalMs: job.checkpointIntervalMs,
          roll: job.roll,
          buckets: job.buckets,
        });
  return fc
    .record({
      processes: fc.constantFrom(1, 1, 2, 2, 2, 3, 4),
      settings,
      wallStartMs: fc
        .record({ turn: fc.constantFrom(...TURNS_MS), before: fc.nat(2_000) })
        .map(({ turn, before }) => turn - before),
      entropy: fc.constantFrom(false, false, true),
      latencyMsMax: fc.constantFrom(2, 5, 20, 0),
      timeoutMs: fc.constantFrom(100, 300),
      restartMs: fc.constantFrom(100, 10, 500, 2_000),
      dismissesDeadMember: fc.boolean().map((no) => !no),
      entryBytesMax: fc.constantFrom(100_000, 100_000, 3_000),
      readBatchEntries: fc.constantFrom(100, 2),
      fetchBatchesMax: fc.integer({ min: 1, max: 4 }),
    })
    .map(({ settings: drawn, ...rest }) => ({
      store,
      ...drawn,
      ...rest,
      ...{ sessionMs: 1_500, heartbeatMs: 300, faultsUntilMs: 15_000 },
    }));
}

type Settings = Pick<WorldConfig, 'checkpointIntervalMs' | 'roll' | 'buckets'>;

const ownSettings: fc.Arbitrary<Settings> = fc.record({
  checkpointIntervalMs: fc.constantFrom(100, 50, 200),
  roll: fc.record({
    maxBytes: fc.constantFrom(1_000, 60, 24, 8),
    maxAgeMs: fc.constantFrom(800, 300, 2_000),
    maxIdleMs: fc.constantFrom(400, 150),
    atCheckpoint: fc.constantFrom(false, false, false, true),
  }),
  buckets: bucketsArbitrary(),
});

type Buckets = WorldConfig['buckets'];

function bucketsArbitrary(): fc.Arbitrary<Buckets> {
  const timed: fc.Arbitrary<Buckets> = fc.record({
    by: fc.constantFrom('record-time', 'wall-clock'),
    pattern: fc.constantFrom(...PATTERNS),
    timezone: fc.constantFrom(...ZONES),
  });
  const none: fc.Arbitrary<Buckets> = fc.constant({ by: 'none' });
  return fc.oneof({ withCrossShrink: true }, none, timed);
}
