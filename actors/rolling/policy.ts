/** Rolling policies: when an in-progress file is closed. Pure: time is handed in, monotonic milliseconds. */
import type { RollReason } from '../../journal/events.ts';

/** What a policy may look at of a file that takes records. */
export interface RollableFile {
  readonly lengthBytes: number;
  readonly openedAtMs: number;
  readonly lastWriteAtMs: number;
}

export interface RollingPolicy {
  /** Asked after every record: allocates nothing. */
  rollsBySize(lengthBytes: number): boolean;
  /** The smallest length for which rollsBySize is true. */
  readonly rollsAtBytes: number;
  /** Asked when time has passed; null where the file goes on. */
  rollsByTime(file: RollableFile, nowMs: number): Extract<RollReason, 'age' | 'idle'> | null;
  /** When to ask again by time; never later than now plus the shorter limit. */
  deadlineMs(file: RollableFile, nowMs: number): number;
  /** Whether every checkpoint rolls: formats with a footer. */
  readonly rollsAtCheckpoint: boolean;
}

export interface RollLimits {
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  readonly maxIdleMs: number;
}

export function defaultRollingPolicy(limits: RollLimits): RollingPolicy {
  return {
    rollsAtCheckpoint: false,
    rollsAtBytes: limits.maxBytes,
    rollsBySize: (lengthBytes) => lengthBytes >= limits.maxBytes,
    rollsByTime(file, nowMs) {
      if (nowMs - file.openedAtMs >= limits.maxAgeMs) return 'age';
      return nowMs - file.lastWriteAtMs >= limits.maxIdleMs ? 'idle' : null;
    },
    deadlineMs: (file, nowMs) =>
      Math.min(
        file.openedAtMs + limits.maxAgeMs,
        file.lastWriteAtMs + limits.maxIdleMs,
        nowMs + Math.min(limits.maxAgeMs, limits.maxIdleMs),
      ),
  };
}

/** Closes every file at every checkpoint. */
export function checkpointRollingPolicy(limits: RollLimits): RollingPolicy {
  return { ...defaultRollingPolicy(limits), rollsAtCheckpoint: true };
}
