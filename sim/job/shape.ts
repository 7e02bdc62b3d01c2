/**
 * What a job file provides for schedules: its rolling, buckets and checkpoints. Virtual time is cheap but not
 * free, and the world's records are tiny. So times and sizes are scaled; their proportions stay.
 */
import type { JobConfig } from '../../src/config/jobConfig.ts';
import { formatBytes, formatNoun } from '../../src/telemetry/format.ts';
import { bucketsOfJob, bucketWords } from './buckets.ts';
import type { WorldConfig } from '../schedule.ts';

export interface JobShape {
  readonly job: string;
  readonly checkpointIntervalMs: number;
  readonly roll: WorldConfig['roll'];
  readonly buckets: WorldConfig['buckets'];
  /** How each setting was scaled, one line each, for the report. */
  readonly notes: readonly string[];
}

/** A checkpoint interval in virtual time that gives many checkpoints in a schedule of a second or two. */
const INTERVAL_MS = 100;
/** Longer waits are cut: nothing happens in them except polling. */
const INTERVALS_MAX = 20;
/** A part file for the world's records of four to six bytes, so that some roll by size. */
const PART_BYTES = 40;
/** Fewer than have that size. */
const PART_RECORDS = 5;

export function jobShape({ job, roll, bucket, checkpoint }: JobConfig): JobShape {
  const buckets = bucketsOfJob(bucket);
  const { maxBytes = 0, maxRecords, maxAgeMs = 0, maxIdleMs = 0 } = roll;
  const intervalMs = Math.min(checkpoint.intervalMs, INTERVAL_MS);
  const scaled = (ms: number): number => {
    const virtualMs = Math.round((ms * intervalMs) / checkpoint.intervalMs);
    return Math.min(INTERVALS_MAX * intervalMs, Math.max(1, virtualMs));
  };
  const shape = {
    maxBytes: Math.min(maxBytes, PART_BYTES),
    ...(maxRecords === undefined ? {} : { maxRecords: Math.min(maxRecords, PART_RECORDS) }),
    maxAgeMs: scaled(maxAgeMs),
    maxIdleMs: scaled(maxIdleMs),
    atCheckpoint: false,
  };
  const note = (name: string, own: string, virtual: string): string =>
    own === virtual ? `${name} ${own}` : `${name} ${own}, here ${virtual}`;
  return {
    job,
    checkpointIntervalMs: intervalMs,
    roll: shape,
    buckets,
    notes: [
      note('checkpoint every', `${checkpoint.intervalMs} ms`, `${intervalMs} ms`),
      note('roll at', formatBytes(maxBytes), formatBytes(shape.maxBytes)),
      ...(maxRecords === undefined
        ? []
        : [note('roll with', formatNoun(maxRecords, 'record'), String(shape.maxRecords))]),
      note('roll after', `${maxAgeMs} ms`, `${shape.maxAgeMs} ms`),
      note('roll when idle for', `${maxIdleMs} ms`, `${shape.maxIdleMs} ms`),
      bucketWords(buckets),
    ],
  };
}
