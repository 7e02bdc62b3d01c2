import { describe, expect, test } from 'vitest';
import { journalId } from '../../../journal/ids.ts';
import { expectReaders } from './scene.ts';
import type { StoreHarness } from './scene.ts';
import type { Current } from './suite.ts';

const root = ({ sinkUri }: StoreHarness): string => `${sinkUri}/.tidemark/_witness/clicks`;
const folder = (h: StoreHarness): string => `${root(h)}/topic/0`;

export function describeWitnesses(current: Current): void {
  describe('witnesses of the journal', () => {
    test('none is in a folder that nobody made', async () => {
      const h = current();
      expect(await h.newStore().listWitnesses(folder(h))).toEqual([]);
    });

    test('stand for every process, by name, until they are removed by name', async () => {
      const h = current();
      const store = h.newStore();
      await store.writeWitness(folder(h), '1-a');
      await store.writeWitness(folder(h), '2-b');
      expect(await h.newStore().listWitnesses(folder(h))).toEqual(['1-a', '2-b']);
      await h.newStore().removeWitnesses(folder(h), ['1-a', 'that-never-was']);
      expect(await store.listWitnesses(folder(h))).toEqual(['2-b']);
      await store.removeWitnesses(folder(h), ['1-a']);
      expect(await h.newStore().listWitnesses(folder(h))).toEqual(['2-b']);
    });

    test('one that is written twice is there once', async () => {
      const h = current();
      await h.newStore().writeWitness(folder(h), '1-a');
      await h.newStore().writeWitness(folder(h), '1-a');
      expect(await h.newStore().listWitnesses(folder(h))).toEqual(['1-a']);
    });

    test("are one partition's; the folders above them are listed, too", async () => {
      const h = current();
      const store = h.newStore();
      await store.writeWitness(folder(h), '1-a');
      await store.writeWitness(`${root(h)}/topic/1`, '1-b');
      await store.writeWitness(`${root(h)}/other/0`, '1-c');
      expect(await store.listWitnesses(folder(h))).toEqual(['1-a']);
      expect(await store.listWitnesses(root(h))).toEqual(['other', 'topic']);
      expect(await store.listWitnesses(`${root(h)}/topic`)).toEqual(['0', '1']);
    });

    test('many that are written at once all stand', async () => {
      const h = current();
      const names = Array.from({ length: 8 }, (_, index) => `${index}-claim`);
      await Promise.all(names.map((name) => h.newStore().writeWitness(folder(h), name)));
      expect(await h.newStore().listWitnesses(folder(h))).toEqual(names);
    });

    test('are nothing that a reader sees, and leave the marker alone', async () => {
      const h = current();
      const store = h.newStore();
      const id = journalId('journal-00000001');
      await store.claimMarker(h.sinkUri, 'clicks', id);
      await store.writeWitness(folder(h), '1-a');
      await expectReaders(h);
      expect(await store.readMarker(h.sinkUri, 'clicks')).toBe(id);
      expect(await h.leftovers()).toEqual([]);
    });
  });
}
