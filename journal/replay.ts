/**
 * Replay: the entries of one subject, each checked against the previous one, so that no gap or flipped bit
 * passes.
 */
import { decodeEntry, hashEntry, type Entry } from './entry.ts';
import { JournalFailure } from './failure.ts';
import { NO_HASH, type EntryHash, type Subject } from './ids.ts';
import type { Journal, Revision, StoredEntry } from './port.ts';

/** Position of a reader in its subject: what the next entry must continue. */
export interface Tail {
  readonly revision: Revision;
  readonly seq: number;
  readonly hash: EntryHash;
}

export const EMPTY_TAIL: Tail = { revision: 0, seq: 0, hash: NO_HASH };

/** An entry and the tail after it. */
export interface ReplayedEntry {
  readonly entry: Entry;
  readonly tail: Tail;
  /** Length of the stored entry. */
  readonly bytes: number;
}

/**
 * Yields the entries after `from`, checked. Rejects with JOURNAL_CORRUPT for a wrong hash (of the stored
 * bytes, before any upcasting), a gap, or an epoch that decreases.
 */
export async function* replay(
  journal: Pick<Journal, 'read'>,
  subject: Subject,
  from: Tail = EMPTY_TAIL,
): AsyncGenerator<ReplayedEntry> {
  const check = new ChainCheck(subject, from);
  for await (const batch of journal.read(subject, from.revision)) {
    for (const stored of batch) yield check.next(stored);
  }
}

/** Checks the entries of one subject in order. */
export class ChainCheck {
  readonly #subject: Subject;
  #tail: Tail;
  #epoch = 0;

  constructor(subject: Subject, from: Tail = EMPTY_TAIL) {
    this.#subject = subject;
    this.#tail = from;
  }

  get tail(): Tail {
    return this.#tail;
  }

  /**
   * Throws the errors that `replay` rejects with.
   * @param decoded what the bytes say, if the caller has decoded them.
   */
  next({ revision, bytes }: StoredEntry, decoded?: Entry): ReplayedEntry {
    const where = `Entry ${this.#tail.seq + 1} of ${this.#subject} (revision ${revision})`;
    const entry = decoded ?? decodeEntry(bytes, where);
    checkContinues(entry, this.#tail, where, this.#epoch);
    this.#epoch = entry.epoch;
    this.#tail = { revision, seq: entry.seq, hash: hashEntry(bytes) };
    return { entry, tail: this.#tail, bytes: bytes.byteLength };
  }
}

function checkContinues(entry: Entry, tail: Tail, where: string, epoch: number): void {
  const problem =
    entry.seq !== tail.seq + 1
      ? `counts ${entry.seq} where ${tail.seq + 1} is due: entries are missing or out of order`
      : entry.prevHash !== tail.hash
        ? 'does not continue the entry before it: the hash of that one differs, so one of them was changed'
        : entry.epoch < epoch
          ? `belongs to epoch ${entry.epoch} although epoch ${epoch} had been claimed`
          : null;
  if (problem === null) return;
  throw new JournalFailure(
    'corrupt',
    `${where} ${problem}. The partition stops; restore the journal from a copy.`,
    {
      fields: { seq: entry.seq, expectedSeq: tail.seq + 1, revision: tail.revision },
    },
  );
}
