/** The timeline of a whole job: the timelines of its subjects, merged by time. */
import { decodeEntry, type Entry } from '../../journal/entry.ts';
import type { JournalEvent } from '../../journal/events.ts';
import { partitionName, type JobName, type Subject, type TopicPartition } from '../../journal/ids.ts';
import type { Journal, StoredEntry } from '../../journal/port.ts';
import { ChainCheck } from '../../journal/replay.ts';
import { isRequestSubject } from '../../journal/backup/check.ts';
import { jobPrefix, partitionOf } from '../../journal/subjects.ts';
import { Timeline, type TimelineStep } from './timeline.ts';

/** A time (ISO), or the number of an entry in its subject. */
export type Moment =
  { readonly type: 'time'; readonly iso: string } | { readonly type: 'entry'; readonly seq: number };

/** Which steps are wanted; null means all. */
export interface TimelineFilter {
  readonly partition: TopicPartition | null;
  readonly bucket: string | null;
  /** Final URI, temporary URI, or the end of one from a `/` on. */
  readonly file: string | null;
  readonly event: JournalEvent['type'] | null;
  /** Both inclusive. */
  readonly from: Moment | null;
  readonly to: Moment | null;
}

export const EVERYTHING: TimelineFilter = {
  ...{ partition: null, bucket: null, file: null, event: null, from: null, to: null },
};

export interface ReplayOptions {
  readonly job: JobName;
  readonly filter: TimelineFilter;
  /** Resolves when it is time to look for new entries. Without it, the replay ends at the journal's end. */
  readonly follow?: () => Promise<void>;
  readonly signal?: AbortSignal;
}

/**
 * Yields the steps that are wanted, by the time of the writers' clocks; within a subject in its order.
 * Rejects with JOURNAL_CORRUPT or PROTOCOL_UNEXPECTED_EVENT at an entry that cannot be folded.
 */
export async function* replayJob(
  journal: Journal,
  { job, filter, follow, signal }: ReplayOptions,
): AsyncGenerator<TimelineStep> {
  const readers = new Map<Subject, SubjectReader>();
  for (;;) {
    for (const subject of await journal.subjects(jobPrefix(job))) {
      if (!readers.has(subject) && isWanted(subject, filter))
        readers.set(subject, new SubjectReader(journal, subject));
    }
    for await (const step of merged([...readers.values()])) {
      signal?.throwIfAborted();
      if (matches(step, filter)) yield step;
    }
    if (follow === undefined) return;
    await follow();
    signal?.throwIfAborted();
  }
}

/** Reads one subject, entry by entry, as far as it goes now. */
class SubjectReader {
  readonly #journal: Journal;
  readonly #subject: Subject;
  readonly #chain: ChainCheck;
  readonly #timeline: Timeline;
  #batches: AsyncIterator<readonly StoredEntry[]> | null = null;
  #batch: readonly StoredEntry[] = [];
  #at = 0;
  /** The entry at `#at`, decoded for its time. */
  #next: { readonly stored: StoredEntry; readonly entry: Entry } | null = null;

  constructor(journal: Journal, subject: Subject) {
    this.#journal = journal;
    this.#subject = subject;
    this.#chain = new ChainCheck(subject);
    this.#timeline = new Timeline(partitionOf(subject));
  }

  /** Time of the next entry; null at the end of the subject. */
  async nextAt(): Promise<string | null> {
    this.#batches ??= this.#journal.read(this.#subject, this.#chain.tail.revision)[Symbol.asyncIterator]();
    while (this.#at >= this.#batch.length) {
      const next = await this.#batches.next();
      if (next.done === true) {
        this.#batches = null;
        return null;
      }
      this.#batch = next.value;
      this.#at = 0;
    }
    const stored = this.#batch[this.#at];
    if (stored === undefined) return null;
    this.#next = { stored, entry: decodeEntry(stored.bytes, `An entry of ${this.#subject}`) };
    return this.#next.entry.at;
  }

  take(): readonly TimelineStep[] {
    if (this.#next === null) return [];
    const { stored, entry } = this.#next;
    this.#next = null;
    this.#at += 1;
    return this.#timeline.next(this.#chain.next(stored, entry).entry);
  }
}

async function* merged(readers: readonly SubjectReader[]): AsyncGenerator<TimelineStep> {
  const heads: { readonly reader: SubjectReader; at: string }[] = [];
  for (const reader of readers) {
    const at = await reader.nextAt();
    if (at !== null) heads.push({ reader, at });
  }
  while (heads.length > 0) {
    const first = heads.reduce((least, head) => (head.at < least.at ? head : least));
    yield* first.reader.take();
    const at = await first.reader.nextAt();
    if (at === null) heads.splice(heads.indexOf(first), 1);
    else first.at = at;
  }
}

function isWanted(subject: Subject, { partition, bucket, file }: TimelineFilter): boolean {
  if (isRequestSubject(subject)) return false;
  const found = partitionOf(subject);
  if (found === null) return partition === null && bucket === null && file === null;
  return partition === null || partitionName(found) === partitionName(partition);
}

function matches(step: TimelineStep, filter: TimelineFilter): boolean {
  const { bucket, file, event, from, to } = filter;
  if (event !== null && step.event !== event) return false;
  if (bucket !== null && step.part?.bucket !== bucket) return false;
  if (file !== null && !isOfFile(step, file)) return false;
  return (
    (from === null || compareToMoment(step, from) >= 0) && (to === null || compareToMoment(step, to) <= 0)
  );
}

/** Whether the step is about the file with this name. */
export function isOfFile({ part }: TimelineStep, name: string): boolean {
  if (part === null) return false;
  const names = [part.finalUri, part.temporaryUri, ...part.formerUris];
  return names.some((uri) => uri === name || uri.endsWith(`/${name.replace(/^\/+/, '')}`));
}

/** Negative if the entry is before the moment, 0 if it is at it. */
export function compareToMoment(
  { at, seq }: { readonly at: string; readonly seq: number },
  moment: Moment,
): number {
  if (moment.type === 'entry') return seq - moment.seq;
  return at === moment.iso ? 0 : at < moment.iso ? -1 : 1;
}
