/** Drawn configurations: every setting independently. */
import { drawBuckets, withField } from '../job/buckets.ts';
import { contentFor, PLAIN_CONTENT } from '../job/content.ts';
import { PLAIN_RECORDS, recordsFor } from '../job/records.ts';
import { drawRoll, withRecordLimit } from '../job/roll.ts';
import type { SeededRandom } from '../random.ts';
import type { StoreKind, WorldConfig } from '../schedule.ts';
import type { JobShape } from '../job/shape.ts';

/** Many buckets end at once: at a new year, and in the two nights on which Europe changes its clocks. */
const TURNS_MS = [
  Date.UTC(2026, 0, 1),
  Date.UTC(2026, 2, 29, 1),
  Date.UTC(2026, 9, 25, 1),
  Date.UTC(2026, 0, 1, -8),
] as const;

/** Enough for one file, for three, or for many with small buffers in their own area. Mostly unlimited. */
export const MEMORY_BYTES = [null, null, null, null, 20 * 1024, 48 * 1024, 640 * 1024] as const;

export const OPEN_FILES_MAX = [null, null, null, 2, 4] as const;
export const INTERVALS_MS = [100, 50, 200] as const;

export interface DrawOptions {
  readonly store: StoreKind;
  /** Fixes rolling, buckets and checkpoints; null: they are drawn, too. */
  readonly job: JobShape | null;
}

export function drawConfig(random: SeededRandom, { store, job }: DrawOptions): WorldConfig {
  const config = {
    store,
    processes: random.pick([1, 1, 2, 2, 2, 3, 4]),
    ...settingsOf(random, job),
    entropy: random.percent(33),
    wallStartMs: random.pick(TURNS_MS) - random.below(2_001),
    latencyMsMax: random.pick([2, 5, 20, 0]),
    timeoutMs: random.pick([100, 300]),
    ...{ sessionMs: 1_500, heartbeatMs: 300 },
    restartMs: random.pick([100, 10, 500, 2_000]),
    dismissesDeadMember: random.percent(50),
    entryBytesMax: random.pick([100_000, 100_000, 3_000]),
    readBatchEntries: random.pick([100, 2]),
    snapshotEntries: random.pick([1_000, 2, 5, 12]),
    fetchBatchesMax: 1 + random.below(4),
    openFilesMax: random.pick(OPEN_FILES_MAX),
    memoryBytes: random.pick(MEMORY_BYTES),
    faultsUntilMs: 15_000,
  };
  const content = contentFor(config);
  const drawn = content === PLAIN_CONTENT ? config : { ...config, content };
  const complete = job === null ? withField(withRecordLimit(drawn)) : drawn;
  const records = recordsFor(config);
  return records === PLAIN_RECORDS ? complete : { ...complete, records };
}

type Settings = Pick<WorldConfig, 'checkpointIntervalMs' | 'roll' | 'buckets'>;

function settingsOf(random: SeededRandom, job: JobShape | null): Settings {
  if (job !== null)
    return { checkpointIntervalMs: job.checkpointIntervalMs, roll: job.roll, buckets: job.buckets };
  return {
    checkpointIntervalMs: random.pick(INTERVALS_MS),
    roll: drawRoll(random),
    buckets: drawBuckets(random),
  };
}
