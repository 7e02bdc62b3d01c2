/**
 * What a job file gives to schedules: its rolling, buckets and checkpoints. Virtual time is cheap but not free, and the world's
 * records are tiny, so that times and sizes are scaled; their proportions stay.
 */
import type { JobConfig } from '../../src/config/jobConfig.ts';
import { formatBytes } from '../../src/telemetry/format.ts';
import type { WorldConfig } from '../schedule.ts';

export interface JobShape {
  readonly job: string;
  readonly checkpointIntervalMs: number;
  readonly roll: WorldConfig['roll'];
  readonly buckets: WorldConfig['buckets'];
  /** What became of each setting, one line each, for the report. */
  readonly notes: readonly string[];
}

/** A checkpoint interval in virtual time that lets a schedule of a second or two see many. */
const INTERVAL_MS = 100;
/** Longer waits are cut: nothing happens in them but polling. */
const INTERVALS_MAX = 20;
/** A part file of the world's records of four to six bytes, so that some roll by size. */
const PART_BYTES = 40;

export function jobShape({ job, roll, bucket, checkpoint }: JobConfig): JobShape {
  const intervalMs = Math.min(checkpoint.intervalMs, INTERVAL_MS);
  const scaled = (ms: number): number => {
    const virtualMs = Math.round((ms * intervalMs) / checkpoint.intervalMs);
    return Math.min(INTERVALS_MAX * intervalMs, Math.max(1, virtualMs));
  };
  const shape = {
    maxBytes: Math.min(roll.maxBytes, PART_BYTES),
    maxAgeMs: scaled(roll.maxAgeMs),
    maxIdleMs: scaled(roll.maxIdleMs),
    atCheckpoint: false,
  };
  const note = (name: string, own: string, virtual: string): string =>
    own === virtual ? `${name} ${own}` : `${name} ${own}, here ${virtual}`;
  return {
    job,
    checkpointIntervalMs: intervalMs,
    roll: shape,
    buckets:
      bucket.by === 'none'
        ? { by: 'none' }
        : { by: bucket.by, pattern: bucket.pattern.text, timezone: bucket.timezone },
    notes: [
      note('checkpoint every', `${checkpoint.intervalMs} ms`, `${intervalMs} ms`),
      note('roll at', formatBytes(roll.maxBytes), formatBytes(shape.maxBytes)),
      note('roll after', `${roll.maxAgeMs} ms`, `${shape.maxAgeMs} ms`),
      note('roll when idle for', `${roll.maxIdleMs} ms`, `${shape.maxIdleMs} ms`),
      bucket.by === 'none'
        ? 'no buckets'
        : `buckets by ${bucket.by} ${bucket.pattern.text} ${bucket.timezone}`,
    ],
  };
}
