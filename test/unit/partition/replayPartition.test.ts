import { describe, expect, test } from 'vitest';
import { FOLD_VERSION, PartitionLedger } from '../../../actors/ledger.ts';
import { history } from '../../../bench/history.ts';
import { decodeEntry, encodeEntry, hashEntry } from '../../../journal/entry.ts';
import { isJournalFailure, JournalFailure } from '../../../journal/failure.ts';
import { entryHash, jobName, journalId, type EntryHash } from '../../../journal/ids.ts';
import { createMemoryJournal, type MemoryJournal } from '../../../journal/memory/journal.ts';
import type { Revision } from '../../../journal/port.ts';
import { EMPTY_TAIL, replay, type Tail } from '../../../journal/replay.ts';
import { encodeSnapshot, type Snapshot } from '../../../journal/snapshot.ts';
import { partitionSubject } from '../../../journal/subjects.ts';
import { hashOfSeq, replayPartition, type Replayed } from '../../../src/partition/replayPartition.ts';
import { silentLog } from '../../../src/telemetry/log.ts';
import { flipBit } from '../journal/fixtures.ts';

const ENTRIES = 200;
const job = jobName('clicks');
const partition = { topic: 'clicks', partition: 0 };
const subject = partitionSubject(job, partition);
const other = partitionSubject(job, { topic: 'clicks', partition: 1 });

/** What was read of the journal: behind which revisions. */
interface Bench {
  readonly journal: MemoryJournal;
  readonly readsFrom: Revision[];
  readonly tails: readonly Tail[];
  readonly states: readonly PartitionLedger[];
}

/** A long history, whose revisions have holes, and what each of its entries made. */
async function bench(): Promise<Bench> {
  const readsFrom: Revision[] = [];
  const journal = createMemoryJournal({
    onRead: (_subject, after) => {
      readsFrom.push(after);
      return null;
    },
  });
  let count = 0;
  for (const bytes of history({ job, partition, entries: ENTRIES, sinkUri: 'file:///lake' })) {
    await journal.fileRequest(subject, bytes);
    count += 1;
    for (let hole = 0; hole < count % 3; hole += 1) await journal.fileRequest(other, new Uint8Array(1));
  }
  const tails: Tail[] = [];
  const states: PartitionLedger[] = [];
  const folded = new PartitionLedger();
  for await (const { entry, tail } of replay(journal, subject)) {
    folded.fold(entry.events as never);
    tails.push(tail);
    states.push(PartitionLedger.restored(folded.capture()));
  }
  readsFrom.length = 0;
  return { journal, readsFrom, tails, states };
}

function snapshotAt(
  { journal, tails, states }: Bench,
  seq: number,
  changes: Partial<Snapshot> = {},
): Uint8Array {
  const tail = tails[seq - 1] ?? EMPTY_TAIL;
  const state = states[seq - 1]?.capture();
  return encodeSnapshot({
    journalId: journal.id,
    subject,
    foldVersion: FOLD_VERSION,
    tail,
    state,
    ...changes,
  });
}

const recovered = (journal: MemoryJournal): Promise<Replayed> =>
  replayPartition({ journal, subject, partition, log: silentLog });

/** An entry behind the claim: a checkpoint that says that two pieces of it are in entries before. */
function ofMissingPieces(claim: Uint8Array): Uint8Array {
  const { seq, events: _events, prevHash: _prevHash, ...rest } = decodeEntry(claim, 'The claim');
  const completed = {
    ...{ type: 'checkpointCompleted' as const, checkpoint: 1, nextOffset: 1n, leaderEpoch: null },
    ...{
      leaderEpochStart: null,
      recordsRead: 1,
      recordsSkipped: { nullValue: 0 },
      checkpointParts: 2,
      parts: [],
    },
  };
  return encodeEntry({ ...rest, seq: seq + 1, prevHash: hashEntry(claim), events: [completed] });
}

/** All that the full fold knows. */
function expectComplete({ ledger, tail }: Replayed, { tails, states }: Bench): void {
  expect(tail).toEqual(tails.at(-1));
  expect(ledger.capture()).toEqual(states.at(-1)?.capture());
}

describe('recovery', () => {
  test('without a snapshot folds everything', async () => {
    const made = await bench();
    const recovery = await recovered(made.journal);
    expectComplete(recovery, made);
    expect(recovery.base).toEqual(EMPTY_TAIL);
  });

  test('with one reads its entry and what follows, and nothing before', async () => {
    const made = await bench();
    await made.journal.writeSnapshot(subject, snapshotAt(made, 120));
    await made.journal.writeSnapshot(subject, snapshotAt(made, 150));
    const recovery = await recovered(made.journal);
    expectComplete(recovery, made);
    expect(recovery.base).toEqual(made.tails[149]);
    const revision = made.tails[149]?.revision ?? 0;
    expect(made.readsFrom).toEqual([revision - 1, revision]);
    expect(recovery.hashes.at(149)).toBeNull();
    for (const seq of [150, 151, ENTRIES]) expect(recovery.hashes.at(seq)).toBe(made.tails[seq - 1]?.hash);
  });

  test('with one of the last entry folds nothing', async () => {
    const made = await bench();
    const last = made.tails.length;
    await made.journal.writeSnapshot(subject, snapshotAt(made, last));
    const recovery = await recovered(made.journal);
    expectComplete(recovery, made);
    expect(recovery.base.seq).toBe(last);
  });

  const wrongHash = entryHash('f'.repeat(64));
  const unfit: Readonly<Record<string, (made: Bench) => Uint8Array>> = {
    'of another fold': (made) => snapshotAt(made, 150, { foldVersion: FOLD_VERSION + 1 }),
    'of another journal': (made) => snapshotAt(made, 150, { journalId: journalId('another-journal') }),
    'of another partition': (made) => snapshotAt(made, 150, { subject: other }),
    'of an entry that is another now': (made) =>
      snapshotAt(made, 150, { tail: { ...(made.tails[149] ?? EMPTY_TAIL), hash: wrongHash } }),
    'of a revision that is no entry of the subject': (made) =>
      snapshotAt(made, 150, {
        tail: { ...(made.tails[148] ?? EMPTY_TAIL), revision: made.journal.backing.lastRevision },
      }),
    'later than the end of the journal': (made) =>
      snapshotAt(made, 150, { tail: { revision: 9_999, seq: 9_999, hash: wrongHash } }),
    'with a flipped bit': (made) => flipBit(snapshotAt(made, 150)),
    'that is empty': () => new Uint8Array(),
  };
  for (const [what, make] of Object.entries(unfit)) {
    test(`ignores one ${what}, and takes the one before it`, async () => {
      const made = await bench();
      await made.journal.writeSnapshot(subject, snapshotAt(made, 120));
      await made.journal.writeSnapshot(subject, make(made));
      const recovery = await recovered(made.journal);
      expectComplete(recovery, made);
      expect(recovery.base).toEqual(made.tails[119]);
    });

    test(`ignores one ${what}, and folds everything where it is the only one`, async () => {
      const made = await bench();
      await made.journal.writeSnapshot(subject, make(made));
      const recovery = await recovered(made.journal);
      expectComplete(recovery, made);
      expect(recovery.base).toEqual(EMPTY_TAIL);
    });
  }

  test('of a checkpoint whose pieces are missing is a damaged journal', async () => {
    const made = await bench();
    const claim = made.journal.backing.subjects.get(subject)?.[0]?.bytes ?? new Uint8Array();
    const journal = createMemoryJournal();
    await journal.fileRequest(subject, claim);
    await journal.fileRequest(subject, ofMissingPieces(claim));
    const failure = await recovered(journal).catch((error: unknown) => error);
    expect(isJournalFailure(failure, 'corrupt')).toBe(true);
    expect(failure).toMatchObject({
      code: 'JOURNAL_CORRUPT',
      message: expect.stringContaining('pieces') as string,
    });
  });

  test('folds everything where snapshots cannot be read', async () => {
    const made = await bench();
    await made.journal.writeSnapshot(subject, snapshotAt(made, 150));
    made.journal.snapshots = () => {
      throw new JournalFailure('unavailable', 'The snapshots are away.');
    };
    const recovery = await recovered(made.journal);
    expectComplete(recovery, made);
    expect(recovery.base).toEqual(EMPTY_TAIL);
  });

  test('a journal that lost its end is read to its end, whatever its snapshots say', async () => {
    const made = await bench();
    await made.journal.writeSnapshot(subject, snapshotAt(made, 150));
    made.journal.loseEnd(subject, made.tails[99]?.revision ?? 0);
    expect((await recovered(made.journal)).tail).toEqual(made.tails[99]);
  });
});

describe('the hash of an earlier entry', () => {
  const hashAt = (made: Bench, seq: number, until: number): Promise<EntryHash | null> =>
    hashOfSeq(made.journal, subject, seq, made.tails[until - 1] ?? EMPTY_TAIL);

  test('is found for each, whatever holes stand between the revisions', async () => {
    const made = await bench();
    for (let seq = 1; seq < 150; seq += 1)
      expect(await hashAt(made, seq, 150), `entry ${seq}`).toBe(made.tails[seq - 1]?.hash);
  });

  test('reads little where the entry is near', async () => {
    const made = await bench();
    await hashAt(made, 147, 150);
    expect(Math.min(...made.readsFrom)).toBeGreaterThan(made.tails[130]?.revision ?? 0);
  });

  test('is none where the entries do not lead to the one that is known', async () => {
    const made = await bench();
    const until = { ...(made.tails[149] ?? EMPTY_TAIL), hash: entryHash('f'.repeat(64)) };
    expect(await hashOfSeq(made.journal, subject, 140, until)).toBeNull();
  });

  test('rejects where an entry between was changed', async () => {
    const made = await bench();
    const stored = made.journal.backing.subjects.get(subject)?.[144];
    stored?.bytes.set(flipBit(stored.bytes, stored.bytes.byteLength - 3));
    await expect(hashAt(made, 140, 150)).rejects.toMatchObject({ code: 'JOURNAL_CORRUPT' });
  });

  test('rejects, to be tried again, where the one that is known is not seen any more', async () => {
    const made = await bench();
    made.journal.loseEnd(subject, made.tails[144]?.revision ?? 0);
    await expect(hashAt(made, 140, 150)).rejects.toMatchObject({ code: 'JOURNAL_UNAVAILABLE' });
  });
});
