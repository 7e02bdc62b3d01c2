/**
 * Replays a partition's state from its journal: the newest snapshot that is proven to match an entry of this
 * journal, and the fold of the entries after it; or the fold of all entries.
 */
import { FOLD_VERSION, PartitionLedger, type LedgerFacts } from '../../actors/ledger.ts';
import type { OnStep } from '../../actors/step.ts';
import { decodeEntry, hashEntry, type Entry } from '../../journal/entry.ts';
import { asFailureOfFold, isJournalFailure, JournalFailure } from '../../journal/failure.ts';
import { isJobEvent, type JournalEvent, type PartitionEvent } from '../../journal/events.ts';
import { partitionName, type EntryHash, type Subject, type TopicPartition } from '../../journal/ids.ts';
import type { JournalReader, Revision } from '../../journal/port.ts';
import { EMPTY_TAIL, replay, type Tail } from '../../journal/replay.ts';
import { decodeSnapshot } from '../../journal/snapshot.ts';
import type { Log } from '../telemetry/log.ts';
import { SeenHashes } from './seenHashes.ts';

export interface Replayed {
  readonly ledger: PartitionLedger;
  readonly tail: Tail;
  /** Where the fold began. EMPTY_TAIL if all entries were folded. */
  readonly base: Tail;
  readonly hashes: SeenHashes;
}

export interface Replaying {
  readonly journal: JournalReader;
  readonly subject: Subject;
  readonly partition: TopicPartition;
  readonly log: Log;
  readonly onStep?: OnStep;
}

/** Rejects as `replay` does, and with JOURNAL_CORRUPT if an entry belongs to no claim. */
export async function replayPartition(replaying: Replaying): Promise<Replayed> {
  const { ledger, tail: base } = (await fromSnapshot(replaying)) ?? {
    ledger: new PartitionLedger(replaying.onStep),
    tail: EMPTY_TAIL,
  };
  const hashes = new SeenHashes();
  if (base.seq > 0) hashes.see(base);
  const { journal, subject, partition } = replaying;
  const tail = await foldJournal(journal, subject, partition, ledger, base, hashes);
  return { ledger, tail, base, hashes };
}

/** Folds the entries after `from`. Each is checked against the claim that it names. */
export async function foldJournal(
  journal: JournalReader,
  subject: Subject,
  partition: TopicPartition,
  ledger: PartitionLedger,
  from: Tail,
  hashes: SeenHashes,
): Promise<Tail> {
  let tail = from;
  for await (const replayed of replay(journal, subject, from)) {
    foldInto(ledger, partitionEvents(replayed.entry.events, subject));
    checkBelongs(replayed.entry, partition, ledger, subject);
    tail = replayed.tail;
    hashes.see(tail);
  }
  return tail;
}

function foldInto(ledger: PartitionLedger, events: readonly PartitionEvent[]): void {
  try {
    ledger.fold(events);
  } catch (error) {
    throw asFailureOfFold(error);
  }
}

/**
 * Null if no snapshot can be trusted. A snapshot is trusted if the journal holds, at its revision, an entry
 * with its hash: the hash chain proves that this journal was folded up to there.
 */
async function fromSnapshot(
  replaying: Replaying,
): Promise<{ readonly ledger: PartitionLedger; readonly tail: Tail } | null> {
  const { journal, subject, log } = replaying;
  try {
    for await (const bytes of journal.snapshots(subject)) {
      const snapshot = decodeSnapshot(bytes);
      const isOwn = snapshot?.journalId === journal.id && snapshot.subject === subject;
      if (!isOwn || snapshot.foldVersion !== FOLD_VERSION) continue;
      const { tail, state } = snapshot;
      if ((await hashAt(journal, subject, tail.revision)) !== tail.hash) continue;
      return { ledger: PartitionLedger.restored(state as LedgerFacts, replaying.onStep), tail };
    }
  } catch (error) {
    if (!isJournalFailure(error, 'unavailable')) throw error;
    log.warn({ subject, err: error }, 'snapshots could not be read; replaying the whole journal');
  }
  return null;
}

/** Hash of the entry at this revision; null if none is seen there. */
async function hashAt(
  journal: JournalReader,
  subject: Subject,
  revision: Revision,
): Promise<EntryHash | null> {
  for await (const [entry] of journal.read(subject, revision - 1)) {
    if (entry !== undefined) return entry.revision === revision ? hashEntry(entry.bytes) : null;
  }
  return null;
}

export function checkBelongs(
  entry: Entry,
  partition: TopicPartition,
  ledger: PartitionLedger,
  subject: Subject,
): void {
  const { epoch, claimId: claimed } = ledger.facts;
  const same = entry.topic === partition.topic && entry.partition === partition.partition;
  if (same && entry.epoch === epoch && entry.claimId === claimed) return;
  throw new JournalFailure(
    'corrupt',
    `Entry ${entry.seq} of ${subject} is of ${entry.topic}/${entry.partition}, epoch ${entry.epoch}, ` +
      `where epoch ${epoch} of ${partitionName(partition)} is claimed. The partition stops; restore the ` +
      'journal from a copy.',
    { fields: { seq: entry.seq, epoch: entry.epoch, claimedEpoch: epoch } },
  );
}

/** The events of a partition's entry. Job events are not allowed in it. */
export function partitionEvents(
  events: readonly JournalEvent[],
  subject: Subject,
): readonly PartitionEvent[] {
  for (const event of events) {
    if (isJobEvent(event)) {
      throw new JournalFailure(
        'corrupt',
        `${subject} holds the event "${event.type}", which is no partition's.`,
      );
    }
  }
  return events as readonly PartitionEvent[];
}

/**
 * Hash of the entry with this sequence, for an entry before those that were folded. Reads the entries from
 * there up to `until`, which is known to be in this journal, and checks their chain: the hash is then of the
 * same journal. Null if there is none.
 */
export async function hashOfSeq(
  journal: JournalReader,
  subject: Subject,
  seq: number,
  until: Tail,
): Promise<EntryHash | null> {
  // A shared stream has gaps between the revisions: a guess may begin too late, then go further back.
  for (let back = until.seq - seq; ; back *= 4) {
    const after = Math.max(0, until.revision - back - 1);
    const hash = await hashBehind(journal, subject, { after, seq, until });
    if (hash !== 'too late') return hash;
    if (after === 0) return null;
  }
}

interface Range {
  readonly after: Revision;
  readonly seq: number;
  readonly until: Tail;
}

async function hashBehind(
  journal: JournalReader,
  subject: Subject,
  { after, seq, until }: Range,
): Promise<EntryHash | 'too late' | null> {
  const first = await firstBehind(journal, subject, after);
  if (first === null || first.seq > seq) return 'too late';
  let found: EntryHash | null = null;
  const before: Tail = { revision: after, seq: first.seq - 1, hash: first.prevHash };
  for await (const { tail } of replay(journal, subject, before)) {
    if (tail.seq === seq) found = tail.hash;
    if (tail.seq !== until.seq) continue;
    return tail.hash === until.hash ? found : null;
  }
  throw new JournalFailure(
    'unavailable',
    `Entry ${until.seq} of ${subject} was seen, and is not seen when the journal is read again: it may ` +
      'be behind.',
  );
}

async function firstBehind(journal: JournalReader, subject: Subject, after: Revision): Promise<Entry | null> {
  for await (const [entry] of journal.read(subject, after)) {
    if (entry !== undefined)
      return decodeEntry(entry.bytes, `The entry of ${subject} behind revision ${after}`);
  }
  return null;
}
