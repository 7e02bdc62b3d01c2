/**
 * One subject's writer: knows the tail, chains the entries and brings every append to a known end.
 *
 * An unknown outcome (time-out, lost reply) is answered by sending the identical bytes again until they are acknowledged, or
 * found in the subject (same hash: it took effect), or another writer's entry is found there (fenced). No message ids: they
 * behave differently on one server and on a cluster.
 *
 * A found own entry is adopted even where another writer's stands behind it: the append took effect before that ownership
 * began, and what follows from it is still due. The fence is met at the next append.
 */
import { decodeEntry, encodeEntry, ENTRY_MIN_READER, ENTRY_VERSION, hashEntry } from './entry.ts';
import { hasCode, TidemarkError } from './errors.ts';
import type { JournalEvent } from './events.ts';
import type { ClaimId, EntryHash, Subject } from './ids.ts';
import type { AppendOutcome, Journal, Pacer } from './port.ts';
import { replay, type Tail } from './replay.ts';

/**
 * For how long a conflict may report less than was acknowledged before it counts as a journal that lost its end, or more than can be read
 * before it counts as a damaged one.
 */
export const CONFLICT_STABLE_MS = 30_000;
const RETRY_FIRST_MS = 50;
const RETRY_LONGEST_MS = 2_000;

export interface WriterIdentity {
  readonly job: string;
  readonly topic: string;
  readonly partition: number;
  readonly epoch: number;
  readonly claimId: ClaimId;
}

export interface WriterOptions {
  readonly journal: Journal;
  readonly subject: Subject;
  readonly pacer: Pacer;
  /** Wall clock, ISO. */
  readonly timestamp: () => string;
  /** Told when the journal does not take an entry at once and it is sent again; for logs. */
  readonly onRetry?: (attempt: number, cause: unknown) => void;
}

type Conflict = Extract<AppendOutcome, { type: 'conflict' }>;

/** One append on its way: the same bytes at every attempt. */
interface Pending {
  readonly bytes: Uint8Array;
  readonly seq: number;
  readonly hash: EntryHash;
  /** True once an attempt may have taken effect without our knowing. */
  uncertain: boolean;
  /** Since when every answer was the same odd conflict. */
  odd: { readonly kind: OddConflict; readonly sinceMs: number } | null;
}

/** The journal reports less than was acknowledged, or an entry that it does not give. */
type OddConflict = 'lostEnd' | 'unreadable';

export class SubjectWriter {
  #tail: Tail;
  #appending = false;
  /** Why nothing more may be written: fenced, stopped, or an append given up with its outcome unknown. */
  #over: TidemarkError | null = null;
  readonly #options: WriterOptions;

  constructor(options: WriterOptions, tail: Tail) {
    this.#options = options;
    this.#tail = tail;
  }

  get tail(): Tail {
    return this.#tail;
  }

  /** Size in bytes of the entry that these events would make: for splitting before the append. */
  measure(identity: WriterIdentity, events: readonly JournalEvent[]): number {
    return this.#encode(identity, events).byteLength;
  }

  /**
   * Appends one entry and resolves with the new tail once it is durable. Rejects with FENCED where another writer was first,
   * JOURNAL_ENTRY_TOO_LARGE (nothing was written), JOURNAL_ROLLED_BACK where the subject lost its end. While the journal is
   * away it goes on trying, until `signal` aborts: then it rejects with the signal's reason. A writer whose append was given
   * up with an unknown outcome, or that was fenced or stopped, takes no further append: a new claim needs a new writer.
   */
  async append(
    identity: WriterIdentity,
    events: readonly JournalEvent[],
    signal?: AbortSignal,
  ): Promise<Tail> {
    if (this.#over !== null) throw this.#over;
    if (this.#appending) throw this.#bug('has an append in flight already');
    const bytes = this.#encode(identity, events);
    if (bytes.byteLength > this.#options.journal.entryBytesMax) throw this.#tooLarge(bytes.byteLength);
    this.#checkReadable(bytes);
    signal?.throwIfAborted();
    const pending: Pending = {
      bytes,
      seq: this.#tail.seq + 1,
      hash: hashEntry(bytes),
      uncertain: false,
      odd: null,
    };
    this.#appending = true;
    try {
      this.#tail = await this.#bringToEnd(pending, signal);
      return this.#tail;
    } catch (error) {
      this.#over = this.#whyOver(error, pending);
      throw error;
    } finally {
      this.#appending = false;
    }
  }

  async #bringToEnd(pending: Pending, signal: AbortSignal | undefined): Promise<Tail> {
    const { journal, subject, pacer } = this.#options;
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await this.#send(journal, subject, pending);
      if (outcome.type === 'appended')
        return { revision: outcome.revision, seq: pending.seq, hash: pending.hash };
      const found = await this.#afterFailure(outcome, pending);
      if (found !== null) return found;
      signal?.throwIfAborted();
      this.#options.onRetry?.(attempt, this.#reasonOf(outcome));
      const pauseMs = Math.min(RETRY_LONGEST_MS, RETRY_FIRST_MS * 2 ** Math.min(attempt - 1, 10));
      await pauseUnlessAborted(pacer, pauseMs, signal);
    }
  }

  async #send(journal: Journal, subject: Subject, pending: Pending): Promise<AppendOutcome> {
    try {
      return await journal.append(subject, this.#tail.revision, pending.bytes);
    } catch (error) {
      pending.uncertain = true;
      throw error;
    }
  }

  /** The tail where the append turns out to have taken effect; null where it is to be sent again. */
  async #afterFailure(
    outcome: Exclude<AppendOutcome, { type: 'appended' }>,
    pending: Pending,
  ): Promise<Tail | null> {
    switch (outcome.type) {
      case 'conflict': {
        const found = await this.#findConflicting(pending.hash);
        if (found !== 'away' && found !== 'nothing') return found;
        // A lost end is what the journal itself reports; that it gives no entry is known only where it can be read.
        const isLostEnd = outcome.lastRevision < this.#tail.revision;
        if (found === 'away' && !isLostEnd) pending.odd = null;
        else this.#checkOdd(outcome, pending);
        return null;
      }
      case 'unknown':
        pending.uncertain = true;
        pending.odd = null;
        return null;
      case 'refused':
        pending.odd = null;
        if (!outcome.retryable) throw this.#refusedForGood(outcome.cause);
        return null;
    }
  }

  /** The tail where the conflicting entry is our own; FENCED where it is another's. */
  async #findConflicting(ownHash: EntryHash): Promise<Tail | 'nothing' | 'away'> {
    const { journal, subject } = this.#options;
    try {
      for await (const { entry, tail } of replay(journal, subject, this.#tail)) {
        if (tail.hash === ownHash) return tail;
        throw new TidemarkError(
          'FENCED',
          `Another coordinator wrote entry ${entry.seq} of ${subject} (epoch ${entry.epoch}): this ownership is over.`,
          { fields: { seq: entry.seq, epoch: entry.epoch } },
        );
      }
    } catch (error) {
      if (hasCode(error, 'JOURNAL_UNAVAILABLE')) return 'away';
      throw error;
    }
    return 'nothing';
  }

  /** Rejects once the same odd conflict has stood for long enough that no server which is only behind explains it. */
  #checkOdd(conflict: Conflict, pending: Pending): void {
    const kind = conflict.lastRevision < this.#tail.revision ? 'lostEnd' : 'unreadable';
    const nowMs = this.#options.pacer.nowMs();
    if (pending.odd?.kind !== kind) pending.odd = { kind, sinceMs: nowMs };
    if (nowMs - pending.odd.sinceMs < CONFLICT_STABLE_MS) return;
    const { lastRevision, cause } = conflict;
    const fields = { lastRevision, acknowledgedRevision: this.#tail.revision, seq: this.#tail.seq };
    throw kind === 'lostEnd'
      ? new TidemarkError(
          'JOURNAL_ROLLED_BACK',
          `The journal lost the end of ${this.#options.subject}: ${this.#describe(conflict)} Restore the journal; nothing more is ` +
            'written.',
          { fields, cause },
        )
      : new TidemarkError(
          'JOURNAL_CORRUPT',
          `${this.#describe(conflict)} Its index is damaged: restore the journal from a copy.`,
          { fields, cause },
        );
  }

  /** What a conflict without a newer entry says, in words. */
  #describe({ lastRevision, cause }: Conflict): string {
    const { subject } = this.#options;
    const { revision, seq } = this.#tail;
    const found =
      lastRevision < revision
        ? `${subject} ends at revision ${lastRevision}, although entry ${seq} at ${revision} had been acknowledged.`
        : `The journal says that ${subject} ends at revision ${lastRevision}, but gives no entry behind ${revision}.`;
    return cause instanceof Error ? `${found} ${cause.message}` : found;
  }

  /** Why an entry is sent again: never without a reason. */
  #reasonOf(outcome: Exclude<AppendOutcome, { type: 'appended' }>): unknown {
    if (outcome.type !== 'conflict') return outcome.cause;
    return new TidemarkError('JOURNAL_UNAVAILABLE', this.#describe(outcome), {
      fields: { lastRevision: outcome.lastRevision, acknowledgedRevision: this.#tail.revision },
      cause: outcome.cause,
    });
  }

  /** What later appends are refused with, or null where it is certain that nothing was written and the ownership stands. */
  #whyOver(error: unknown, pending: Pending): TidemarkError | null {
    if (error instanceof TidemarkError && error.code !== 'JOURNAL_ENTRY_TOO_LARGE') return error;
    if (!pending.uncertain) return null;
    return new TidemarkError(
      'FENCED',
      `Entry ${pending.seq} of ${this.#options.subject} was given up with its outcome unknown: claim again before writing.`,
      { fields: { seq: pending.seq }, cause: error },
    );
  }

  #encode(identity: WriterIdentity, events: readonly JournalEvent[]): Uint8Array {
    const { job, topic, partition, epoch, claimId } = identity;
    return encodeEntry({
      v: ENTRY_VERSION,
      minReader: ENTRY_MIN_READER,
      job,
      topic,
      partition,
      epoch,
      claimId,
      seq: this.#tail.seq + 1,
      at: this.#options.timestamp(),
      prevHash: this.#tail.hash,
      events,
    });
  }

  /** An entry that no replay can read would stop its partition for good: found before it is written, it is only a bug. */
  #checkReadable(bytes: Uint8Array): void {
    try {
      decodeEntry(bytes, 'The entry');
    } catch (cause) {
      throw this.#bug('was given events that a replay could not read', cause);
    }
  }

  #bug(what: string, cause?: unknown): TidemarkError {
    return new TidemarkError(
      'INTERNAL',
      `The writer of ${this.#options.subject} ${what}. Nothing was written.`,
      {
        cause,
      },
    );
  }

  #refusedForGood(cause: unknown): TidemarkError {
    return new TidemarkError(
      'JOURNAL_ENTRY_TOO_LARGE',
      `The journal refuses entry ${this.#tail.seq + 1} of ${this.#options.subject} for good. See the cause.`,
      { cause },
    );
  }

  #tooLarge(bytes: number): TidemarkError {
    const max = this.#options.journal.entryBytesMax;
    return new TidemarkError(
      'JOURNAL_ENTRY_TOO_LARGE',
      `An entry of ${bytes} bytes for ${this.#options.subject} is over the journal's limit of ${max} bytes.`,
      { fields: { bytes, bytesMax: max } },
    );
  }
}

/** Waits `delayMs`; rejects with the signal's reason as soon as it aborts. */
async function pauseUnlessAborted(
  pacer: Pacer,
  delayMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (signal === undefined) return pacer.pause(delayMs);
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<undefined>();
  const onAbort = (): void => aborted.resolve(undefined);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.race([pacer.pause(delayMs), aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
  signal.throwIfAborted();
}
