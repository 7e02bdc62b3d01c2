/**
 * The Journal port: an append-only log per subject with an expected-sequence append.
 *
 * First run: a journal is created by its adapter's `create` and gets a fresh id. Recovery: read a subject from its start,
 * then append with the revision of the last entry read. Appending never overwrites; entries never go away.
 * Every adapter passes test/conformance/journal.
 */
import type { JournalId, Subject } from './ids.ts';

/**
 * Position that the adapter gives to a stored entry: grows within a subject, with holes on a shared stream (on JetStream
 * the stream sequence). 0 stands before the first.
 */
export type Revision = number;

export interface StoredEntry {
  readonly revision: Revision;
  readonly bytes: Uint8Array;
}

/**
 * What became of an append.
 * - `appended`: durable as the journal's own setting allows.
 * - `conflict`: nothing was written; the subject's last revision is not the expected one. `cause` where more than that is known.
 * - `unknown`: it may or may not have been written. Only the identical bytes may be sent again.
 * - `refused`: nothing was written; the journal is full or not allowed to (`retryable`), or the entry is too large.
 */
export type AppendOutcome =
  | { readonly type: 'appended'; readonly revision: Revision }
  | { readonly type: 'conflict'; readonly lastRevision: Revision; readonly cause?: unknown }
  | { readonly type: 'unknown'; readonly cause: unknown }
  | { readonly type: 'refused'; readonly retryable: boolean; readonly cause: unknown };

export interface Journal {
  readonly id: JournalId;
  /** Largest entry in bytes that `append` takes. */
  readonly entryBytesMax: number;

  /** Appends where the subject's last revision is `expected`. Never rejects for an outage: that is `unknown` or `refused`. */
  append(subject: Subject, expected: Revision, bytes: Uint8Array): Promise<AppendOutcome>;

  /**
   * Entries after `after`, in order, in batches, up to the last one that the journal's leader knows at the call; then ends.
   * Presence is proof, absence is not. Rejects with JOURNAL_UNAVAILABLE where the journal does not answer.
   */
  read(subject: Subject, after: Revision): AsyncIterable<readonly StoredEntry[]>;

  /** Subjects of a job that hold entries, for readers such as `status`. */
  subjects(prefix: string): Promise<readonly Subject[]>;

  /** Files an operator's request: an append without expectation. Allowed while another process owns the journal. */
  fileRequest(subject: Subject, bytes: Uint8Array): Promise<Revision>;

  /**
   * Requests after `after`, as `read` gives them, for an owner that asks again and again: what was filed within the last second may be
   * missing. Rejects as `read` does, and where the journal is found to be lost, replaced or no longer fit to hold one.
   */
  requests(subject: Subject, after: Revision): AsyncIterable<readonly StoredEntry[]>;

  /**
   * Keeps what shortens a later replay of the subject; of older ones the newest is kept beside it. Rejects where it was not kept, or may
   * not have been: then only the next replay is longer. Never an entry: writing one moves no revision.
   */
  writeSnapshot(subject: Subject, bytes: Uint8Array): Promise<void>;

  /**
   * The newest snapshots of the subject, newest first, at most two. They are hints, never proof: one may be missing, older than what
   * was written last, damaged, or further than the subject's entries reach. Rejects with JOURNAL_UNAVAILABLE as `read` does.
   */
  snapshots(subject: Subject): AsyncIterable<Uint8Array>;

  close(): Promise<void>;
}

/** How many snapshots of a subject are kept: where the newest cannot be used, the one before it shortens the replay. */
export const SNAPSHOTS_KEPT = 2;

/** Time as the writer needs it; the host brings it, tests and the fuzzer bring their own. */
export interface Pacer {
  /** Monotonic milliseconds. */
  nowMs(): number;
  /** Resolves after `delayMs`. */
  pause(delayMs: number): Promise<void>;
}
