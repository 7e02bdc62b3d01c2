/**
 * The entries that this coordinator appends, for whoever follows them. Costs a number for each append, and
 * nothing else while nobody listens.
 *
 * An event's id is a revision of the journal below or at which every entry of this coordinator has been
 * offered. So a client that resumes after it misses none. It may see some again: appends of several
 * partitions are under way at once, and are acknowledged in any order.
 */
import type { Subject } from '../../journal/ids.ts';
import type { AppendOutcome, Journal, Revision } from '../../journal/port.ts';
import type { AppendListener, OfferedEntry } from '../job/context.ts';

export interface OfferedEvent {
  readonly subject: Subject;
  readonly revision: Revision;
  /** Revision of the entry before it in its subject. */
  readonly after: Revision;
  readonly bytes: Uint8Array;
  /** Every entry up to this revision was offered, this one or an earlier one being the last. */
  readonly safeRevision: Revision;
}

export interface EventClient {
  offer(event: OfferedEvent): void;
  end(): void;
}

/** What a client reads that comes back. */
export interface EventHistory {
  readonly journal: Pick<Journal, 'read'>;
  /** The job's own, and those of the partitions that this coordinator has. */
  readonly subjects: () => readonly Subject[];
}

interface UnderWay {
  /** The entry's revision will be higher. */
  readonly floor: Revision;
  /** It may have been written although nobody was told. */
  isUncertain: boolean;
}

const CLIENTS_MAX = 16;

export class EventHub implements AppendListener {
  /** Null until the journal is open. */
  history: EventHistory | null = null;
  readonly #underWay = new Map<Subject, UnderWay>();
  readonly #clients = new Set<EventClient>();
  #acknowledged: Revision = 0;
  #isOver = false;

  begun(subject: Subject, after: Revision): void {
    if (this.#underWay.has(subject)) return;
    this.#underWay.set(subject, { floor: Math.max(this.#acknowledged, after), isUncertain: false });
  }

  ended({ subject, after, bytes }: OfferedEntry, outcome: AppendOutcome | null): void {
    const append = this.#underWay.get(subject);
    if (outcome === null || outcome.type === 'unknown') {
      if (append !== undefined) append.isUncertain = true;
      return;
    }
    if (outcome.type !== 'appended') {
      // An earlier try may have been written: only the next entry, which follows it, tells.
      if (append?.isUncertain !== true) this.#underWay.delete(subject);
      return;
    }
    this.#underWay.delete(subject);
    const { revision } = outcome;
    this.#acknowledged = Math.max(this.#acknowledged, revision);
    if (this.#clients.size === 0) return;
    const event: OfferedEvent = { subject, revision, after, bytes, safeRevision: this.safeRevision };
    for (const client of this.#clients) client.offer(event);
  }

  /** Never goes back. */
  get safeRevision(): Revision {
    let safe = this.#acknowledged;
    for (const { floor } of this.#underWay.values()) safe = Math.min(safe, floor);
    return safe;
  }

  get isFull(): boolean {
    return this.#clients.size >= CLIENTS_MAX;
  }

  /** Returns the function that leaves again. */
  join(client: EventClient): () => void {
    if (this.#isOver) client.end();
    else this.#clients.add(client);
    return () => void this.#clients.delete(client);
  }

  end(): void {
    this.#isOver = true;
    for (const client of this.#clients) client.end();
    this.#clients.clear();
  }
}
