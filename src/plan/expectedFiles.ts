/**
 * How many files a topic makes in an hour, and how large they are, if its records come steadily as they did.
 * Pure. A stream is what goes to one open file after another: the records of one partition and one folder.
 * Folders that follow one another in time are one stream.
 */

const HOUR_MS = 3_600_000;
const SMALL_BYTES = 1024 * 1024;
const SMALL_SHARE = 0.1;

/** `bucket`: the folder's time is over. */
export type EndCause = 'size' | 'records' | 'age' | 'idle' | 'bucket';

/** Infinity for no limit. */
export interface FileLimits {
  readonly bytes: number;
  readonly records: number;
  readonly ageMs: number;
  readonly idleMs: number;
}

export interface FilesFacts {
  /** Records per second of each stream; those without records count for nothing. */
  readonly streams: readonly number[];
  /** Of one record in a file. */
  readonly recordBytes: number;
  /** Of each file besides its records. */
  readonly overheadBytes: number;
  readonly limits: FileLimits;
  /** How long a folder gets records; null if its name has no time. */
  readonly bucketMs: number | null;
}

export interface ExpectedFiles {
  readonly perHour: number;
  /** At the same time. */
  readonly open: number;
  readonly medianBytes: number;
  readonly medianRecords: number;
  /** What ends most of them. */
  readonly endedBy: EndCause;
  /** How long the file of median size is open. */
  readonly openMs: number;
  /** After what time it would reach `roll.maxBytes`. */
  readonly fullAfterMs: number;
  readonly isSmall: boolean;
}

interface StreamFiles {
  readonly perHour: number;
  readonly records: number;
  readonly bytes: number;
  readonly cause: EndCause;
  readonly openMs: number;
  readonly fullAfterMs: number;
}

/** Null if nothing comes. */
export function expectedFiles(facts: FilesFacts): ExpectedFiles | null {
  const streams = facts.streams.filter((rate) => rate > 0).map((rate) => filesOf(rate, facts));
  const perHour = streams.reduce((sum, each) => sum + each.perHour, 0);
  const median = medianOf(streams, perHour);
  if (median === null) return null;
  const smallBytes = Math.max(SMALL_BYTES, facts.limits.bytes * SMALL_SHARE);
  return {
    perHour,
    open: streams.length,
    medianBytes: median.bytes,
    medianRecords: median.records,
    endedBy: commonest(streams),
    openMs: median.openMs,
    fullAfterMs: median.fullAfterMs,
    isSmall: median.bytes < smallBytes,
  };
}

function filesOf(recordsPerSecond: number, facts: FilesFacts): StreamFiles {
  const { limits, bucketMs, recordBytes, overheadBytes } = facts;
  const gapMs = 1_000 / recordsPerSecond;
  const fullRecords = Math.max(1, Math.ceil((limits.bytes - overheadBytes) / recordBytes));
  const ends: readonly { readonly cause: EndCause; readonly records: number }[] = [
    { cause: 'size', records: fullRecords },
    { cause: 'records', records: limits.records },
    // The first record opens the file.
    { cause: 'age', records: Math.floor(limits.ageMs / gapMs) + 1 },
    { cause: 'idle', records: gapMs >= limits.idleMs ? 1 : Infinity },
    { cause: 'bucket', records: Math.max(1, (bucketMs ?? Infinity) / gapMs) },
  ];
  const first = ends.reduce((least, end) => (end.records < least.records ? end : least));
  const perHour = perHourOf(first.records, gapMs, bucketMs);
  const records = HOUR_MS / gapMs / perHour;
  return {
    perHour,
    records,
    bytes: records * recordBytes + overheadBytes,
    cause: first.cause,
    openMs: first.cause === 'idle' ? limits.idleMs : records * gapMs,
    fullAfterMs: fullRecords * gapMs,
  };
}

/** A folder whose time is over cuts its last file short. */
function perHourOf(records: number, gapMs: number, bucketMs: number | null): number {
  if (bucketMs === null || bucketMs <= gapMs) return HOUR_MS / gapMs / records;
  return (Math.ceil(bucketMs / gapMs / records) * HOUR_MS) / bucketMs;
}

/** Of all files: half of them are at most as large. */
function medianOf(streams: readonly StreamFiles[], perHour: number): StreamFiles | null {
  let before = 0;
  for (const stream of streams.toSorted((one, other) => one.bytes - other.bytes)) {
    before += stream.perHour;
    if (before * 2 >= perHour) return stream;
  }
  return null;
}

function commonest(streams: readonly StreamFiles[]): EndCause {
  const counts = new Map<EndCause, number>();
  for (const { cause, perHour } of streams) counts.set(cause, (counts.get(cause) ?? 0) + perHour);
  const [most] = [...counts].toSorted(([, one], [, other]) => other - one);
  return most?.[0] ?? 'size';
}
