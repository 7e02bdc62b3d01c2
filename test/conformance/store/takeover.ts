import { describe, expect, test } from 'vitest';
import type { DurablePart, PartTarget, Store } from '../../../src/stores/port.ts';
import {
  expectCode,
  expectLargeFile,
  expectReaders,
  nameForTakeover,
  newTarget,
  outcomeOf,
  patternBytes,
  resumeWith,
  takeOver,
  Writer,
} from './scene.ts';
import type { StoreHarness, StoreUnderTest } from './scene.ts';
import type { Current } from './suite.ts';

/** Takes over, publishes by the recovering way and removes what the move left, all with fresh stores. */
async function settle(h: StoreHarness, target: PartTarget, durable: DurablePart): Promise<void> {
  const taken = await takeOver(h.newStore(), target, durable);
  await h.newStore().commitAfterRecovery(taken.target, taken.durable);
  if (taken.target.temporaryUri !== target.temporaryUri) {
    await h.newStore().discard([target.temporaryUri], durable.handle);
  }
}

const takeoverOf = (store: Store): Store['takeover']['type'] => store.takeover.type;

export function describeTakeover(current: Current, under: StoreUnderTest): void {
  describe('taking over what an earlier process left in progress', () => {
    test('an empty file', async () => {
      const h = current();
      const dead = await Writer.create(h.newStore(), newTarget(h));
      await settle(h, dead.target, await dead.persist());
      if (under.emptyFile === 'published') await expectReaders(h, [dead.target, '']);
      else await expectReaders(h);
      expect(await h.leftovers()).toEqual([]);
      await dead.file.abandon();
    });

    test('a file with data', async () => {
      const h = current();
      const dead = await Writer.create(h.newStore(), newTarget(h));
      const durable = await (await dead.write('data\n')).persist();
      await settle(h, dead.target, durable);
      await expectReaders(h, [dead.target, 'data\n']);
      expect(await h.leftovers()).toEqual([]);
      await dead.file.abandon();
    });

    test('at an earlier persist: what came after is gone', async () => {
      const h = current();
      const dead = await Writer.create(h.newStore(), newTarget(h));
      const first = await (await dead.write('first\n')).persist();
      await (await dead.write('second\n')).persist();
      await dead.write('third\n');
      await settle(h, dead.target, first);
      await expectReaders(h, [dead.target, 'first\n']);
      await dead.file.abandon();
    });

    test('at the last of several persists', async () => {
      const h = current();
      const dead = await Writer.create(h.newStore(), newTarget(h));
      for (const text of ['first\n', 'second\n', 'third\n']) await (await dead.write(text)).persist();
      const durable = await dead.persist();
      await dead.write('after the checkpoint\n');
      await settle(h, dead.target, durable);
      await expectReaders(h, [dead.target, 'first\nsecond\nthird\n']);
      await dead.file.abandon();
    });

    test('above the upload-part size, with a tail that was not durable', async () => {
      const h = current();
      const dead = await Writer.create(h.newStore(), newTarget(h));
      await dead.write(patternBytes(under.largeBytes, 11));
      const durable = await dead.persist();
      const kept = dead.content;
      await dead.write(patternBytes(under.largeBytes, 12));
      await settle(h, dead.target, durable);
      await expectLargeFile(h, dead.target, kept);
      expect(await h.leftovers()).toEqual([]);
      await dead.file.abandon();
    });

    test('a takeover publishes nothing by itself', async () => {
      const h = current();
      const dead = await Writer.create(h.newStore(), newTarget(h));
      await takeOver(h.newStore(), dead.target, await (await dead.write('data\n')).persist());
      await expectReaders(h);
      await dead.file.abandon();
    });

    test('appending continues if the store resumes; if it finishes, nothing is appended', async () => {
      const h = current();
      const dead = await Writer.create(h.newStore(), newTarget(h));
      const durable = await (await dead.write('before\n')).persist();
      const kept = dead.content;
      await dead.write('lost\n');
      const store = h.newStore();
      const toUri = nameForTakeover(store, dead.target);
      const moved = { ...dead.target, temporaryUri: toUri };
      if (takeoverOf(store) === 'finish') {
        await settle(h, dead.target, durable);
        await expectReaders(h, [dead.target, 'before\n']);
      } else {
        const heir = new Writer(moved, await resumeWith(store, dead.target, durable, toUri), kept);
        await (await heir.write('middle\n')).persist();
        await store.commit(moved, await (await heir.write('after\n')).closeForCommit());
        await expectReaders(h, [dead.target, 'before\nmiddle\nafter\n']);
      }
      await dead.file.abandon();
    });

    test('a takeover that was interrupted is done again under another name', async () => {
      const h = current();
      const dead = await Writer.create(h.newStore(), newTarget(h));
      const durable = await (await dead.write('data\n')).persist();
      const first = await takeOver(h.newStore(), dead.target, durable);
      // Its journal entry is lost with the process; the next owner starts from the same facts.
      await settle(h, dead.target, durable);
      await h.newStore().discard([first.target.temporaryUri], first.durable.handle);
      await expectReaders(h, [dead.target, 'data\n']);
      expect(await h.leftovers()).toEqual([]);
      await dead.file.abandon();
    });

    test('a later state is never published after a rollback to an earlier one', async () => {
      const h = current();
      const dead = await Writer.create(h.newStore(), newTarget(h));
      const earlier = await (await dead.write('earlier\n')).persist();
      const later = await (await dead.write('later\n')).persist();
      const taken = await takeOver(h.newStore(), dead.target, earlier);
      await h.newStore().commitAfterRecovery(taken.target, taken.durable);
      const attempt = (async () => {
        const again = await takeOver(h.newStore(), dead.target, later);
        await h.newStore().commitAfterRecovery(again.target, again.durable);
      })();
      await expectCode(attempt, 'STORE_CONTENT_DIFFERS', 'STORE_FILE_MISSING', 'STORE_HANDLE_INVALID');
      await expectReaders(h, [dead.target, 'earlier\n']);
      await dead.file.abandon();
    });

    test('recovering after the commit fails', async () => {
      const h = current();
      const store = h.newStore();
      const writer = await Writer.create(store, newTarget(h));
      const inProgress = await (await writer.write('data\n')).persist();
      await store.commit(writer.target, await writer.closeForCommit());
      const outcome = await outcomeOf(takeOver(h.newStore(), writer.target, inProgress));
      expect(outcome).not.toBe('done');
      await expectReaders(h, [writer.target, 'data\n']);
    });

    test('bytes that were journaled as durable but are not there are named, not made up', async () => {
      const h = current();
      const dead = await Writer.create(h.newStore(), newTarget(h));
      const durable = await (await dead.write('durable\n')).persist();
      await dead.file.abandon();
      const longer = { ...durable, length: durable.length + 1 };
      const other = { ...durable, crc64: 'ffffffffffffffff' as DurablePart['crc64'] };
      for (const wrong of [longer, other]) {
        const error = await expectCode(
          takeOver(h.newStore(), dead.target, wrong),
          'STORE_CONTENT_DIFFERS',
          'STORE_HANDLE_INVALID',
        );
        expect(error.message).toContain(dead.target.temporaryUri.split('/').at(-1));
      }
      await expectReaders(h);
    });

    test('a file in progress that is gone is named', async () => {
      const h = current();
      const dead = await Writer.create(h.newStore(), newTarget(h));
      const durable = await (await dead.write('durable\n')).persist();
      await dead.file.abandon();
      await h.newStore().discard([dead.target.temporaryUri], durable.handle);
      const error = await expectCode(takeOver(h.newStore(), dead.target, durable), 'STORE_FILE_MISSING');
      expect(error.message).toContain(dead.target.temporaryUri.split('/').at(-1));
    });
  });
}
