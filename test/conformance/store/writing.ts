import { describe, expect, test } from 'vitest';
import {
  bytesOf,
  expectCode,
  expectLargeFile,
  expectReaders,
  newTarget,
  patternBytes,
  takeOver,
  Writer,
} from './scene.ts';
import type { StoreUnderTest } from './scene.ts';
import type { Current } from './suite.ts';

export function describeWriting(current: Current, under: StoreUnderTest): void {
  describe('writing', () => {
    test('a file closed without data is published as an empty file, or not at all, as declared', async () => {
      const h = current();
      const store = h.newStore();
      const writer = await Writer.create(store, newTarget(h));
      const durable = await writer.closeForCommit();
      await store.commit(writer.target, durable);
      if (under.emptyFile === 'published') await expectReaders(h, [writer.target, '']);
      else await expectReaders(h);
      expect(await h.leftovers()).toEqual([]);
    });

    test('a commit after closing gives the final name to the exact bytes', async () => {
      const h = current();
      const store = h.newStore();
      const writer = await Writer.create(store, newTarget(h));
      await writer.write('one\n');
      await writer.write(Buffer.from([0, 255, 10, 13, 0x80]));
      await store.commit(writer.target, await writer.closeForCommit());
      await expectReaders(h, [writer.target, writer.content]);
      expect(await h.leftovers()).toEqual([]);
    });

    test('a commit after a persist holds the bytes of both writes', async () => {
      const h = current();
      const store = h.newStore();
      const writer = await Writer.create(store, newTarget(h));
      await writer.write('before\n');
      await writer.persist();
      await writer.write('after\n');
      await store.commit(writer.target, await writer.closeForCommit());
      await expectReaders(h, [writer.target, 'before\nafter\n']);
    });

    test('a file above the upload-part size is written whole, over several persists', async () => {
      const h = current();
      const store = h.newStore();
      const writer = await Writer.create(store, newTarget(h));
      const piece = Math.ceil(under.largeBytes / 3);
      for (const seed of [1, 2, 3]) {
        await writer.write(patternBytes(piece, seed));
        await writer.persist();
      }
      await store.commit(writer.target, await writer.closeForCommit());
      await expectLargeFile(h, writer.target, writer.content);
      expect(await h.leftovers()).toEqual([]);
    });

    test('closing without commit publishes nothing', async () => {
      const h = current();
      const writer = await Writer.create(h.newStore(), newTarget(h));
      await writer.write('never\n');
      await writer.closeForCommit();
      await expectReaders(h);
    });

    test('abandoning publishes nothing, twice or after closing just as well', async () => {
      const h = current();
      const store = h.newStore();
      const writer = await Writer.create(store, newTarget(h));
      await writer.write('never\n');
      await writer.persist();
      await writer.file.abandon();
      await writer.file.abandon();
      const closed = await Writer.create(store, newTarget(h));
      const durable = await closed.closeForCommit();
      await closed.file.abandon();
      await expectReaders(h);
      await store.commit(closed.target, durable);
    });

    test('short tails of earlier checkpoints go; the one that counts stays until the commit', async () => {
      const h = current();
      const writer = await Writer.create(h.newStore(), newTarget(h));
      let counted = await writer.persist();
      for (let round = 0; round < 5; round += 1) {
        counted = await (await writer.write(`tail ${round}\n`)).persist();
        writer.checkpointed(counted);
      }
      await (await writer.write('not counted\n')).persist();
      // The file or upload itself, the tail that counts, and the newest.
      expect((await h.leftovers()).length).toBeLessThanOrEqual(3);
      const taken = await takeOver(h.newStore(), writer.target, counted);
      await h.newStore().commitAfterRecovery(taken.target, taken.durable);
      await expectReaders(h, [writer.target, 'tail 0\ntail 1\ntail 2\ntail 3\ntail 4\n']);
      await writer.file.abandon();
    });

    test('several persists of short tails leave nothing behind once the file is committed', async () => {
      const h = current();
      const store = h.newStore();
      const writer = await Writer.create(store, newTarget(h));
      for (let round = 0; round < 5; round += 1) {
        await writer.write(`tail ${round}\n`);
        await writer.persist();
      }
      await store.commit(writer.target, await writer.closeForCommit());
      expect(await h.leftovers()).toEqual([]);
    });

    test('writing, persisting and closing fail after closeForCommit, and change nothing', async () => {
      const h = current();
      const store = h.newStore();
      const writer = await Writer.create(store, newTarget(h));
      await writer.write('all\n');
      const durable = await writer.closeForCommit();
      await expectCode(writer.file.write(bytesOf('more\n')), 'STORE_HANDLE_INVALID');
      await expectCode(writer.file.persist(), 'STORE_HANDLE_INVALID');
      await expectCode(writer.file.closeForCommit(), 'STORE_HANDLE_INVALID');
      await store.commit(writer.target, durable);
      await expectReaders(h, [writer.target, 'all\n']);
    });

    test('what exists already under the same name is never written to', async () => {
      const h = current();
      const first = await Writer.create(h.newStore(), newTarget(h));
      await first.write('mine\n');
      await first.persist();
      if (under.temporary === 'name') {
        await expectCode(h.newStore().create(first.target), 'STORE_EXISTS');
      } else {
        const other = await Writer.create(h.newStore(), newTarget(h, first.target.finalUri));
        await (await other.write('not mine\n')).persist();
        await h.newStore().discard([other.target.temporaryUri], other.startHandle);
      }
      const store = h.newStore();
      await store.commit(first.target, await first.closeForCommit());
      await expectReaders(h, [first.target, 'mine\n']);
    });

    test('two files side by side do not meet', async () => {
      const h = current();
      const store = h.newStore();
      const [one, two] = [await Writer.create(store, newTarget(h)), await Writer.create(store, newTarget(h))];
      await Promise.all([one.write('one\n'), two.write('two\n')]);
      const [first, second] = [await one.closeForCommit(), await two.closeForCommit()];
      await Promise.all([store.commit(one.target, first), store.commit(two.target, second)]);
      await expectReaders(h, [one.target, 'one\n'], [two.target, 'two\n']);
    });
  });

  describe('discarding', () => {
    test('what was opened, persisted or closed goes away, and twice is harmless', async () => {
      const h = current();
      const store = h.newStore();
      const opened = await Writer.create(store, newTarget(h));
      const persisted = await Writer.create(store, newTarget(h));
      await persisted.write(patternBytes(300_000, 4));
      const inProgress = await persisted.persist();
      const closed = await Writer.create(store, newTarget(h));
      await closed.write('closed\n');
      const pending = await closed.closeForCommit();
      const fresh = h.newStore();
      for (let round = 0; round < 2; round += 1) {
        await fresh.discard([opened.target.temporaryUri], opened.startHandle);
        await fresh.discard([persisted.target.temporaryUri], inProgress.handle);
        await fresh.discard([closed.target.temporaryUri], pending.handle);
      }
      await Promise.all([opened, persisted, closed].map((writer) => writer.file.abandon()));
      expect(await h.leftovers()).toEqual([]);
      await expectReaders(h);
    });

    test('a name that was journaled but never created is discarded like any other', async () => {
      const h = current();
      await h.newStore().discard([newTarget(h).temporaryUri, newTarget(h).temporaryUri], null);
      expect(await h.leftovers()).toEqual([]);
    });

    test('a final name is refused, and nothing of the same call is removed', async () => {
      const h = current();
      const store = h.newStore();
      const committed = await Writer.create(store, newTarget(h));
      await store.commit(committed.target, await (await committed.write('kept\n')).closeForCommit());
      const open = await Writer.create(store, newTarget(h));
      await open.write('open\n');
      const call = store.discard([open.target.temporaryUri, committed.target.finalUri], null);
      await expectCode(call, 'STORE_HANDLE_INVALID');
      await store.commit(open.target, await open.closeForCommit());
      await expectReaders(h, [committed.target, 'kept\n'], [open.target, 'open\n']);
    });

    test('discarding the temporary name of a committed file leaves the committed file', async () => {
      const h = current();
      const store = h.newStore();
      const writer = await Writer.create(store, newTarget(h));
      const durable = await (await writer.write('kept\n')).closeForCommit();
      await store.commit(writer.target, durable);
      await h.newStore().discard([writer.target.temporaryUri], durable.handle);
      await expectReaders(h, [writer.target, 'kept\n']);
    });
  });
}
