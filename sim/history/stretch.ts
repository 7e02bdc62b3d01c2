/** The stretch of a partition's journal around a moment: the entries that a schedule is made from. */
import { TidemarkError } from '../../journal/errors.ts';
import type { Entry } from '../../journal/entry.ts';
import type { JournalEvent } from '../../journal/events.ts';
import { compareToMoment, type Moment } from '../../src/audit/replayJob.ts';

/** Entries before and behind the moment: a schedule of a few seconds. */
const BEFORE = 60;
const BEHIND = 30;

/** An entry, and what is known of its partition right before it. */
export interface StretchEntry {
  readonly entry: Entry;
  /** Of the writer's clock, milliseconds since the epoch. */
  readonly atMs: number;
  /** `host:pid`; its claim's id where the claim names no process. */
  readonly owner: string;
  /** Null before the first claim. */
  readonly nextOffset: bigint | null;
  /** Kafka's leader epoch of the last checkpoint; null if none is known. */
  readonly leaderEpoch: number | null;
}

export interface Stretch {
  /** At least one, in the order of the journal. */
  readonly entries: readonly StretchEntry[];
  /** The index of the entry that it is about. */
  readonly around: number;
  /** When coordinators of the job have ended, and said so. */
  readonly jobEndsMs: readonly number[];
}

export interface ReadStretch {
  /** Of the job, then of the partition. */
  readonly entries: AsyncIterable<Entry>;
  /** Null: the last claim or stop. */
  readonly around: Moment | null;
  /** For messages. */
  readonly partition: string;
}

/** Rejects with REQUEST_REFUSED if the journal of the partition is empty, or does not reach the moment. */
export async function readStretch({ entries, around, partition }: ReadStretch): Promise<Stretch> {
  const window = new Window(around);
  const jobEndsMs: number[] = [];
  for await (const entry of entries) {
    if (entry.partition >= 0) window.take(entry);
    else if (entry.events.some(({ type }) => type === 'jobStopped')) jobEndsMs.push(Date.parse(entry.at));
  }
  return { ...window.stretch(partition), jobEndsMs };
}

/** Keeps only as many entries as the stretch needs, however long the journal is. */
class Window {
  readonly #around: Moment | null;
  readonly #latest: StretchEntry[] = [];
  #found: { readonly entries: StretchEntry[]; readonly around: number } | null = null;
  #first: Entry | null = null;
  #owner = '';
  #nextOffset: bigint | null = null;
  #leaderEpoch: number | null = null;

  constructor(around: Moment | null) {
    this.#around = around;
  }

  take(entry: Entry): void {
    this.#first ??= entry;
    for (const event of entry.events)
      if (event.type === 'epochClaimed') this.#owner = event.owner ?? event.claimId;
    const { atMs, ...before } = { atMs: Date.parse(entry.at), owner: this.#owner };
    const one = { entry, atMs, ...before, nextOffset: this.#nextOffset, leaderEpoch: this.#leaderEpoch };
    this.#latest.push(one);
    if (this.#latest.length > BEFORE + 1) this.#latest.shift();
    if (this.#isAround(entry)) this.#found = { entries: [...this.#latest], around: this.#latest.length - 1 };
    else if (this.#found !== null && this.#found.entries.length <= this.#found.around + BEHIND)
      this.#found.entries.push(one);
    for (const event of entry.events) this.#follow(event);
  }

  #isAround(entry: Entry): boolean {
    if (this.#around === null) return entry.events.some(isClaimOrStop);
    const order = compareToMoment(entry, this.#around);
    return this.#around.type === 'entry' ? order === 0 : order <= 0;
  }

  #follow(event: JournalEvent): void {
    this.#nextOffset = nextOffsetAfter(event, this.#nextOffset);
    if (event.type === 'checkpointCompleted') this.#leaderEpoch = event.leaderEpoch ?? this.#leaderEpoch;
    // What was accepted tells of the new leader epoch already.
    if (event.type === 'logTruncationAccepted') this.#leaderEpoch = null;
  }

  stretch(partition: string): Omit<Stretch, 'jobEndsMs'> {
    const last = this.#latest.at(-1)?.entry;
    if (this.#first === null || last === undefined) throw refused(`The journal of ${partition} is empty.`);
    const holds =
      `It holds entries ${this.#first.seq} to ${last.seq}, ` + `from ${this.#first.at} to ${last.at}.`;
    const isBehind = this.#around?.type === 'time' && compareToMoment(last, this.#around) < 0;
    if (this.#found === null || isBehind)
      throw refused(`${momentText(this.#around)} is outside of the journal of ${partition}. ${holds}`);
    return this.#found;
  }
}

function isClaimOrStop({ type }: JournalEvent): boolean {
  return type === 'epochClaimed' || type === 'partitionStopped';
}

/** Where reading goes on behind the event. */
export function nextOffsetAfter(event: JournalEvent, before: bigint | null): bigint | null {
  switch (event.type) {
    case 'epochClaimed':
      return before ?? event.startOffset;
    case 'checkpointCompleted':
    case 'partitionRewound':
      return event.nextOffset;
    case 'lossAccepted':
      return event.toOffset;
    case 'logTruncationAccepted':
      return event.divergedAt;
    case 'witnessAnswered':
      return event.loss?.toOffset ?? before;
    default:
      return before;
  }
}

function momentText(moment: Moment | null): string {
  if (moment === null) return 'A claim';
  return moment.type === 'entry' ? `Entry ${moment.seq}` : moment.iso;
}

function refused(message: string): TidemarkError {
  return new TidemarkError('REQUEST_REFUSED', message);
}
