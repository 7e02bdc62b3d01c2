import { describe, expect, test } from 'vitest';
import { Refused } from '../../sim/simStores/errors.ts';
import { SimOssHdfsServer } from '../../sim/simStores/ossHdfs.ts';
import {
  bytesOf,
  expectCode,
  expectReaders,
  newTarget,
  outcomeOf,
  takeOver,
  Writer,
} from '../conformance/store/scene.ts';
import { simHarness, type SimHarness } from '../conformance/store/simHarness.ts';

interface HdfsHarness extends SimHarness {
  readonly server: SimOssHdfsServer;
}

function harness(seed = 1): HdfsHarness {
  return simHarness((options) => new SimOssHdfsServer(options), seed) as HdfsHarness;
}

describe('the OSS-HDFS store of the world: leases', () => {
  test('a rename alone fences nothing: a zombie writes by file id into the published file', async () => {
    const h = harness();
    const zombie = await Writer.create(h.newStore(), newTarget(h));
    await (await zombie.write('durable\n')).persist();
    h.server.namespace.rename(zombie.target.temporaryUri, zombie.target.finalUri);
    await zombie.file.write(bytesOf('zombie\n'));
    await zombie.file.persist();
    await expectReaders(h, [zombie.target, 'durable\nzombie\n']);
    await h.dispose();
  });

  test('after its lease was recovered a zombie is refused, whatever the name is by then', async () => {
    const h = harness();
    const zombie = await Writer.create(h.newStore(), newTarget(h));
    const durable = await (await zombie.write('durable\n')).persist();
    const taken = await takeOver(h.newStore(), zombie.target, durable);
    await zombie.file.write(bytesOf('zombie\n'));
    await expectCode(zombie.file.persist(), 'STORE_OUTCOME_UNKNOWN');
    await h.newStore().commitAfterRecovery(taken.target, taken.durable);
    await expectReaders(h, [zombie.target, 'durable\n']);
    await h.dispose();
  });

  test('whoever opened the file by its old name, before the rename, is shut out', async () => {
    const h = harness();
    const { namespace } = h.server;
    const dead = await Writer.create(h.newStore(), newTarget(h));
    const durable = await (await dead.write('durable\n')).persist();
    await dead.closeForCommit();
    // It is closed: found at the first call, its lease free at the second, renamed at the third.
    h.faults['store.resume'] = [null, null, 'slow'];
    const taking = takeOver(h.newStore(), dead.target, durable);
    await h.pass(30);
    const other = namespace.append(dead.target.temporaryUri, 'an earlier taker');
    namespace.write(other, 'an earlier taker', bytesOf('other\n'));
    namespace.flush(other, 'an earlier taker');
    const taken = await taking;
    expect(() => namespace.flush(other, 'an earlier taker')).toThrow('leaseExpired');
    await h.newStore().commitAfterRecovery(taken.target, taken.durable);
    await expectReaders(h, [dead.target, 'durable\n']);
    await h.dispose();
  });

  test('a taker that waits for the lease takes it again from whoever opens the file meanwhile', async () => {
    let opened = 0;
    for (let seed = 1; seed <= 20; seed += 1) {
      const h = harness(seed);
      const { namespace } = h.server;
      const dead = await Writer.create(h.newStore(), newTarget(h));
      const { target } = dead;
      const durable = await (await dead.write('durable\n')).persist();
      const state = { isTaken: false };
      const taking = takeOver(h.newStore(), target, durable).then(() => {
        state.isTaken = true;
      });
      const mayBeOpened = (): boolean =>
        namespace.isThere(target.temporaryUri) && namespace.isClosed(target.temporaryUri);
      while (!state.isTaken && !mayBeOpened()) await h.pass(1);
      if (!state.isTaken) {
        namespace.append(target.temporaryUri, 'an earlier taker');
        opened += 1;
      }
      await taking;
      await h.dispose();
    }
    expect(opened).toBeGreaterThan(5);
  });

  test('a file being written is not appended to or cut by another before its recovery', async () => {
    const h = harness();
    const writer = await Writer.create(h.newStore(), newTarget(h));
    const { namespace } = h.server;
    expect(() => namespace.append(writer.target.temporaryUri, 'other')).toThrow(Refused);
    expect(() => namespace.truncate(writer.target.temporaryUri, 0)).toThrow(Refused);
    await h.dispose();
  });

  test('a recovery keeps what was flushed, and of what was not any part', async () => {
    const lengths = new Set<number>();
    for (let seed = 1; seed <= 60; seed += 1) {
      const h = harness(seed);
      const { namespace } = h.server;
      const file = namespace.create('sim://lake/.file', 'one', null);
      namespace.write(file, 'one', bytesOf('abc'));
      namespace.flush(file, 'one');
      namespace.write(file, 'one', bytesOf('def'));
      namespace.recoverLease('sim://lake/.file');
      await h.pass(100);
      lengths.add(namespace.read('sim://lake/.file').length);
      await h.dispose();
    }
    expect([...lengths].sort()).toEqual([3, 4, 5, 6]);
  });

  test('a truncation answers at once or continues: not closed until it is done, then cut', async () => {
    const answers = new Set<boolean>();
    for (let seed = 1; seed <= 30; seed += 1) {
      const h = harness(seed);
      const { namespace } = h.server;
      const uri = 'sim://lake/.file';
      const file = namespace.create(uri, 'one', null);
      namespace.write(file, 'one', bytesOf('abcdef'));
      namespace.complete(file, 'one');
      const isCut = namespace.truncate(uri, 2);
      answers.add(isCut);
      if (!isCut) expect(namespace.isClosed(uri)).toBe(false);
      if (!isCut) expect(() => namespace.append(uri, 'two')).toThrow(Refused);
      await h.pass(100);
      expect(namespace.isClosed(uri)).toBe(true);
      expect(namespace.truncate(uri, 2)).toBe(true);
      expect(namespace.read(uri).toString()).toBe('ab');
      await h.dispose();
    }
    expect(answers).toEqual(new Set([true, false]));
  });

  test('a rename takes the place of what is there: whoever renames has to look first', async () => {
    const h = harness();
    h.server.put('sim://lake/final', bytesOf('first'));
    h.server.put('sim://lake/.other', bytesOf('second'));
    h.server.namespace.rename('sim://lake/.other', 'sim://lake/final');
    expect((await h.readers()).get('final')?.toString()).toBe('second');
    await h.dispose();
  });
});

describe('the OSS-HDFS store of the world: replies', () => {
  test('a publishing rename whose reply is lost is found done', async () => {
    const h = harness();
    const store = h.newStore();
    const writer = await Writer.create(store, newTarget(h));
    const durable = await (await writer.write('data\n')).closeForCommit();
    // The look passes, the rename's reply is lost.
    h.faults['store.commit'] = [null, 'lostReply'];
    await expectCode(store.commit(writer.target, durable), 'STORE_OUTCOME_UNKNOWN');
    await expectReaders(h, [writer.target, 'data\n']);
    await store.commitAfterRecovery(writer.target, durable);
    await expectReaders(h, [writer.target, 'data\n']);
    expect(await h.leftovers()).toEqual([]);
    await h.dispose();
  });

  for (const fault of ['lostReply', 'lostRequest', 'late'] as const) {
    test(`a takeover that meets ${fault} at any call is done again from all journaled names`, async () => {
      let failed = 0;
      for (let call = 0; ; call += 1) {
        const h = harness();
        const dead = await Writer.create(h.newStore(), newTarget(h));
        const durable = await (await dead.write('data\n')).persist();
        await dead.write('not durable\n');
        h.faults['store.resume'] = [...Array.from({ length: call }, () => null), fault];
        const outcome = await outcomeOf(takeOver(h.newStore(), dead.target, durable));
        delete h.faults['store.resume'];
        if (outcome === 'done') break;
        failed += 1;
        const taken = await takeOver(h.newStore(), dead.target, durable);
        // What was late arrives, and finds nothing under the names that it knows.
        await h.pass(1_000);
        await h.newStore().commitAfterRecovery(taken.target, taken.durable);
        await expectReaders(h, [dead.target, 'data\n']);
        expect(await h.leftovers()).toEqual([]);
        await h.dispose();
      }
      // At least: find, take the lease, rename, take the lease, cut, read and open.
      expect(failed).toBeGreaterThanOrEqual(6);
    });
  }
});
