import { describe, expect, test } from 'vitest';
import { journalId } from '../../../journal/ids.ts';
import type { PartTarget, Store } from '../../../src/stores/port.ts';
import type { Temporary } from '../../../src/stores/temporaries.ts';
import { bytesOf, expectCode, expectReaders, newTarget, Writer, type StoreHarness } from './scene.ts';
import type { Current } from './suite.ts';

/** With the names that the job gives. */
function target(h: StoreHarness): PartTarget {
  const plain = newTarget(h);
  const folder = plain.finalUri.slice(0, plain.finalUri.lastIndexOf('/'));
  return { ...plain, temporaryUri: `${folder}/.tidemark-${plain.partId}` };
}

async function listed(store: Store, h: StoreHarness): Promise<Temporary[]> {
  const found: Temporary[] = [];
  for await (const batch of store.temporaries.list(h.sinkUri)) found.push(...batch);
  return found.toSorted((one, other) => (one.uri < other.uri ? -1 : 1));
}

export function describeTemporaries(current: Current): void {
  describe('what an operator lists and removes', () => {
    test('nothing is below a folder that nobody made', async () => {
      const h = current();
      expect(await listed(h.newStore(), h)).toEqual([]);
    });

    test('what a writer left is listed, and gone when it was removed; again is no error', async () => {
      const h = current();
      const store = h.newStore();
      const part = target(h);
      const writer = await Writer.create(store, part);
      await writer.write('0123456789');
      const durable = await writer.persist();
      await writer.file.abandon();
      const other = h.newStore();
      const found = await listed(other, h);
      expect(found.length).toBeGreaterThan(0);
      for (const { uri, uploadId, modifiedAtMs } of found) {
        if (uploadId === null) expect(uri.startsWith(part.temporaryUri)).toBe(true);
        else
          expect({ uri, uploadId }).toEqual({
            uri: part.finalUri,
            uploadId: uploadIn(other, durable.handle),
          });
        expect(Number.isFinite(modifiedAtMs)).toBe(true);
      }
      for (const one of [...found, ...found]) await other.temporaries.remove(one);
      expect(await listed(other, h)).toEqual([]);
      expect(await h.leftovers()).toEqual([]);
    });

    test('published files, the marker and witnesses are not listed, and stay', async () => {
      const h = current();
      const store = h.newStore();
      await store.claimMarker(h.sinkUri, 'clicks', journalId('00000000-0000-4000-8000-000000000001'));
      await store.writeWitness(`${h.sinkUri}/.tidemark/_witness/clicks/topic/0`, '1-a');
      const part = target(h);
      const writer = await Writer.create(store, part);
      await writer.write('0123456789');
      await store.commit(part, await writer.closeForCommit());
      expect(await listed(store, h)).toEqual([]);
      await h.put(`${h.sinkUri}/.somebody`, bytesOf('else'));
      const uris = (await listed(store, h)).map(({ uri }) => uri);
      // The world lists every hidden name; what is not Tidemark's is left by its name.
      expect(uris.filter((uri) => !uri.endsWith('/.somebody'))).toEqual([]);
    });

    test('a visible name is refused; an upload that was completed is no object that is removed', async () => {
      const h = current();
      const store = h.newStore();
      const part = target(h);
      const writer = await Writer.create(store, part);
      await writer.write('0123456789');
      const uploads = (await listed(store, h)).filter(({ uploadId }) => uploadId !== null);
      const content = writer.content;
      await store.commit(part, await writer.closeForCommit());
      const removing = store.temporaries.remove({ uri: part.finalUri, uploadId: null });
      await expectCode(removing, 'STORE_HANDLE_INVALID');
      for (const upload of uploads) await store.temporaries.remove(upload);
      await expectReaders(h, [part, content]);
    });
  });
}

const uploadIn = (store: Store, handle: Parameters<Store['temporaries']['uploadIdOf']>[0]): string | null =>
  store.temporaries.uploadIdOf(handle);
