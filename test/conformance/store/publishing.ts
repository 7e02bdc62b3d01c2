import { describe, expect, test } from 'vitest';
import { bytesOf, expectCode, expectReaders, newTarget, readerName, takeOver, Writer } from './scene.ts';
import type { Current } from './suite.ts';

export function describePublishing(current: Current): void {
  async function closed(text: string) {
    const h = current();
    const writer = await Writer.create(h.newStore(), newTarget(h));
    return { h, target: writer.target, durable: await (await writer.write(text)).closeForCommit() };
  }

  describe('publishing after a recovery', () => {
    test('a closed file of an earlier process is published by a new one', async () => {
      const { h, target, durable } = await closed('data\n');
      await h.newStore().commitAfterRecovery(target, durable);
      await expectReaders(h, [target, 'data\n']);
      expect(await h.leftovers()).toEqual([]);
    });

    test('again and again, by the same process and by others', async () => {
      const { h, target, durable } = await closed('data\n');
      const store = h.newStore();
      await store.commitAfterRecovery(target, durable);
      await store.commitAfterRecovery(target, durable);
      await h.newStore().commitAfterRecovery(target, durable);
      await expectReaders(h, [target, 'data\n']);
      expect(await h.leftovers()).toEqual([]);
    });

    test('after a commit whose reply was lost', async () => {
      const { h, target, durable } = await closed('data\n');
      await h.newStore().commit(target, durable);
      await h.newStore().commitAfterRecovery(target, durable);
      await expectReaders(h, [target, 'data\n']);
      expect(await h.leftovers()).toEqual([]);
    });

    test('a commit after somebody else has settled the file is done', async () => {
      const { h, target, durable } = await closed('data\n');
      await h.newStore().commitAfterRecovery(target, durable);
      await h.newStore().commit(target, durable);
      await expectReaders(h, [target, 'data\n']);
    });

    test('an equal file under the final name counts as published, and the temporary one goes', async () => {
      const { h, target, durable } = await closed('data\n');
      await h.put(target.finalUri, bytesOf('data\n'));
      await h.newStore().commitAfterRecovery(target, durable);
      await expectReaders(h, [target, 'data\n']);
      expect(await h.leftovers()).toEqual([]);
    });

    test('where neither name exists it is missing, never done', async () => {
      const { h, target, durable } = await closed('data\n');
      await h.newStore().discard([target.temporaryUri], durable.handle);
      const error = await expectCode(h.newStore().commitAfterRecovery(target, durable), 'STORE_FILE_MISSING');
      expect(error.message).toContain(target.finalUri.split('/').at(-1));
      await expectCode(h.newStore().commit(target, durable), 'STORE_FILE_MISSING');
      await expectReaders(h);
    });

    test('a committed file that a reader took away is missing, never published again', async () => {
      const { h, target, durable } = await closed('data\n');
      await h.newStore().commit(target, durable);
      await h.remove(target.finalUri);
      await expectCode(h.newStore().commitAfterRecovery(target, durable), 'STORE_FILE_MISSING');
      await expectReaders(h);
    });
  });

  describe('publishing never overwrites', () => {
    const foreign = ['other bytes, other length\n', 'DATA\n', ''];

    for (const content of foreign) {
      test(`a foreign file of ${content.length} bytes under the final name stays, and stops it`, async () => {
        const { h, target, durable } = await closed('data\n');
        await h.put(target.finalUri, bytesOf(content));
        for (const publish of ['commit', 'commitAfterRecovery'] as const) {
          const error = await expectCode(h.newStore()[publish](target, durable), 'STORE_CONTENT_DIFFERS');
          expect(error.message).toContain(target.finalUri.split('/').at(-1));
          expect(error.message).toContain(target.temporaryUri.split('/').at(-1));
          await expectReaders(h, [target, content]);
        }
        // Nothing is lost: with the foreign file out of the way the own one is published.
        await h.remove(target.finalUri);
        await h.newStore().commitAfterRecovery(target, durable);
        await expectReaders(h, [target, 'data\n']);
      });
    }

    test('a file that another part of the same name has published stays', async () => {
      const h = current();
      const store = h.newStore();
      const first = await Writer.create(store, newTarget(h));
      await store.commit(first.target, await (await first.write('first\n')).closeForCommit());
      const second = await Writer.create(store, { ...newTarget(h), finalUri: first.target.finalUri });
      const durable = await (await second.write('second\n')).closeForCommit();
      await expectCode(store.commit(second.target, durable), 'STORE_CONTENT_DIFFERS');
      await expectReaders(h, [first.target, 'first\n']);
    });
  });

  describe('what readers see', () => {
    test('nothing until the commit, and then all of it', async () => {
      const h = current();
      const store = h.newStore();
      const writer = await Writer.create(store, newTarget(h));
      await expectReaders(h);
      await writer.write('one\n');
      await expectReaders(h);
      await writer.persist();
      await expectReaders(h);
      await writer.write('two\n');
      const inProgress = await writer.persist();
      await expectReaders(h);
      await takeOver(h.newStore(), writer.target, inProgress);
      await expectReaders(h);
      await writer.file.abandon();
    });

    test('a reader that lists all the time never sees a file in part', async () => {
      const h = current();
      const store = h.newStore();
      const content = Buffer.alloc(200_000, 'whole\n');
      const targets = Array.from({ length: 8 }, () => newTarget(h));
      const names = targets.map((target) => readerName(h, target));
      const state = { writing: true };
      const reader = (async () => {
        while (state.writing) {
          for (const [name, bytes] of await h.readers()) {
            expect(names).toContain(name);
            expect(bytes.equals(content)).toBe(true);
          }
        }
      })();
      const published = (async () => {
        for (const target of targets) {
          const writer = await Writer.create(store, target);
          await writer.write(content.subarray(0, 100_000));
          await writer.persist();
          const durable = await (await writer.write(content.subarray(100_000))).closeForCommit();
          await store.commit(target, durable);
        }
        state.writing = false;
      })();
      await Promise.all([reader, published]);
      expect([...(await h.readers()).keys()].sort()).toEqual(names.sort());
    });
  });
}
