import { describe, expect, test } from 'vitest';
import { expectReaders, newTarget, takeOver, Writer, type StoreHarness } from './scene.ts';
import type { Current } from './suite.ts';

/** Backups of hard links: only where the store's harness can make them. */
export function describeBackups(current: Current): void {
  describe('backups of hard links', () => {
    async function opened(text: string) {
      const h = current();
      const writer = await Writer.create(h.newStore(), newTarget(h));
      return { h, writer: await writer.write(text), backUp: h.backUp?.bind(h) };
    }

    test('of a file in progress leave it to be written on and committed', async () => {
      const { h, writer, backUp } = await opened('one\n');
      if (backUp === undefined) return;
      await writer.persist();
      await backUp();
      await writer.write('two\n');
      await h.newStore().commit(writer.target, await writer.closeForCommit());
      await expectAll(h, writer, 'one\ntwo\n');
    });

    test('of a file in progress leave it to be taken over', async () => {
      const { h, writer, backUp } = await opened('one\n');
      if (backUp === undefined) return;
      const durable = await writer.persist();
      await backUp();
      const taken = await takeOver(h.newStore(), writer.target, durable);
      await backUp();
      await h.newStore().commitAfterRecovery(taken.target, taken.durable);
      await writer.file.abandon();
      await h.newStore().discard([writer.target.temporaryUri], null);
      await expectAll(h, writer, 'one\n');
    });

    test.each(['commit', 'commitAfterRecovery'] as const)(
      'of a pending file leave it to be published by %s, with the backup or without it, and again',
      async (publish) => {
        for (const isDeleted of [false, true]) {
          const { h, writer, backUp } = await opened('one\n');
          if (backUp === undefined) return;
          const durable = await writer.closeForCommit();
          const deleteBackup = await backUp();
          await backUp();
          if (isDeleted) await deleteBackup();
          await h.newStore()[publish](writer.target, durable);
          await backUp();
          await h.newStore().commitAfterRecovery(writer.target, durable);
          await expectAll(h, writer, 'one\n');
          await h.remove(writer.target.finalUri);
        }
      },
    );
  });
}

async function expectAll(h: StoreHarness, { target }: Writer, content: string): Promise<void> {
  await expectReaders(h, [target, content]);
  expect(await h.leftovers()).toEqual([]);
}
