import { describe, expect, test } from 'vitest';
import type { AppendOutcome, Journal } from '../../../journal/port.ts';
import { EMPTY_TAIL } from '../../../journal/replay.ts';
import {
  bulky,
  claimed,
  committed,
  identity,
  readAll,
  replayAll,
  subjectOf,
  writerOn,
} from '../../unit/journal/fixtures.ts';
import { append, text, type MakeWorld } from './world.ts';

const subject = subjectOf();

export function appending(makeWorld: MakeWorld): void {
  describe('appending', () => {
    test('expected-sequence conflict: nothing is written, and the last revision is reported', async () => {
      await using world = await makeWorld();
      const journal = await world.open();
      const first = await append(journal, subject, 0, text('one'));
      const second = await append(journal, subject, first, text('two'));
      const expectations = [0, first, second + 1, second + 1_000];
      for (const expected of expectations) {
        const outcome = await journal.append(subject, expected, text('never'));
        expect(outcome).toEqual({ type: 'conflict', lastRevision: second } satisfies AppendOutcome);
      }
      expect(await journal.append(subjectOf('other'), second, text('never'))).toEqual({
        type: 'conflict',
        lastRevision: 0,
      });
      expect(await readAll(journal, subject)).toEqual([text('one'), text('two')]);
    });

    test('revisions grow, and the bytes are kept as they are', async () => {
      await using world = await makeWorld();
      const journal = await world.open();
      const written = [
        Uint8Array.from({ length: 256 }, (_, byte) => byte),
        text('\r\n+OK\r\n-ERR'),
        text('{"v":1}'),
      ];
      let revision = 0;
      for (const bytes of written) {
        const next = await append(journal, subject, revision, bytes);
        expect(next).toBeGreaterThan(revision);
        revision = next;
      }
      expect(await readAll(journal, subject)).toEqual(written);
    });

    test('the largest entry is taken; one byte more is refused for good, with nothing written', async () => {
      await using world = await makeWorld();
      const journal = await world.open();
      const largest = new Uint8Array(journal.entryBytesMax).fill(7);
      const revision = await append(journal, subject, 0, largest);
      const outcome = await journal.append(subject, revision, new Uint8Array(largest.byteLength + 1));
      expect(outcome).toMatchObject({ type: 'refused', retryable: false });
      const found = await readAll(journal, subject);
      expect(found).toHaveLength(1);
      expect(Buffer.compare(found[0] ?? new Uint8Array(), largest)).toBe(0);
    });

    test('an entry over the payload limit is refused by the writer, which takes the next one', async () => {
      await using world = await makeWorld();
      const journal = await world.open();
      const writer = writerOn(journal, subject);
      await expect(writer.append(identity(), [bulky(journal.entryBytesMax)])).rejects.toMatchObject({
        code: 'JOURNAL_ENTRY_TOO_LARGE',
      });
      expect(await readAll(journal, subject)).toEqual([]);
      expect((await writer.append(identity(), [claimed()])).seq).toBe(1);
    });

    test('two writers: one append at a revision wins, the other writer is fenced', async () => {
      await using world = await makeWorld();
      const journals = [await world.open(), await world.openRival()];
      let tail = EMPTY_TAIL;
      for (let round = 1; round <= 20; round += 1) {
        const claims = journals.map((journal, index) => {
          const epoch = round * 2 + index;
          const from = tail;
          return writerOn(journal, subject, from).append(identity(epoch), [claimed(epoch)]);
        });
        const ended = await Promise.allSettled(claims);
        const won = ended.filter((result) => result.status === 'fulfilled');
        const lost = ended.filter((result) => result.status === 'rejected');
        expect([won.length, lost.length]).toEqual([1, 1]);
        expect(lost[0]?.reason).toMatchObject({ code: 'FENCED' });
        tail = won[0]?.value ?? EMPTY_TAIL;
        // Epochs must not go back, whoever wins.
        expect((await replayAll(journals[round % 2] as Journal, subject)).at(-1)?.tail).toEqual(tail);
      }
      expect(tail.seq).toBe(20);
    });

    test('the entries of one subject are not disturbed by those of others', async () => {
      await using world = await makeWorld();
      const journal = await world.open();
      const topics = ['a', 'a.b', 'a_2Eb', 'a b', '*', '>', 'ü/日本'];
      const writers = topics.map((topic) => writerOn(journal, subjectOf(topic)));
      for (let number = 1; number <= 5; number += 1) {
        for (const writer of writers) await writer.append(identity(), [committed(number)]);
      }
      for (const topic of topics) {
        const replayed = await replayAll(journal, subjectOf(topic));
        expect(replayed.flatMap(({ entry }) => entry.events)).toEqual([1, 2, 3, 4, 5].map(committed));
      }
    });
  });
}
