import { describe, expect, test } from 'vitest';
import { createMemoryJournal, type MemoryJournal } from '../../../journal/memory/journal.ts';
import { EMPTY_TAIL, replay } from '../../../journal/replay.ts';
import { chain, claim, flipBit, replayAll, subjectOf } from './fixtures.ts';

const subject = subjectOf();

async function stored(entries: readonly Uint8Array[], readBatchEntries?: number): Promise<MemoryJournal> {
  const journal = createMemoryJournal(readBatchEntries === undefined ? {} : { readBatchEntries });
  for (const bytes of entries) await journal.fileRequest(subject, bytes);
  return journal;
}

describe('replay', () => {
  test('yields every entry in order with the tail that it leaves, whatever the batches', async () => {
    for (const batch of [1, 2, 7, 1000]) {
      const replayed = await replayAll(await stored(chain(7), batch), subject);
      expect(replayed.map(({ entry }) => entry.seq)).toEqual([1, 2, 3, 4, 5, 6, 7]);
      expect(replayed.map(({ tail }) => tail.seq)).toEqual([1, 2, 3, 4, 5, 6, 7]);
      for (const [index, { tail }] of replayed.slice(0, -1).entries()) {
        expect(replayed[index + 1]?.entry.prevHash).toBe(tail.hash);
      }
    }
  });

  test('continues from a tail, and is empty from the last one', async () => {
    const journal = await stored(chain(5));
    const all = await replayAll(journal, subject);
    const rest = await replayAll(journal, subject, all[2]?.tail);
    expect(rest).toEqual(all.slice(3));
    expect(await replayAll(journal, subject, all[4]?.tail)).toEqual([]);
  });

  test('a subject without entries is empty', async () => {
    expect(await replayAll(createMemoryJournal(), subject, EMPTY_TAIL)).toEqual([]);
  });

  const [first, second, third, fourth] = chain(4) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  test.each([
    { what: 'a missing first entry', sound: 0, entries: [second, third] },
    { what: 'a hole', sound: 1, entries: [first, third, fourth] },
    { what: 'two entries in the wrong order', sound: 1, entries: [first, third, second, fourth] },
    {
      what: 'a wrong count, although the hash is right',
      sound: 1,
      entries: chain(3, (entry) => (entry.seq === 2 ? { ...entry, seq: 5 } : entry)),
    },
    { what: 'an entry that is there twice', sound: 2, entries: [first, second, second, third] },
    { what: 'a flipped bit in the middle', sound: 1, entries: [first, flipBit(second), third] },
    {
      what: 'an entry that was changed, with the count left right',
      sound: 2,
      entries: [
        first,
        chain(2, (entry) => (entry.seq === 2 ? { ...entry, at: '1999' } : entry))[1] ?? first,
        third,
      ],
    },
  ])('$what stops it with JOURNAL_CORRUPT, after the entries before it', async ({ entries, sound }) => {
    const journal = await stored(entries);
    const seen: number[] = [];
    const reading = async (): Promise<void> => {
      for await (const { entry } of replay(journal, subject)) seen.push(entry.seq);
    };
    await expect(reading()).rejects.toMatchObject({ code: 'JOURNAL_CORRUPT', retry: 'operator' });
    expect(seen).toEqual([1, 2].slice(0, sound));
  });

  test('the error names the entry, the one that was due, and the revision before it', async () => {
    await expect(replayAll(await stored([first, second, fourth]), subject)).rejects.toMatchObject({
      message: expect.stringMatching(/^Entry 3 of .* \(revision 3\) counts 4 where 3 is due/) as string,
      fields: { seq: 4, expectedSeq: 3, revision: 2 },
    });
  });

  test('an entry of an older epoch behind a newer claim stops it: a fenced writer wrote', async () => {
    const entries = chain(3, (entry) => ({
      ...entry,
      epoch: entry.seq === 2 ? 2 : 1,
      claimId: claim(entry.seq === 2 ? 2 : 1),
    }));
    await expect(replayAll(await stored(entries), subject)).rejects.toThrow(/epoch 1 although epoch 2/);
  });

  test('an outage in the middle rejects; it never ends short', async () => {
    const source = await stored(chain(9), 2);
    const journal = createMemoryJournal({
      backing: source.backing,
      readBatchEntries: 2,
      onRead: () => ({ type: 'unavailable', afterEntries: 3 }),
    });
    const seen: number[] = [];
    const reading = async (): Promise<void> => {
      for await (const { entry } of replay(journal, subject)) seen.push(entry.seq);
    };
    await expect(reading()).rejects.toMatchObject({ code: 'JOURNAL_UNAVAILABLE', retry: 'transient' });
    expect(seen).toEqual([1, 2, 3]);
  });
});
