/** Small schedules for the tests of the world. */
import type { Fault, LogItem, Schedule, WorldConfig } from '../../sim/schedule.ts';

export const WALL_START_MS = Date.UTC(2026, 0, 1);

export const CONFIG: WorldConfig = {
  ...{ store: 'file', processes: 2, checkpointIntervalMs: 100 },
  roll: { maxBytes: 40, maxAgeMs: 800, maxIdleMs: 300, atCheckpoint: false },
  buckets: { by: 'none' },
  entropy: false,
  wallStartMs: WALL_START_MS,
  ...{ latencyMsMax: 5, timeoutMs: 300, sessionMs: 1_500, heartbeatMs: 300 },
  ...{ restartMs: 200, dismissesDeadMember: true },
  ...{
    entryBytesMax: 100_000,
    readBatchEntries: 100,
    snapshotEntries: 4,
    fetchBatchesMax: 3,
    openFilesMax: null,
    memoryBytes: null,
    faultsUntilMs: 20_000,
  },
};

/** `count` batches of four records, every 60 ms. */
export function batches(count: number): LogItem[] {
  return Array.from({ length: count }, (_, index) => ({
    ...{ type: 'records', atMs: index * 60, records: 4, nullEvery: index === 2 ? 2 : 0 },
    ...{ timestampMs: WALL_START_MS + index * 1_000, stepMs: 100 },
  }));
}

export interface ScheduleSetup {
  readonly seed?: number;
  readonly config?: Partial<WorldConfig>;
  readonly partitions?: readonly (readonly LogItem[])[];
  readonly faults?: readonly Fault[];
}

export function schedule({ seed = 1, config, partitions, faults }: ScheduleSetup = {}): Schedule {
  return {
    seed,
    config: { ...CONFIG, ...config },
    workload: { topic: 'numbers', partitions: partitions ?? [batches(6), batches(6)] },
    faults: faults ?? [],
  };
}
