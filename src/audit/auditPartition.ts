/** Audits one partition: its entries in order, its snapshots, its witnesses, its files. */
import { isDeepStrictEqual } from 'node:util';
import { FOLD_VERSION } from '../../actors/ledger.ts';
import { asTidemarkError } from '../../journal/errors.ts';
import type { Subject, TopicPartition } from '../../journal/ids.ts';
import type { Journal, StoredEntry } from '../../journal/port.ts';
import { ChainCheck, type ReplayedEntry, type Tail } from '../../journal/replay.ts';
import { decodeSnapshot, type Snapshot } from '../../journal/snapshot.ts';
import type { Destination } from './destination.ts';
import type { Findings } from './findings.ts';
import { report, type OpenDifference, type PartFileComparison } from './partFileComparison.ts';
import { PartitionHistory, type CommittedPart } from './partitionHistory.ts';
import type { Witnesses } from './witnesses.ts';

export interface Auditing {
  readonly journal: Journal;
  readonly subject: Subject;
  readonly partition: TopicPartition;
  /** Null if they could not be read. */
  readonly witnesses: Witnesses | null;
  readonly destination: Destination;
  readonly files: PartFileComparison;
  readonly findings: Findings;
  readonly onEntries: (count: number) => void;
}

export interface AuditedPartition {
  /** Up to the journal's end, or up to the first entry that cannot be replayed. */
  readonly history: PartitionHistory;
  readonly isReadable: boolean;
}

export async function auditPartition(auditing: Auditing): Promise<AuditedPartition> {
  const reader = new PartitionReader(auditing, await snapshotsOf(auditing));
  await reader.readOn();
  if (!reader.isReadable) return reader;
  auditing.witnesses?.judge(reader.tail, auditing.journal.id, reader.history);
  await auditing.files.idle();
  await compareOpenFiles(auditing.files, reader);
  for (const { finalUri } of reader.history.parts) auditing.destination.accountsFor(finalUri);
  return reader;
}

/**
 * The owner may change files between the journal and the look at them. A file that differs is therefore looked at
 * again with the journal's then end, until the journal says the same of it as before.
 */
async function compareOpenFiles(files: PartFileComparison, reader: PartitionReader): Promise<void> {
  let before: ReadonlySet<string> = new Set();
  for (;;) {
    const differences = await files.open(reader.history.ledger);
    const confirmed = differences.filter((each) => before.has(keyOf(each)));
    const hasMore = differences.length > confirmed.length && (await reader.readOn());
    if (!hasMore) {
      for (const each of differences) report(each, reader.history, null);
      return;
    }
    before = new Set(differences.map(keyOf));
  }
}

const keyOf = ({ difference, journaled }: OpenDifference): string => `${difference.uri} ${journaled}`;

/** Reads a partition's entries into its history, as far as the journal goes now. */
class PartitionReader {
  readonly history: PartitionHistory;
  /** False from the first entry on that cannot be replayed. */
  isReadable = true;
  #held: ReplayedEntry | null = null;
  readonly #auditing: Auditing;
  readonly #chain: ChainCheck;
  readonly #snapshots: ReadonlyMap<number, Snapshot>;
  readonly #committed: CommittedPart[] = [];

  constructor(auditing: Auditing, snapshots: ReadonlyMap<number, Snapshot>) {
    const { partition, subject, findings } = auditing;
    this.#auditing = auditing;
    this.#snapshots = snapshots;
    this.#chain = new ChainCheck(subject);
    this.history = new PartitionHistory({
      ...{ partition, subject },
      onFinding: (finding) => findings.add(finding),
      onCommitted: (file) => this.#committed.push(file),
    });
  }

  get tail(): Tail {
    return this.#chain.tail;
  }

  /** Whether there was more to read. */
  async readOn(): Promise<boolean> {
    const { journal, subject, onEntries } = this.#auditing;
    const fromSeq = this.tail.seq;
    for await (const batch of journal.read(subject, this.tail.revision)) {
      for (const stored of batch) if (this.isReadable) this.#next(stored);
      onEntries(batch.length);
      await this.#compareCommitted();
      if (!this.isReadable) return true;
    }
    this.#foldHeld();
    await this.#compareCommitted();
    return this.tail.seq > fromSeq;
  }

  /**
   * An entry is folded when the next one has confirmed it: that one holds its hash. So a changed entry is found as
   * that, and not by what it leads to.
   */
  #next(stored: StoredEntry): void {
    let replayed;
    try {
      replayed = this.#chain.next(stored);
    } catch (error) {
      const { message } = asTidemarkError(error, 'Reading the entry');
      this.history.found('ENTRY_DAMAGED', message, { uri: null, seq: this.tail.seq + 1 });
      this.isReadable = false;
      return;
    }
    this.#foldHeld();
    this.#held = replayed;
  }

  #foldHeld(): void {
    const held = this.#held;
    if (held === null || !this.isReadable) return;
    this.#held = null;
    this.isReadable = this.history.next(held);
    if (!this.isReadable) return;
    this.#auditing.witnesses?.see(held.tail, this.history);
    const snapshot = this.#snapshots.get(held.tail.seq);
    if (snapshot !== undefined) checkSnapshot(snapshot, held.tail, this.history);
  }

  async #compareCommitted(): Promise<void> {
    const { destination, files } = this.#auditing;
    for (const file of this.#committed.splice(0)) {
      destination.accountsFor(file.part.finalUri);
      await files.committed(file, this.history);
    }
  }
}

/** By the entry that each ends with. Only those of this journal and of this version's fold can be compared. */
async function snapshotsOf({ journal, subject, findings }: Auditing): Promise<ReadonlyMap<number, Snapshot>> {
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
