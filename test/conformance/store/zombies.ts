import { describe, expect, test } from 'vitest';
import { bytesOf, expectReaders, newTarget, outcomeOf, takeOver, Writer } from './scene.ts';
import type { Current } from './suite.ts';

const RACES = 12;

export function describeZombies(current: Current): void {
  describe('an earlier owner that continues', () => {
    test('writes after the takeover: nothing of it appears in the published file', async () => {
      const h = current();
      const zombie = await Writer.create(h.newStore(), newTarget(h));
      const durable = await (await zombie.write('durable\n')).persist();
      await zombie.write('in flight\n');
      const taken = await takeOver(h.newStore(), zombie.target, durable);
      await outcomeOf(zombie.file.write(bytesOf('before publishing\n')));
      await outcomeOf(zombie.file.persist());
      await h.newStore().commitAfterRecovery(taken.target, taken.durable);
      await outcomeOf(zombie.file.write(bytesOf('after publishing\n')));
      await outcomeOf(zombie.file.persist());
      await expectReaders(h, [zombie.target, 'durable\n']);
      await outcomeOf(zombie.file.closeForCommit());
      await expectReaders(h, [zombie.target, 'durable\n']);
      await zombie.file.abandon();
    });

    test('writes while its file is taken over: the copy holds what was durable, each time', async () => {
      const h = current();
      for (let round = 0; round < RACES; round += 1) {
        const zombie = await Writer.create(h.newStore(), newTarget(h));
        const durable = await (await zombie.write(Buffer.alloc(300_000, 'durable\n'))).persist();
        const kept = zombie.content;
        const writing = (async () => {
          for (let call = 0; call < 5; call += 1) {
            if ((await outcomeOf(zombie.file.write(Buffer.alloc(100_000, 'zombie\n')))) !== 'done') return;
          }
        })();
        const taken = await takeOver(h.newStore(), zombie.target, durable);
        await h.newStore().commitAfterRecovery(taken.target, taken.durable);
        await writing;
        const seen = [...(await h.readers()).values()];
        expect(seen.length).toBe(round + 1);
        expect(seen.every((bytes) => bytes.equals(kept))).toBe(true);
        await zombie.file.abandon();
      }
    });

    test('writes to a file that was discarded: it stays away', async () => {
      const h = current();
      const zombie = await Writer.create(h.newStore(), newTarget(h));
      const durable = await (await zombie.write('void\n')).persist();
      await h.newStore().discard([zombie.target.temporaryUri], durable.handle);
      await outcomeOf(zombie.file.write(bytesOf('more\n')));
      await outcomeOf(zombie.file.closeForCommit());
      await expectReaders(h);
      await zombie.file.abandon();
      expect(await h.leftovers()).toEqual([]);
    });

    test('commits what was pending after the new owner has: harmless', async () => {
      const h = current();
      const old = h.newStore();
      const zombie = await Writer.create(old, newTarget(h));
      const pending = await (await zombie.write('pending\n')).closeForCommit();
      await h.newStore().commitAfterRecovery(zombie.target, pending);
      await old.commit(zombie.target, pending);
      await expectReaders(h, [zombie.target, 'pending\n']);
      expect(await h.leftovers()).toEqual([]);
    });

    test('commits after the new owner what no checkpoint made pending: the public file stays', async () => {
      const h = current();
      const old = h.newStore();
      const zombie = await Writer.create(old, newTarget(h));
      const durable = await (await zombie.write('durable\n')).persist();
      const taken = await takeOver(h.newStore(), zombie.target, durable);
      await h.newStore().commitAfterRecovery(taken.target, taken.durable);
      const attempt = (async () => {
        const own = await (await zombie.write('never acknowledged\n')).closeForCommit();
        await old.commit(zombie.target, own);
      })();
      expect(await outcomeOf(attempt)).not.toBe('done');
      await expectReaders(h, [zombie.target, 'durable\n']);
      await zombie.file.abandon();
    });

    test('finishes a takeover of its own late: the published file stays', async () => {
      const h = current();
      const zombie = await Writer.create(h.newStore(), newTarget(h));
      const durable = await (await zombie.write('durable\n')).persist();
      const [late, winner] = [h.newStore(), h.newStore()];
      const lateTaken = await takeOver(late, zombie.target, durable);
      const taken = await takeOver(winner, zombie.target, durable);
      await winner.commitAfterRecovery(taken.target, taken.durable);
      await outcomeOf(late.commitAfterRecovery(lateTaken.target, lateTaken.durable));
      await expectReaders(h, [zombie.target, 'durable\n']);
      await zombie.file.abandon();
    });
  });

  describe('several settlers at once', () => {
    test('publish the same pending file: every one of them ends when it is there', async () => {
      const h = current();
      for (let round = 0; round < RACES; round += 1) {
        const old = h.newStore();
        const writer = await Writer.create(old, newTarget(h));
        const durable = await (await writer.write(`round ${round}\n`)).closeForCommit();
        await Promise.all([
          old.commit(writer.target, durable),
          ...Array.from({ length: 3 }, () => h.newStore().commitAfterRecovery(writer.target, durable)),
        ]);
        expect((await h.readers()).size).toBe(round + 1);
        expect(await h.leftovers()).toEqual([]);
      }
    });

    test('take the same file over: one file is published, with the durable bytes', async () => {
      const h = current();
      const dead = await Writer.create(h.newStore(), newTarget(h));
      const durable = await (await dead.write('durable\n')).persist();
      await dead.write('not durable\n');
      const settling = Array.from({ length: 3 }, async () => {
        const taken = await takeOver(h.newStore(), dead.target, durable);
        await h.newStore().commitAfterRecovery(taken.target, taken.durable);
      });
      const outcomes = await Promise.all(settling.map(outcomeOf));
      expect(outcomes).toContain('done');
      await expectReaders(h, [dead.target, 'durable\n']);
      await dead.file.abandon();
    });

    test('discard the same files: every one of them is done', async () => {
      const h = current();
      const writers = await Promise.all([1, 2, 3].map(() => Writer.create(h.newStore(), newTarget(h))));
      const uris = writers.map((writer) => writer.target.temporaryUri);
      await Promise.all([1, 2, 3].map(() => h.newStore().discard(uris, null)));
      for (const writer of writers) await writer.file.abandon();
      expect(await h.leftovers()).toEqual([]);
    });
  });
}
