/**
 * One subject's writer: knows the tail, chains the entries and brings every append to a known outcome.
 *
 * After an unknown outcome (time-out, lost reply), it sends the identical bytes again until they are
 * acknowledged, or are found in the subject (same hash: the append took effect), or another writer's entry is
 * found there (fenced). No message ids: they behave differently on a single server and on a cluster.
 *
 * An own entry that is found is adopted even if another writer's entry follows: the append took effect before
 * that ownership began, and its consequences are still due. The next append meets the fence.
 */
import { decodeEntry, encodeEntry, hashEntry } from './entry.ts';
import { formatOfEvents } from './entryFormats.ts';
import { TidemarkError } from './errors.ts';
import { isJournalFailure, JournalFailure } from './failure.ts';
import type { JournalEvent } from './events.ts';
import type { ClaimId, EntryHash, Subject } from './ids.ts';
import type { AppendOutcome, Journal, Pacer } from './port.ts';
import { replay, type Tail } from './replay.ts';

/**
 * How long a conflict may report less than was acknowledged before the journal counts as having lost its end,
 * or more than can be read before it counts as damaged.
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
  /** Called when the journal does not take an entry at once and it is sent again; for logs. */
  readonly onRetry?: (attempt: number, cause: unknown) => void;
}

type Conflict = Extract<AppendOutcome, { type: 'conflict' }>;

/** An append in progress: the same bytes at every attempt. */
interface Pending {
  readonly bytes: Uint8Array;
  readonly seq: number;
  readonly hash: EntryHash;
  /** True after an attempt may have taken effect without our knowledge. */
  uncertain: boolean;
  /** Since when every answer has been the same odd conflict. */
  odd: { readonly kind: OddConflict; readonly sinceMs: number } | null;
}

/** The journal reports less than was acknowledged, or an entry that it does not return. */
type OddConflict = 'lostEnd' | 'unreadable';

export class SubjectWriter {
  #tail: Tail;
  #appending = false;
  /** Why no more may be written: fenced, stopped, or an append given up with an unknown outcome. */
  #over: TidemarkError | null = null;
  readonly #options: WriterOptions;

  constructor(options: WriterOptions, tail: Tail) {
    this.#options = options;
    this.#tail = tail;
  }

  get tail(): Tail {
    return this.#tail;
  }

  /** Size in bytes of an entry with these events; used to split before the append. */
  measure(identity: WriterIdentity, events: readonly JournalEvent[]): number {
    return this.#encode(identity, events).byteLength;
  }

  /**
   * Appends one entry and resolves with the new tail after it is durable. Rejects with FENCED if another
   * writer was first, JOURNAL_ENTRY_TOO_LARGE (nothing was written), JOURNAL_ROLLED_BACK if the subject lost
   * its end. While the journal is away, it retries until `signal` aborts; then it rejects with the signal's
   * reason. A writer that gave up an append with an unknown outcome, or was fenced or stopped, takes no
   * further append: a new claim needs a new writer.
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

  /** The tail if the append turns out to have taken effect; null if it must be sent again. */
  async #afterFailure(
    outcome: Exclude<AppendOutcome, { type: 'appended' }>,
    pending: Pending,
  ): Promise<Tail | null> {
    switch (outcome.type) {
      case 'conflict': {
        const found = await this.#findConflicting(pending.hash);
        if (found !== 'away' && found !== 'nothing') return found;
        // The journal itself reports a lost end. That it returns no entry is known only if it can be read.
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

  /** The tail if the conflicting entry is our own. Rejects with FENCED if it is another writer's. */
  async #findConflicting(ownHash: EntryHash): Promise<Tail | 'nothing' | 'away'> {
    const { journal, subject } = this.#options;
    try {
      for await (const { entry, tail } of replay(journal, subject, this.#tail)) {
        if (tail.hash === ownHash) return tail;
        throw new TidemarkError(
          'FENCED',
          `Another coordinator wrote entry ${entry.seq} of ${subject} (epoch ${entry.epoch}): this ` +
            'ownership is over.',
          { fields: { seq: entry.seq, epoch: entry.epoch } },
        );
      }
    } catch (error) {
      if (isJournalFailure(error, 'unavailable')) return 'away';
      throw error;
    }
    return 'nothing';
  }

  /** Throws when the same odd conflict has lasted so long that a server that is behind cannot explain it. */
  #checkOdd(conflict: Conflict, pending: Pending): void {
    const kind = conflict.lastRevision < this.#tail.revision ? 'lostEnd' : 'unreadable';
    const nowMs = this.#options.pacer.nowMs();
    if (pending.odd?.kind !== kind) pending.odd = { kind, sinceMs: nowMs };
    if (nowMs - pending.odd.sinceMs < CONFLICT_STABLE_MS) return;
    const { lastRevision, cause } = conflict;
    const fields = { lastRevision, acknowledgedRevision: this.#tail.revision, seq: this.#tail.seq };
    throw kind === 'lostEnd'
      ? new JournalFailure(
          'rolledBack',
          `The journal lost the end of ${this.#options.subject}: ${this.#describe(conflict)} Restore ` +
            'the journal; nothing more is written.',
          { fields, cause },
        )
      : new JournalFailure(
          'corrupt',
          `${this.#describe(conflict)} Its index is damaged: restore the journal from a copy.`,
          { fields, cause },
        );
  }

  /** Describes a conflict without a newer entry, in words. */
  #describe({ lastRevision, cause }: Conflict): string {
    const { subject } = this.#options;
    const { revision, seq } = this.#tail;
    const found =
      lastRevision < revision
        ? `${subject} ends at revision ${lastRevision}, although entry ${seq} at ${revision} had been ` +
          'acknowledged.'
        : `The journal says that ${subject} ends at revision ${lastRevision}, but gives no entry ` +
          `behind ${revision}.`;
    return cause instanceof Error ? `${found} ${cause.message}` : found;
  }

  /** Why an entry is sent again; there is always a reason. */
  #reasonOf(outcome: Exclude<AppendOutcome, { type: 'appended' }>): unknown {
    if (outcome.type !== 'conflict') return outcome.cause;
    return new JournalFailure('unavailable', this.#describe(outcome), {
      fields: { lastRevision: outcome.lastRevision, acknowledgedRevision: this.#tail.revision },
      cause: outcome.cause,
    });
  }

  /**
   * The error that refuses later appends; null if certainly nothing was written and the ownership still
   * holds.
   */
  #whyOver(error: unknown, pending: Pending): TidemarkError | null {
    if (error instanceof TidemarkError && !isJournalFailure(error, 'entryTooLarge')) return error;
    if (!pending.uncertain) return null;
    return new TidemarkError(
      'FENCED',
      `Entry ${pending.seq} of ${this.#options.subject} was given up with its outcome unknown: claim ` +
        'again before writing.',
      { fields: { seq: pending.seq }, cause: error },
    );
  }

  #encode(identity: WriterIdentity, events: readonly JournalEvent[]): Uint8Array {
    const { job, topic, partition, epoch, claimId } = identity;
    const format = formatOfEvents(events);
    return encodeEntry({
      v: format,
      minReader: format,
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

  /**
   * An entry that no replay can read would stop its partition for good. Found before it is written, it is
   * only a bug.
   */
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
    return new JournalFailure(
      'entryTooLarge',
      `The journal refuses entry ${this.#tail.seq + 1} of ${this.#options.subject} for good. See the cause.`,
      { cause },
    );
  }

  #tooLarge(bytes: number): TidemarkError {
    const max = this.#options.journal.entryBytesMax;
    return new JournalFailure(
      'entryTooLarge',
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
