/**
 * The journal in memory, for tests. It is deterministic and fails on command. Nothing here waits for a clock.
 *
 * The data is in a backing object: journals opened on the same backing are the same journal, as two processes
 * see it.
 */
import type { TidemarkError } from '../errors.ts';
import { JournalFailure } from '../failure.ts';
import { journalId, type JournalId, type Subject } from '../ids.ts';
import {
  SNAPSHOTS_KEPT,
  type AppendOutcome,
  type Journal,
  type Revision,
  type StoredEntry,
} from '../port.ts';

const ENTRY_BYTES_MAX = 1_000_000;
const READ_BATCH_ENTRIES = 1_000;

/**
 * Fault that an append meets.
 * - `replyLost`: it takes effect, but the caller learns nothing (`unknown`).
 * - `requestLost`: it has no effect, and the caller learns nothing (`unknown`).
 * - `late`: the caller learns nothing; it takes effect at `deliverLate`, if its expectation still holds then.
 * - `conflict`: refused although the subject has nothing newer; reports `lastRevision` (0 if omitted).
 * - `unavailable`: the journal is away (`unknown`), nothing is written.
 * - `full`: refused, may be retried. `refused`: refused for good.
 */
export type AppendFault =
  | { readonly type: 'replyLost' | 'requestLost' | 'late' | 'unavailable' | 'full' | 'refused' }
  | { readonly type: 'conflict'; readonly lastRevision?: Revision };

/**
 * Fault that a read meets: an outage at its start or after some entries, or a view that ends at a revision.
 */
export type ReadFault =
  | { readonly type: 'unavailable'; readonly afterEntries?: number }
  | { readonly type: 'stale'; readonly upTo: Revision };

export interface MemoryJournalOptions {
  readonly backing?: MemoryBacking;
  readonly entryBytesMax?: number;
  /** Entries per batch that `read` yields. */
  readonly readBatchEntries?: number;
  /** Called at every append and request; null lets it succeed. */
  readonly onAppend?: (subject: Subject, expected: Revision | null, bytes: Uint8Array) => AppendFault | null;
  /** Called at every read; null lets it succeed. */
  readonly onRead?: (subject: Subject, after: Revision) => ReadFault | null;
}

/**
 * Outlives the processes that use it. One counter serves all subjects, so that revisions have gaps as on a
 * stream.
 */
export interface MemoryBacking {
  readonly id: JournalId;
  readonly subjects: Map<Subject, StoredEntry[]>;
  /** Newest first. */
  readonly snapshots: Map<Subject, readonly Uint8Array[]>;
  lastRevision: Revision;
  readonly late: LateAppend[];
}

interface LateAppend {
  readonly subject: Subject;
  readonly expected: Revision | null;
  readonly bytes: Uint8Array;
}

export function createMemoryBacking(id: JournalId = journalId('memory-journal')): MemoryBacking {
  return { id, subjects: new Map(), snapshots: new Map(), lastRevision: 0, late: [] };
}

export function createMemoryJournal(options: MemoryJournalOptions = {}): MemoryJournal {
  return new MemoryJournal(options);
}

export class MemoryJournal implements Journal {
  readonly backing: MemoryBacking;
  readonly entryBytesMax: number;
  readonly #options: MemoryJournalOptions;
  #closed = false;

  constructor(options: MemoryJournalOptions) {
    this.#options = options;
    this.backing = options.backing ?? createMemoryBacking();
    this.entryBytesMax = options.entryBytesMax ?? ENTRY_BYTES_MAX;
  }

  get id(): JournalId {
    return this.backing.id;
  }

  async append(subject: Subject, expected: Revision, bytes: Uint8Array): Promise<AppendOutcome> {
    if (this.#closed) return { type: 'unknown', cause: unavailable('it is closed') };
    if (bytes.byteLength > this.entryBytesMax) return tooLarge(bytes.byteLength, this.entryBytesMax);
    const fault = this.#options.onAppend?.(subject, expected, bytes) ?? null;
    if (fault === null) return this.#apply(subject, expected, bytes);
    switch (fault.type) {
      case 'replyLost':
        this.#apply(subject, expected, bytes);
        return { type: 'unknown', cause: unavailable('the reply was lost') };
      case 'late':
        this.backing.late.push({ subject, expected, bytes: Uint8Array.from(bytes) });
        return { type: 'unknown', cause: unavailable('no reply in time') };
      case 'requestLost':
      case 'unavailable':
        return { type: 'unknown', cause: unavailable('it does not answer') };
      case 'conflict':
        return { type: 'conflict', lastRevision: fault.lastRevision ?? 0 };
      case 'full':
      case 'refused':
        return { type: 'refused', retryable: fault.type === 'full', cause: full() };
    }
  }

  async *read(subject: Subject, after: Revision): AsyncGenerator<readonly StoredEntry[]> {
    if (this.#closed) throw unavailable('it is closed');
    const fault = this.#options.onRead?.(subject, after) ?? null;
    const upTo = fault?.type === 'stale' ? fault.upTo : this.backing.lastRevision;
    let untilOutage = fault?.type === 'unavailable' ? (fault.afterEntries ?? 0) : Number.POSITIVE_INFINITY;
    const entries = (this.backing.subjects.get(subject) ?? []).filter(
      ({ revision }) => revision > after && revision <= upTo,
    );
    const size = this.#options.readBatchEntries ?? READ_BATCH_ENTRIES;
    for (let at = 0; at < entries.length && untilOutage > 0; at += size) {
      const batch = entries.slice(at, at + Math.min(size, untilOutage));
      untilOutage -= batch.length;
      yield batch.map(({ revision, bytes }) => ({ revision, bytes: Uint8Array.from(bytes) }));
    }
    if (fault?.type === 'unavailable') throw unavailable('it stopped answering');
  }

  async subjects(prefix: string): Promise<readonly Subject[]> {
    if (this.#closed) throw unavailable('it is closed');
    return [...this.backing.subjects.keys()].filter((subject) => subject.startsWith(prefix)).sort();
  }

  async fileRequest(subject: Subject, bytes: Uint8Array): Promise<Revision> {
    if (this.#closed) throw unavailable('it is closed');
    const fault = this.#options.onAppend?.(subject, null, bytes) ?? null;
    if (fault !== null) {
      if (fault.type === 'replyLost') this.#apply(subject, null, bytes);
      throw unavailable('it may or may not have taken the request');
    }
    return this.#store(subject, bytes);
  }

  requests(subject: Subject, after: Revision): AsyncIterable<readonly StoredEntry[]> {
    return this.read(subject, after);
  }

  async writeSnapshot(subject: Subject, bytes: Uint8Array): Promise<void> {
    if (this.#closed) throw unavailable('it is closed');
    const { snapshots } = this.backing;
    const before = snapshots.get(subject) ?? [];
    snapshots.set(subject, [Uint8Array.from(bytes), ...before].slice(0, SNAPSHOTS_KEPT));
  }

  async *snapshots(subject: Subject): AsyncGenerator<Uint8Array> {
    if (this.#closed) throw unavailable('it is closed');
    for (const bytes of this.backing.snapshots.get(subject) ?? []) yield Uint8Array.from(bytes);
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  /**
   * Delivers the `late` appends in the order in which they were sent. Those whose expectation no longer holds
   * have no effect.
   */
  deliverLate(): readonly AppendOutcome[] {
    return this.backing.late.splice(0).map((late) => this.#apply(late.subject, late.expected, late.bytes));
  }

  /** Removes every entry after `revision` from the subject, as a disk that lied about a write does. */
  loseEnd(subject: Subject, revision: Revision): void {
    const entries = this.backing.subjects.get(subject) ?? [];
    this.backing.subjects.set(
      subject,
      entries.filter((entry) => entry.revision <= revision),
    );
  }

  #apply(subject: Subject, expected: Revision | null, bytes: Uint8Array): AppendOutcome {
    const lastRevision = this.backing.subjects.get(subject)?.at(-1)?.revision ?? 0;
    if (expected !== null && lastRevision !== expected) return { type: 'conflict', lastRevision };
    return { type: 'appended', revision: this.#store(subject, bytes) };
  }

  #store(subject: Subject, bytes: Uint8Array): Revision {
    const entries = this.backing.subjects.get(subject) ?? [];
    this.backing.lastRevision += 1;
    entries.push({ revision: this.backing.lastRevision, bytes: Uint8Array.from(bytes) });
    this.backing.subjects.set(subject, entries);
    return this.backing.lastRevision;
  }
}

function unavailable(why: string): TidemarkError {
  return new JournalFailure('unavailable', `The journal in memory does not answer: ${why}.`);
}

function full(): TidemarkError {
  return new JournalFailure('full', 'The journal in memory was told to refuse appends.');
}

function tooLarge(bytes: number, max: number): AppendOutcome {
  const cause = new JournalFailure('entryTooLarge', `${bytes} bytes are over the limit of ${max}.`);
  return { type: 'refused', retryable: false, cause };
}
