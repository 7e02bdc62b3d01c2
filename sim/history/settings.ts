/**
 * Settings of the world for a stretch of a job's journal: those of the job, scaled, and what the stretch
 * shows.
 */
import { formatNoun } from '../../src/telemetry/format.ts';
import type { JobShape } from '../job/shape.ts';
import { ExpectedBuckets } from '../job/buckets.ts';
import type { StoreKind, WorldConfig } from '../schedule.ts';
import type { FilesSeen, Reads } from './reads.ts';
import type { Stretch } from './stretch.ts';

/** More take long, and show nothing more. */
const RECORDS_MAX = 240;
/** A record of the world with its line break, about. */
const RECORD_BYTES = 5;
const BYTES_LARGE = 1_000;
/** A job has snapshots from its 50th entry on. */
const SNAPSHOTS_FROM_SEQ = 50;
const SNAPSHOT_ENTRIES = { many: 5, none: 1_000 } as const;
/** Small entries split checkpoints. */
const ENTRY_BYTES = { large: 100_000, small: 3_000 } as const;
const FAULTS_MS = 15_000;

export interface HistorySettings {
  readonly config: WorldConfig;
  /** The job's shape with this roll, for whoever varies the schedule. */
  readonly job: JobShape;
  /** Of the stretch's records, how many the world has: 1 or less. */
  readonly recordScale: number;
  /** A time of records whose bucket is this one, or stands for it. */
  readonly timeOfBucket: ReadonlyMap<string, number>;
}

export interface HistoryJob {
  readonly shape: JobShape;
  readonly store: StoreKind;
  readonly entropy: boolean;
}

export function settingsOfHistory(
  { shape, store, entropy }: HistoryJob,
  stretch: Stretch,
  { reads, files }: Reads,
  times: readonly number[],
): HistorySettings {
  const total = reads.reduce((sum, read) => sum + recordsIn(read), 0);
  const recordScale = Math.min(1, RECORDS_MAX / Math.max(1, total));
  const roll = {
    ...shape.roll,
    // Files that were full of records count as full of bytes: both are journaled as `size`.
    maxRecords: undefined,
    maxBytes: bytesOf(files, recordScale),
    atCheckpoint: files.rolledByCheckpoint,
  };
  const buckets = new ExpectedBuckets(shape.buckets);
  const bucketAt = (timestampMs: number): string => buckets.bucketAt({ timestampMs, offset: 0 });
  const wallStartMs = wallStartOf(stretch, files, times, shape.buckets.by === 'wall-clock' ? bucketAt : null);
  const [first] = stretch.entries;
  const types = new Set(stretch.entries.flatMap(({ entry }) => entry.events.map(({ type }) => type)));
  const config: WorldConfig = {
    ...{ store, processes: 1, entropy, roll, buckets: shape.buckets },
    checkpointIntervalMs: shape.checkpointIntervalMs,
    ...{ wallStartMs, latencyMsMax: 2, timeoutMs: 100, sessionMs: 1_500, heartbeatMs: 300 },
    ...{ restartMs: 100, dismissesDeadMember: true },
    entryBytesMax: types.has('checkpointPart') ? ENTRY_BYTES.small : ENTRY_BYTES.large,
    readBatchEntries: 100,
    snapshotEntries:
      (first?.entry.seq ?? 1) > SNAPSHOTS_FROM_SEQ ? SNAPSHOT_ENTRIES.many : SNAPSHOT_ENTRIES.none,
    ...{ fetchBatchesMax: 3, openFilesMax: null, memoryBytes: null },
    faultsUntilMs: (times.at(-1) ?? 0) + FAULTS_MS,
  };
  return {
    config,
    job: { ...shape, roll, notes: notesOf(shape, roll, recordScale, total) },
    recordScale,
    timeOfBucket: bucketTimes(files, bucketAt, wallStartMs),
  };
}

function recordsIn({ records, nullValues }: Reads['reads'][number]): number {
  return [...records.values()].reduce((sum, count) => sum + count, nullValues);
}

/** Files that grew to their size in the stretch do so here, with as many of the world's records. */
function bytesOf({ rolledBySize, recordsMost }: FilesSeen, recordScale: number): number {
  const bytes = (records: number): number => Math.max(8, Math.round(records * recordScale * RECORD_BYTES));
  if (rolledBySize.length === 0) return Math.max(BYTES_LARGE, 2 * bytes(recordsMost));
  return bytes(rolledBySize.reduce((sum, records) => sum + records, 0) / rolledBySize.length);
}

function notesOf(shape: JobShape, { maxBytes }: WorldConfig['roll'], scale: number, total: number): string[] {
  const notes = shape.notes.map((note) =>
    note.startsWith('roll at') ? `${note.replace(/, here.*$/, '')}, here ${maxBytes} B` : note,
  );
  if (scale === 1) return notes;
  return [...notes, `${formatNoun(total, 'record')}, here about ${Math.round(total * scale)}`];
}

/**
 * With buckets by the wall clock, the first change of bucket happens at the time at which it did; otherwise
 * the world begins when the stretch did.
 */
function wallStartOf(
  { entries }: Stretch,
  { buckets }: FilesSeen,
  times: readonly number[],
  bucketAt: ((ms: number) => string) | null,
): number {
  const [first] = entries;
  const startMs = first?.atMs ?? 0;
  const [before, behind] = [...buckets.values()];
  if (bucketAt === null || before === undefined || behind === undefined || behind <= before) return startMs;
  let [low, high] = [before, behind];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (bucketAt(middle) === bucketAt(before)) low = middle;
    else high = middle;
  }
  const index = entries.findIndex(({ atMs }) => atMs >= high);
  return high - (times[index] ?? times.at(-1) ?? 0);
}

const UNITS_MS = [1_000, 60_000, 3_600_000, 86_400_000, 31 * 86_400_000, 366 * 86_400_000] as const;

/** Neighbouring buckets, one for each that was seen: their names are other ones, their number is the same. */
function bucketTimes(
  { buckets }: FilesSeen,
  bucketAt: (ms: number) => string,
  startMs: number,
): ReadonlyMap<string, number> {
  const unitMs = UNITS_MS.find((ms) => bucketAt(startMs) !== bucketAt(startMs + ms)) ?? 0;
  return new Map([...buckets.keys()].map((bucket, index) => [bucket, startMs + index * unitMs]));
}
