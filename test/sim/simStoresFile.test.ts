import { describe, expect, test } from 'vitest';
import { crc64Of } from '../../kernels/crc64.ts';
import { SimFileServer } from '../../sim/simStores/file.ts';
import type { DurablePart } from '../../src/stores/port.ts';
import {
  bytesOf,
  expectCode,
  expectReaders,
  finishWith,
  newTarget,
  outcomeOf,
  Writer,
} from '../conformance/store/scene.ts';
import { simHarness, type SimHarness } from '../conformance/store/simHarness.ts';

const SEEDS = Array.from({ length: 40 }, (_, index) => index + 1);

function harness(seed = 1): SimHarness {
  return simHarness((options) => new SimFileServer(options), seed);
}

/** What is under the temporary names of the world. */
function isThere(h: SimHarness, uri: string): boolean {
  return h.server.leftovers().includes(uri);
}

describe('the file store of the world: descriptors', () => {
  test('a zombie writes by its descriptor into a file that meanwhile has its final name', async () => {
    const h = harness();
    const zombie = await Writer.create(h.newStore(), newTarget(h));
    const durable = await (await zombie.write('durable\n')).persist();
    // What no settler of ours does: the inode itself is published, not a copy.
    await h.newStore().commitAfterRecovery(zombie.target, durable);
    await zombie.file.write(bytesOf('zombie\n'));
    await expectReaders(h, [zombie.target, 'durable\nzombie\n']);
    await h.dispose();
  });

  test('a process that is killed loses nothing that it wrote, and what was on its way arrives', async () => {
    const h = harness();
    const process = h.newProcess();
    const writer = await Writer.create(h.server.connect(process), newTarget(h));
    await writer.write('written\n');
    void writer.file.write(bytesOf('on its way\n'));
    process.kill();
    await h.pass(50);
    const durable = journaled('written\non its way\n');
    await h.newStore().commitAfterRecovery(writer.target, durable);
    await expectReaders(h, [writer.target, 'written\non its way\n']);
    await h.dispose();
  });
});

describe('the file store of the world: a power cut', () => {
  test('keeps what was made durable, and may take or tear what was not', async () => {
    const found = new Set<string>();
    for (const seed of SEEDS) {
      const h = harness(seed);
      const writer = await Writer.create(h.newStore(), newTarget(h));
      const durable = await (await writer.write('durable\n')).persist();
      await writer.write('not durable\n');
      h.server.powerCut();
      const whole = journaled('durable\nnot durable\n');
      found.add(
        (await outcomeOf(
          finishWith(h.newStore(), writer.target, whole, `${writer.target.temporaryUri}.1`),
        )) === 'done'
          ? 'kept'
          : 'lost',
      );
      await finishWith(h.newStore(), writer.target, durable, `${writer.target.temporaryUri}.2`);
      await h
        .newStore()
        .commitAfterRecovery({ ...writer.target, temporaryUri: `${writer.target.temporaryUri}.2` }, durable);
      await expectReaders(h, [writer.target, 'durable\n']);
      await h.dispose();
    }
    expect(found).toEqual(new Set(['kept', 'lost']));
  });

  test('may leave the length of what was not durable without its bytes', async () => {
    let torn = 0;
    for (const seed of SEEDS) {
      const h = harness(seed);
      const target = newTarget(h);
      const writer = await Writer.create(h.newStore(), target);
      await (await writer.write('durable\n')).persist();
      await writer.write('xxxxxxxx');
      h.server.powerCut();
      const copy = await outcomeOf(h.newStore().commit(target, journaled('durable\nxxxxxxxx')));
      // A commit after closing compares the length alone.
      if (copy === 'done')
        torn += [...(await h.readers()).values()].filter((bytes) => bytes.includes(0)).length;
      await h.dispose();
    }
    expect(torn).toBeGreaterThan(0);
  });

  test('may take a name that its folder was not made durable for, and takes none that it was', async () => {
    const outcomes = new Set<boolean>();
    for (const seed of SEEDS) {
      const h = harness(seed);
      const fresh = await Writer.create(h.newStore(), newTarget(h));
      h.server.powerCut();
      outcomes.add(isThere(h, fresh.target.temporaryUri));
      const kept = await Writer.create(h.newStore(), newTarget(h));
      await kept.persist();
      h.server.powerCut();
      expect(isThere(h, kept.target.temporaryUri)).toBe(true);
      await h.dispose();
    }
    expect(outcomes).toEqual(new Set([true, false]));
  });

  test('between the two names of a commit leaves the bytes under one of them at least', async () => {
    for (const seed of SEEDS) {
      const h = harness(seed);
      const process = h.newProcess();
      const writer = await Writer.create(h.server.connect(process), newTarget(h));
      const durable = await (await writer.write('data\n')).closeForCommit();
      void h.server.connect(process).commit(writer.target, durable);
      await h.pass(seed % 12);
      process.kill();
      h.server.powerCut();
      await h.newStore().commitAfterRecovery(writer.target, durable);
      await expectReaders(h, [writer.target, 'data\n']);
      expect(await h.leftovers()).toEqual([]);
      await h.dispose();
    }
  });

  test('loses the calls that are on their way', async () => {
    const h = harness();
    const writer = await Writer.create(h.newStore(), newTarget(h));
    const writing = writer.file.write(bytesOf('never\n'));
    h.server.powerCut();
    await expectCode(writing, 'STORE_OUTCOME_UNKNOWN');
    await h.dispose();
  });
});

function journaled(text: string): DurablePart {
  return { length: text.length, crc64: crc64Of(bytesOf(text)), handle: null };
}
