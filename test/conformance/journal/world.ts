/**
 * What an adapter's test file brings: places where its journal lives, and what can be done to it there from
 * outside.
 */
import type { Subject } from '../../../journal/ids.ts';
import type { Journal, Revision } from '../../../journal/port.ts';
import type { Tail } from '../../../journal/replay.ts';

/** A journal and the means to lose what its next append says. Each resolves when the loss has happened. */
export interface LossyJournal {
  readonly journal: Journal;
  /** The append takes effect, its acknowledgement never comes. */
  loseNextReply(): Promise<void>;
  /** The append never arrives. */
  loseNextRequest(): Promise<void>;
}

export interface JournalWorld extends AsyncDisposable {
  /** Opens the journal to append; the first call creates it. */
  open(): Promise<Journal>;
  /** A second writer beside the first: where an adapter knows one owner only, that owner's second hand. */
  openRival(): Promise<Journal>;
  /** As another process sees it that does not append. */
  openReader(): Promise<Journal>;
  openLossy(): Promise<LossyJournal>;
  /** Stores entries as they are, quickly. */
  store(subject: Subject, entries: readonly Uint8Array[]): Promise<void>;
  /**
   * Appends chained entries one after another while the process that stores them is killed in the middle.
   * Gives back the tails that were acknowledged, at least two.
   */
  appendThroughCrash(subject: Subject): Promise<readonly Tail[]>;
  /** Deletes the journal and makes a new one in its place. Journals opened before are closed. */
  recreate(): Promise<void>;
}

export type MakeWorld = () => Promise<JournalWorld>;

export function text(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}

/** The revision of an append that is meant to go well. */
export async function append(
  journal: Journal,
  subject: Subject,
  expected: Revision,
  bytes: Uint8Array,
): Promise<Revision> {
  const outcome = await journal.append(subject, expected, bytes);
  if (outcome.type !== 'appended') throw new Error(`not appended: ${JSON.stringify(outcome)}`);
  return outcome.revision;
}
