import { describe, expect, test } from 'vitest';
import type { Subject } from '../../../journal/ids.ts';
import type { Journal } from '../../../journal/port.ts';
import { readAll, subjectOf } from '../../unit/journal/fixtures.ts';
import { append, text, type MakeWorld } from './world.ts';

const subject = subjectOf();

async function snapshotsOf(journal: Journal, of: Subject): Promise<Uint8Array[]> {
  const found: Uint8Array[] = [];
  for await (const bytes of journal.snapshots(of)) found.push(Uint8Array.from(bytes));
  return found;
}

function varied(bytes: number, number: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, index) => (index * 31 + number) % 251);
}

export function snapshots(makeWorld: MakeWorld): void {
  describe('snapshots', () => {
    test('the newest two of a subject are given back, newest first; of another subject none', async () => {
      await using world = await makeWorld();
      const journal = await world.open();
      expect(await snapshotsOf(journal, subject)).toEqual([]);
      await journal.writeSnapshot(subject, text('one'));
      expect(await snapshotsOf(journal, subject)).toEqual([text('one')]);
      await journal.writeSnapshot(subjectOf('other'), text('of another'));
      await journal.writeSnapshot(subject, text('two'));
      await journal.writeSnapshot(subject, text('three'));
      expect(await snapshotsOf(journal, subject)).toEqual([text('three'), text('two')]);
      expect(await snapshotsOf(journal, subjectOf('other'))).toEqual([text('of another')]);
      expect(await snapshotsOf(journal, subjectOf('nobody'))).toEqual([]);
    });

    test('none is an entry: appends, reads and the list of subjects are as without it', async () => {
      await using world = await makeWorld();
      const journal = await world.open();
      const first = await append(journal, subject, 0, text('an entry'));
      await journal.writeSnapshot(subject, text('a snapshot'));
      await journal.writeSnapshot(subjectOf('other'), text('a snapshot'));
      await append(journal, subject, first, text('another entry'));
      expect(await readAll(journal, subject)).toEqual([text('an entry'), text('another entry')]);
      expect(await journal.subjects('')).toEqual([subject]);
    });

    test('they are there when the journal is opened again, and for readers', async () => {
      await using world = await makeWorld();
      const journal = await world.open();
      await journal.writeSnapshot(subject, text('kept'));
      expect(await snapshotsOf(await world.openReader(), subject)).toEqual([text('kept')]);
      await journal.close();
      expect(await snapshotsOf(await world.open(), subject)).toEqual([text('kept')]);
    });

    test('a reader finds none where none was ever written', async () => {
      await using world = await makeWorld();
      await append(await world.open(), subject, 0, text('an entry'));
      expect(await snapshotsOf(await world.openReader(), subject)).toEqual([]);
    });

    test('one of 500,000 bytes comes back as it was', async () => {
      await using world = await makeWorld();
      const journal = await world.open();
      const large = varied(500_000, 0);
      await journal.writeSnapshot(subject, large);
      const [found = new Uint8Array()] = await snapshotsOf(journal, subject);
      expect(Buffer.compare(found, large)).toBe(0);
    });

    test('those larger than any message come back unchanged, the two newest, also for a reader', async () => {
      await using world = await makeWorld();
      const journal = await world.open();
      for (const [number, bytes] of [3_000_000, 2_500_000, 3_500_000].entries())
        await journal.writeSnapshot(subject, varied(bytes, number));
      const found = await snapshotsOf(await world.openReader(), subject);
      expect(found.map(({ byteLength }) => byteLength)).toEqual([3_500_000, 2_500_000]);
      expect(Buffer.compare(found[0] ?? text(''), varied(3_500_000, 2))).toBe(0);
      expect(Buffer.compare(found[1] ?? text(''), varied(2_500_000, 1))).toBe(0);
      await journal.writeSnapshot(subject, text('small again'));
      expect((await snapshotsOf(journal, subject)).map(({ byteLength }) => byteLength)).toEqual([
        11, 3_500_000,
      ]);
    });

    test('a journal that was made anew has none of the one before', async () => {
      await using world = await makeWorld();
      const journal = await world.open();
      await append(journal, subject, 0, text('an entry'));
      await journal.writeSnapshot(subject, text('of the first'));
      await journal.close();
      await world.recreate();
      expect(await snapshotsOf(await world.open(), subject)).toEqual([]);
    });

    test('a journal that is closed gives none and takes none', async () => {
      await using world = await makeWorld();
      const journal = await world.open();
      await journal.writeSnapshot(subject, text('kept'));
      await journal.close();
      await expect(journal.writeSnapshot(subject, text('late'))).rejects.toThrow();
      await expect(snapshotsOf(journal, subject)).rejects.toThrow();
    });
  });
}
