/** Drawn configurations: every setting independently. */
import { FIELD_PART } from '../bucketsOfWorld.ts';
import { contentFor, PLAIN_CONTENT } from '../content.ts';
import { randomFor, type SeededRandom } from '../random.ts';
import type { StoreKind, WorldConfig } from '../schedule.ts';
import type { JobShape } from './jobShape.ts';

/** Patterns whose folders change within a schedule: by second, minute, hour, day and month. */
const PATTERNS = ['ss', 'mm', 'HH', 'yyyy-MM-dd--HH', 'yyyy/MM/dd', 'yyyy-MM'] as const;
const ZONES = ['UTC', 'Asia/Shanghai', 'Asia/Kolkata', 'America/New_York'] as const;

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
  return job === null ? withField(withRecordLimit(drawn)) : drawn;
}

/** In percent: of drawn rolls. */
const COUNTED_SHARE = 25;

/** Perhaps with a limit of records for its roll; drawn from all else, so that nothing else is drawn otherwise. */
export function withRecordLimit<Config extends { readonly roll?: WorldConfig['roll'] | undefined }>(
  config: Config,
): Config {
  const random = randomFor(`records ${JSON.stringify(config)}`);
  if (config.roll === undefined || !random.percent(COUNTED_SHARE)) return config;
  return { ...config, roll: { ...config.roll, maxRecords: random.pick([1, 2, 3, 5, 12]) } };
}

/** In percent: of drawn time buckets. */
const FIELD_SHARE = 20;

/** Perhaps with a folder for each value of a field below that of the time; drawn as the limit is. */
function withField(config: WorldConfig): WorldConfig {
  const random = randomFor(`field ${JSON.stringify(config)}`);
  const { buckets } = config;
  if (buckets.by === 'none' || !random.percent(FIELD_SHARE)) return config;
  return { ...config, buckets: { ...buckets, pattern: `${buckets.pattern}/'b='${FIELD_PART}` } };
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

export function drawRoll(random: SeededRandom): WorldConfig['roll'] {
  return {
    maxBytes: random.pick([1_000, 60, 24, 8]),
    maxAgeMs: random.pick([800, 300, 2_000]),
    maxIdleMs: random.pick([400, 150]),
    atCheckpoint: random.percent(25),
  };
}

export function drawBuckets(random: SeededRandom): WorldConfig['buckets'] {
  if (random.percent(50)) return { by: 'none' };
  const by = random.pick(['record-time', 'wall-clock'] as const);
  return { by, pattern: random.pick(PATTERNS), timezone: random.pick(ZONES) };
}
