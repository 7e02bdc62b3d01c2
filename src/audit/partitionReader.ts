/**
 * Reads a partition's entries into its history, as far as the journal goes now, and compares snapshots with
 * it.
 */
import { isDeepStrictEqual } from 'node:util';
import { FOLD_VERSION } from '../../actors/ledger.ts';
import type { Entry } from '../../journal/entry.ts';
import { asTidemarkError } from '../../journal/errors.ts';
import { isJournalFailure } from '../../journal/failure.ts';
import { partitionName, type Subject, type TopicPartition } from '../../journal/ids.ts';
import type { JournalReader, StoredEntry } from '../../journal/port.ts';
import { ChainCheck, type ReplayedEntry, type Tail } from '../../journal/replay.ts';
import { decodeSnapshot, type Snapshot } from '../../journal/snapshot.ts';
import type { Findings } from './findings.ts';
import { PartitionHistory, type CommittedPart } from './partitionHistory.ts';

export interface PartitionReading {
  readonly journal: JournalReader;
  readonly subject: Subject;
  readonly partition: TopicPartition;
  readonly findings: Findings;
  readonly onEntries: (count: number) => void;
}

/** What happens beside reading. */
export interface ReadingHooks {
  /** Called after each entry, in order. */
  readonly onFolded: (tail: Tail, history: PartitionHistory, entry: Entry) => void;
  /** Called after each batch, with the files that it has committed. */
  readonly onCommitted: (files: readonly CommittedPart[], history: PartitionHistory) => Promise<void>;
}

const NO_HOOKS: ReadingHooks = { onFolded: () => undefined, onCommitted: () => Promise.resolve() };

export class PartitionReader {
  readonly history: PartitionHistory;
  /** False from the first entry on that cannot be replayed. */
  isReadable = true;
  #held: ReplayedEntry | null = null;
  readonly #reading: PartitionReading;
  readonly #hooks: ReadingHooks;
  readonly #chain: ChainCheck;
  readonly #snapshots: ReadonlyMap<number, Snapshot>;
  readonly #committed: CommittedPart[] = [];

  private constructor(
    reading: PartitionReading,
    hooks: ReadingHooks,
    snapshots: ReadonlyMap<number, Snapshot>,
  ) {
    const { partition, subject, findings } = reading;
    this.#reading = reading;
    this.#hooks = hooks;
    this.#snapshots = snapshots;
    this.#chain = new ChainCheck(subject);
    this.history = new PartitionHistory({
      ...{ partition, subject },
      onFinding: (finding) => findings.add(finding),
      onCommitted: (file) => this.#committed.push(file),
    });
  }

  /** A reader that has read up to the journal's end, or to the first entry that cannot be replayed. */
  static async atEnd(reading: PartitionReading, hooks: ReadingHooks = NO_HOOKS): Promise<PartitionReader> {
    const reader = new PartitionReader(reading, hooks, await snapshotsOf(reading));
    await reader.readOn();
    return reader;
  }

  get tail(): Tail {
    return this.#chain.tail;
  }

  /** Whether there was more to read. */
  async readOn(): Promise<boolean> {
    if (!this.isReadable) return false;
    let hadMore = true;
    try {
      hadMore = await this.#readBatches();
    } catch (error) {
      if (!isJournalFailure(error, 'corrupt')) throw error;
      this.#unreadable(error);
    }
    this.#foldHeld();
    await this.#hooks.onCommitted(this.#committed.splice(0), this.history);
    return hadMore;
  }

  async #readBatches(): Promise<boolean> {
    let hadMore = false;
    const { journal, subject, onEntries } = this.#reading;
    for await (const batch of journal.read(subject, this.tail.revision)) {
      hadMore ||= batch.length > 0;
      for (const stored of batch) if (this.isReadable) this.#next(stored);
      onEntries(batch.length);
      await this.#hooks.onCommitted(this.#committed.splice(0), this.history);
      if (!this.isReadable) break;
    }
    return hadMore;
  }

  /**
   * An entry is folded when the next one has confirmed it: that one holds its hash. So a changed entry is
   * found as that, and not by what it leads to.
   */
  #next(stored: StoredEntry): void {
    let replayed;
    try {
      replayed = this.#chain.next(stored);
    } catch (error) {
      this.#unreadable(error);
      return;
    }
    this.#foldHeld();
    this.#held = replayed;
  }

  #unreadable(error: unknown): void {
    this.isReadable = false;
    const { partition, findings } = this.#reading;
    const seq = this.tail.seq + 1;
    if (isJournalFailure(error, 'newer')) {
      findings.couldNot(`the entries of ${partitionName(partition)} from ${seq} on`, error);
      return;
    }
    const { message } = asTidemarkError(error, 'Reading the entry');
    this.history.found('ENTRY_DAMAGED', message, { uri: null, seq });
  }

  #foldHeld(): void {
    const held = this.#held;
    if (held === null || !this.isReadable) return;
    this.#held = null;
    this.isReadable = this.history.next(held);
    if (!this.isReadable) return;
    this.#hooks.onFolded(held.tail, this.history, held.entry);
    const snapshot = this.#snapshots.get(held.tail.seq);
    if (snapshot !== undefined) checkSnapshot(snapshot, held.tail, this.history);
  }
}

/**
 * By the entry that each ends with. Only those of this journal and of this version's fold can be compared.
 */
async function snapshotsOf({
  journal,
  subject,
  findings,
}: PartitionReading): Promise<ReadonlyMap<number, Snapshot>> {
  const found = new Map<number, Snapshot>();
  try {
    for await (const bytes of journal.snapshots(subject)) {
      const snapshot = decodeSnapshot(bytes);
      const isOwn = snapshot?.journalId === journal.id && snapshot.subject === subject;
      if (isOwn && snapshot.foldVersion === FOLD_VERSION) found.set(snapshot.tail.seq, snapshot);
    }
  } catch (error) {
    findings.couldNot(`the snapshots of ${subject}`, error);
  }
  return found;
}

/** A snapshot of another branch of the journal is never used, so it does no harm. */
function checkSnapshot({ tail, state }: Snapshot, { seq, hash }: Tail, history: PartitionHistory): void {
  if (tail.hash !== hash || isDeepStrictEqual(state, history.ledger.capture())) return;
  const message = `the snapshot of entry ${seq} holds another state than its entries lead to`;
  history.found('SNAPSHOT_DIFFERS', message);
}
