import { describe, expect, test } from 'vitest';
import { crc64Of } from '../../kernels/crc64.ts';
import { Refused } from '../../sim/simStores/errors.ts';
import { SimOssServer } from '../../sim/simStores/oss.ts';
import {
  bytesOf,
  expectCode,
  expectReaders,
  newTarget,
  takeOver,
  Writer,
} from '../conformance/store/scene.ts';
import { simHarness, type SimHarness } from '../conformance/store/simHarness.ts';

interface OssHarness extends SimHarness {
  readonly server: SimOssServer;
}

const PART_BYTES_MIN = 10;

function harness(seed = 1): OssHarness {
  const make = (options: ConstructorParameters<typeof SimOssServer>[0]): SimOssServer =>
    new SimOssServer({ ...options, uploadPartBytesMin: PART_BYTES_MIN });
  return simHarness(make, seed) as OssHarness;
}

describe('the OSS store of the world: upload parts', () => {
  test('a late part of the same number replaces the earlier one: completing fails on its ETag', async () => {
    const h = harness();
    const { bucket } = h.server;
    const id = bucket.beginUpload('sim://lake/final', 'sim://lake/.a');
    const etag = bucket.uploadPart(id, 1, bytesOf('first bytes'));
    bucket.uploadPart(id, 1, bytesOf('other bytes'));
    expect(() => bucket.complete(id, [{ number: 1, etag }])).toThrow('invalidPart');
    await h.dispose();
  });

  test('a late part with identical bytes changes nothing', async () => {
    const h = harness();
    const store = h.newStore();
    const writer = await Writer.create(store, newTarget(h));
    const durable = await (await writer.write('0123456789abcdef\n')).closeForCommit();
    const { uploadId } = durable.handle as { uploadId: string };
    h.server.bucket.uploadPart(uploadId, 1, bytesOf('0123456789abcdef\n'));
    await store.commit(writer.target, durable);
    await expectReaders(h, [writer.target, '0123456789abcdef\n']);
    await h.dispose();
  });

  test('only the last part of an upload may be short', async () => {
    const h = harness();
    const { bucket } = h.server;
    const id = bucket.beginUpload('sim://lake/final', 'sim://lake/.a');
    const parts = ['short', 'short, too'].map((text, index) => ({
      number: index + 1,
      etag: bucket.uploadPart(id, index + 1, bytesOf(text)),
    }));
    expect(() => bucket.complete(id, parts)).toThrow('partTooSmall');
    await h.dispose();
  });

  test('a writer that continues after its upload was completed is refused, its data is nowhere', async () => {
    const h = harness();
    const zombie = await Writer.create(h.newStore(), newTarget(h));
    const durable = await (await zombie.write('durable, more than a part\n')).persist();
    const taken = await takeOver(h.newStore(), zombie.target, durable);
    // Between the settler's tail and its completion a part of the zombie still arrives.
    await zombie.write('zombie, more than a part of it\n');
    await h.newStore().commitAfterRecovery(taken.target, taken.durable);
    await expectCode(zombie.write('zombie, again more than a part\n'), 'STORE_OUTCOME_UNKNOWN');
    await expectReaders(h, [zombie.target, 'durable, more than a part\n']);
    expect(await h.leftovers()).toEqual([]);
    await h.dispose();
  });
});

describe('the OSS store of the world: completing', () => {
  test('an upload that was completed or aborted is no upload any more', async () => {
    const h = harness();
    const { bucket } = h.server;
    const [one, two] = [
      bucket.beginUpload('sim://lake/one', 'sim://lake/.a'),
      bucket.beginUpload('sim://lake/two', 'sim://lake/.b'),
    ];
    const etag = bucket.uploadPart(one, 1, bytesOf('bytes'));
    bucket.complete(one, [{ number: 1, etag }]);
    bucket.abort(two);
    for (const id of [one, two]) expect(() => bucket.uploadPart(id, 2, bytesOf('x'))).toThrow('noSuchUpload');
    await h.dispose();
  });

  test('never over an object that is there', async () => {
    const h = harness();
    const { bucket } = h.server;
    h.server.put('sim://lake/final', bytesOf('foreign'));
    const id = bucket.beginUpload('sim://lake/final', 'sim://lake/.a');
    const etag = bucket.uploadPart(id, 1, bytesOf('own'));
    expect(() => bucket.complete(id, [{ number: 1, etag }])).toThrow(Refused);
    expect((await h.readers()).get('final')?.toString()).toBe('foreign');
    await h.dispose();
  });

  test('continues after its client was killed, and whoever asks meanwhile waits for it', async () => {
    let later = 0;
    for (let seed = 1; seed <= 20; seed += 1) {
      const h = harness(seed);
      const process = h.newProcess();
      const store = h.server.connect(process);
      const writer = await Writer.create(store, newTarget(h));
      const durable = await (await writer.write('data\n')).closeForCommit();
      void store.commit(writer.target, durable);
      process.kill();
      await h.pass(10);
      if (h.server.committed().size === 0) later += 1;
      await h.newStore().commitAfterRecovery(writer.target, durable);
      await expectReaders(h, [writer.target, 'data\n']);
      expect(await h.leftovers()).toEqual([]);
      await h.dispose();
    }
    expect(later).toBeGreaterThan(0);
  });

  for (const fault of ['lostReply', 'late'] as const) {
    test(`one that meets ${fault} is found done by the next attempt, or done by it`, async () => {
      const h = harness();
      const store = h.newStore();
      const writer = await Writer.create(store, newTarget(h));
      const durable = await (await writer.write('data\n')).closeForCommit();
      h.faults['store.commit'] = [fault];
      await expectCode(store.commit(writer.target, durable), 'STORE_OUTCOME_UNKNOWN');
      await store.commitAfterRecovery(writer.target, durable);
      await h.pass(1_000);
      await expectReaders(h, [writer.target, 'data\n']);
      expect(await h.leftovers()).toEqual([]);
      await h.dispose();
    });
  }
});

describe('the OSS store of the world: tails', () => {
  test("the settler's tail has a number of its own, and settlers send the same", async () => {
    const h = harness();
    const dead = await Writer.create(h.newStore(), newTarget(h));
    const durable = await (await dead.write('tail\n')).persist();
    const [one, two] = [
      await takeOver(h.newStore(), dead.target, durable),
      await takeOver(h.newStore(), dead.target, durable),
    ];
    expect(one.durable.handle).toEqual(two.durable.handle);
    expect(one.durable.handle).toMatchObject({
      parts: [{ number: 10_000, etag: crc64Of(bytesOf('tail\n')), length: 5 }],
    });
    await h.dispose();
  });

  test("a zombie's side object after the commit goes when it learns that its epoch is over", async () => {
    const h = harness();
    const old = h.newStore();
    const zombie = await Writer.create(old, newTarget(h));
    const durable = await (await zombie.write('one\n')).persist();
    const taken = await takeOver(h.newStore(), zombie.target, durable);
    await h.newStore().commitAfterRecovery(taken.target, taken.durable);
    await (await zombie.write('two\n')).persist();
    expect(await h.leftovers()).toHaveLength(1);
    await old.sideObjects?.discardUncheckpointed(zombie.target, durable.handle);
    expect(await h.leftovers()).toEqual([]);
    await h.dispose();
  });

  test('the one that counts is kept for the settler', async () => {
    const h = harness();
    const old = h.newStore();
    const zombie = await Writer.create(old, newTarget(h));
    const durable = await (await zombie.write('one\n')).persist();
    await (await zombie.write('two\n')).persist();
    await old.sideObjects?.discardUncheckpointed(zombie.target, durable.handle);
    const taken = await takeOver(h.newStore(), zombie.target, durable);
    await h.newStore().commitAfterRecovery(taken.target, taken.durable);
    await expectReaders(h, [zombie.target, 'one\n']);
    await h.dispose();
  });
});
