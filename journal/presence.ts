/**
 * The presence port: what each living coordinator of a job says of itself, beside the journal and never in it. Nothing depends on it:
 * a record may be missing, old or lost at any time. Every adapter passes test/conformance/presence.
 */
import type { JobName } from './ids.ts';

export interface PresenceKey {
  readonly job: JobName;
  /** Of the process: letters and digits. */
  readonly coordinatorId: string;
}

export interface StoredPresence {
  readonly bytes: Uint8Array;
  /** How long ago it was kept, by one clock. */
  readonly ageMs: number;
}

export interface PresenceBoard {
  /** Bytes of the largest record that is taken now. Rejects where that is not known, in bounded time. */
  bytesMax(): Promise<number>;
  /** Keeps the record instead of the one that the process had before. Rejects where that failed, in bounded time. */
  keep(key: PresenceKey, bytes: Uint8Array): Promise<void>;
  /** Removes the record; at an orderly end. */
  remove(key: PresenceKey): Promise<void>;
  /** What the job's coordinators said last, also those that died since. Rejects where that cannot be read, in bounded time. */
  read(job: JobName): Promise<readonly StoredPresence[]>;
  close(): Promise<void>;
}
