import { describe, expect, test } from 'vitest';
import {
  claimed,
  committed,
  identity,
  readAll,
  replayAll,
  requestsOf,
  subjectOf,
  writerOn,
} from '../../unit/journal/fixtures.ts';
import { append, text, type MakeWorld } from './world.ts';

const subject = subjectOf();

export function processes(makeWorld: MakeWorld): void {
  describe('other processes and other lives', () => {
    test('requests are filed while the journal is owned, in order, and the owner reads them', async () => {
      await using world = await makeWorld();
      const owner = await world.open();
      const writer = writerOn(owner, subject);
      await writer.append(identity(), [claimed()]);
      const operator = await world.openReader();
      const first = await operator.fileRequest(requestsOf(), text('{"type":"roll"}'));
      await writer.append(identity(), [committed(1)]);
      const second = await operator.fileRequest(requestsOf(), text('{"type":"resume"}'));
      expect(second).toBeGreaterThan(first);
      expect(await readAll(owner, requestsOf())).toEqual([
        text('{"type":"roll"}'),
        text('{"type":"resume"}'),
      ]);
      expect(await readAll(owner, requestsOf(), first)).toEqual([text('{"type":"resume"}')]);
      await writer.append(identity(), [committed(2)]);
      expect(await replayAll(owner, subject)).toHaveLength(3);
    });

    test('a reader sees what the owner has appended, while it continues', async () => {
      await using world = await makeWorld();
      const writer = writerOn(await world.open(), subject);
      const reader = await world.openReader();
      for (let count = 1; count <= 3; count += 1) {
        await writer.append(identity(), [committed(count)]);
        expect(await replayAll(reader, subject)).toHaveLength(count);
      }
      expect(reader.id).toBe((await world.openReader()).id);
    });

    test('reopening keeps the id and the entries', async () => {
      await using world = await makeWorld();
      const before = await world.open();
      const tail = await writerOn(before, subject).append(identity(), [claimed()]);
      await before.close();
      const after = await world.open();
      expect(after.id).toBe(before.id);
      expect((await replayAll(after, subject)).map((replayed) => replayed.tail)).toEqual([tail]);
    });

    test('a recreated journal has another id and no entries', async () => {
      await using world = await makeWorld();
      const before = await world.open();
      await writerOn(before, subject).append(identity(), [claimed()]);
      await world.recreate();
      const after = await world.open();
      expect(after.id).not.toBe(before.id);
      expect(await readAll(after, subject)).toEqual([]);
    });

    test('a closed journal acknowledges nothing and reads nothing', async () => {
      await using world = await makeWorld();
      const journal = await world.open();
      const revision = await append(journal, subject, 0, text('one'));
      await journal.close();
      await journal.close();
      expect((await journal.append(subject, revision, text('two'))).type).toBe('unknown');
      await expect(readAll(journal, subject)).rejects.toMatchObject({ code: 'JOURNAL_UNAVAILABLE' });
      await expect(journal.subjects('')).rejects.toMatchObject({ code: 'JOURNAL_UNAVAILABLE' });
      await expect(journal.fileRequest(requestsOf(), text('x'))).rejects.toMatchObject({
        code: 'JOURNAL_UNAVAILABLE',
      });
      expect(await readAll(await world.open(), subject)).toEqual([text('one')]);
    });
  });
}
