/** Audits one partition: its entries in order, its snapshots, its witnesses, its files. */
import { isDeepStrictEqual } from 'node:util';
import { FOLD_VERSION } from '../../actors/ledger.ts';
import { asTidemarkError } from '../../journal/errors.ts';
import type { Subject, TopicPartition } from '../../journal/ids.ts';
import type { Journal } from '../../journal/port.ts';
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

/** The history up to the journal's end, or up to the first entry that cannot be folded. */
export async function auditPartition(auditing: Auditing): Promise<PartitionHistory> {
  const reader = new PartitionReader(auditing, await snapshotsOf(auditing));
  await reader.readOn();
  if (!reader.isReadable) return reader.history;
  auditing.witnesses?.judge(reader.tail, auditing.journal.id, reader.history);
  await auditing.files.idle();
  await compareOpenFiles(auditing.files, reader);
  for (const { finalUri } of reader.history.parts) auditing.destination.accountsFor(finalUri);
  return reader.history;
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
  isReadable = true;
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
      for (const stored of batch) {
        if (!this.#next(() => this.#chain.next(stored))) this.isReadable = false;
        if (!this.isReadable) break;
      }
      onEntries(batch.length);
      await this.#compareCommitted();
      if (!this.isReadable) break;
    }
    return this.tail.seq > fromSeq;
  }

  /** False if what follows cannot be judged. */
  #next(read: () => ReplayedEntry): boolean {
    let replayed;
    try {
      replayed = read();
    } catch (error) {
      const { message } = asTidemarkError(error, 'Reading the entry');
      this.history.found('ENTRY_DAMAGED', message, { uri: null, seq: this.tail.seq + 1 });
      return false;
    }
    if (!this.history.next(replayed)) return false;
    this.#auditing.witnesses?.see(replayed.tail, this.history);
    const snapshot = this.#snapshots.get(replayed.tail.seq);
    if (snapshot !== undefined) checkSnapshot(snapshot, replayed.tail, this.history);
    return true;
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
