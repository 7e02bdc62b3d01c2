/**
 * The presence port: what each live coordinator of a job reports about itself, beside the journal and never
 * in it. Nothing depends on it: a record may be missing, old or lost at any time. Every adapter passes
 * test/conformance/presence.
 */
import type { JobName } from './ids.ts';

export interface PresenceKey {
  readonly job: JobName;
  /** Of the process: letters and digits. */
  readonly coordinatorId: string;
}

export interface StoredPresence {
  readonly bytes: Uint8Array;
  /** Age of the record in milliseconds, by a single clock. */
  readonly ageMs: number;
}

export interface PresenceBoard {
  /** Largest record in bytes that is accepted now. Rejects if unknown, in bounded time. */
  bytesMax(): Promise<number>;
  /** Replaces the record of the process. Rejects if that failed, in bounded time. */
  keep(key: PresenceKey, bytes: Uint8Array): Promise<void>;
  /** Removes the record, at an orderly end. */
  remove(key: PresenceKey): Promise<void>;
  /**
   * Last records of the job's coordinators, also of those that have died. Rejects if they cannot be read, in
   * bounded time.
   */
  read(job: JobName): Promise<readonly StoredPresence[]>;
  close(): Promise<void>;
}
