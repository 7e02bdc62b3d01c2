/**
 * The Journal port: an append-only log per subject with an expected-sequence append.
 *
 * First run: the adapter's `create` creates a journal with a fresh id. Recovery: read a subject from its
 * start, then append with the revision of the last entry read. An append never overwrites, and entries are
 * never removed. Every adapter passes test/conformance/journal.
 */
import type { JournalId, Subject } from './ids.ts';

/**
 * Position that the adapter assigns to a stored entry (on JetStream the stream sequence). It grows within a
 * subject, with gaps on a shared stream. 0 is before the first entry.
 */
export type Revision = number;

export interface StoredEntry {
  readonly revision: Revision;
  readonly bytes: Uint8Array;
}

/**
 * Outcome of an append.
 * - `appended`: durable, as far as the journal's own setting guarantees it.
 * - `conflict`: nothing was written; the subject's last revision is not the expected one. `cause` if more is
 *   known.
 * - `unknown`: it may or may not have been written. Only the identical bytes may be sent again.
 * - `refused`: nothing was written. The journal is full or not permitted to write (`retryable`), or the entry
 *   is too large.
 */
export type AppendOutcome =
  | { readonly type: 'appended'; readonly revision: Revision }
  | { readonly type: 'conflict'; readonly lastRevision: Revision; readonly cause?: unknown }
  | { readonly type: 'unknown'; readonly cause: unknown }
  | { readonly type: 'refused'; readonly retryable: boolean; readonly cause: unknown };

export interface Journal {
  readonly id: JournalId;
  /** Largest entry in bytes that `append` accepts. */
  readonly entryBytesMax: number;

  /**
   * Appends if the subject's last revision is `expected`. Never rejects for an outage: that is `unknown` or
   * `refused`.
   */
  append(subject: Subject, expected: Revision, bytes: Uint8Array): Promise<AppendOutcome>;

  /**
   * Entries after `after`, in order, in batches, up to the last one that the journal's leader knows at the
   * time of the call. Presence is proof, absence is not. Rejects with JOURNAL_UNAVAILABLE if the journal does
   * not answer.
   */
  read(subject: Subject, after: Revision): AsyncIterable<readonly StoredEntry[]>;

  /** Subjects of a job that hold entries, for readers such as `status`. */
  subjects(prefix: string): Promise<readonly Subject[]>;

  /**
   * Files an operator's request: an append without an expected revision. Allowed while another process owns
   * the journal.
   */
  fileRequest(subject: Subject, bytes: Uint8Array): Promise<Revision>;

  /**
   * Requests after `after`, as `read` returns them, for an owner that polls. Requests filed within the last
   * second may be missing. Rejects as `read` does, and if the journal is lost, replaced or no longer fit to
   * hold one.
   */
  requests(subject: Subject, after: Revision): AsyncIterable<readonly StoredEntry[]>;

  /**
   * Stores a snapshot that shortens a later replay of the subject, and keeps the previous one. Rejects if it
   * was not stored, or may not have been; then only the next replay is longer. A snapshot is never an entry:
   * it changes no revision.
   */
  writeSnapshot(subject: Subject, bytes: Uint8Array): Promise<void>;

  /**
   * The newest snapshots of the subject, newest first, at most two. They are hints, never proof: one may be
   * missing, outdated, damaged, or ahead of the subject's entries. Rejects with JOURNAL_UNAVAILABLE as `read`
   * does.
   */
  snapshots(subject: Subject): AsyncIterable<Uint8Array>;

  /**
   * What the journal itself counts of the subjects that begin with the prefix. Absent if it keeps no count
   * beside its entries. Rejects as `read` does.
   */
  readonly countEntries?: (prefix: string) => Promise<EntryCounts>;

  close(): Promise<void>;
}

export type JournalReader = Pick<Journal, 'id' | 'read' | 'requests' | 'snapshots' | 'subjects'>;

export interface EntryCounts {
  /** Entries and requests of each subject. */
  readonly bySubject: ReadonlyMap<Subject, number>;
  /** How many were stored once and are there no more, of any job that shares the journal. */
  readonly lost: number;
}

/** Snapshots kept per subject: if the newest is unusable, the previous one shortens the replay. */
export const SNAPSHOTS_KEPT = 2;

/** Time for the writer. The host provides it; tests and the fuzzer provide their own. */
export interface Pacer {
  /** Monotonic milliseconds. */
  nowMs(): number;
  /** Resolves after `delayMs`. */
  pause(delayMs: number): Promise<void>;
}
