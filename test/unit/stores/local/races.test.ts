/**
 * Somebody else does the whole of it between two system calls of the one under test: at each of them in turn.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { journalId } from '../../../../journal/ids.ts';
import { createFileStore } from '../../../../src/stores/local/store.ts';
import type { Store } from '../../../../src/stores/port.ts';
import { impatient, localHarness } from '../../../conformance/store/localHarness.ts';
import { bytesOf, expectReaders, finishWith, newTarget, Writer } from '../../../conformance/store/scene.ts';
import type { StoreHarness } from '../../../conformance/store/scene.ts';
import { tappedFileSystem } from './tappedFileSystem.ts';

let h: StoreHarness;
beforeEach(async () => {
  h = await localHarness((pacer) => createFileStore({ pacer }));
});
afterEach(() => h.dispose());

const other = (): Store => createFileStore({ pacer: impatient });

/** A store before whose `at`-th call the others act; `reached` says whether there was such a call. */
function interrupted(at: number, act: () => Promise<unknown>) {
  let calls = 0;
  let pauses = 0;
  const fileSystem = tappedFileSystem({
    before: async () => {
      calls += 1;
      if (calls === at) await act();
    },
  });
  const pacer = {
    nowMs: () => 0,
    pause: () => {
      pauses += 1;
      return Promise.resolve();
    },
  };
  return { store: createFileStore({ pacer, fileSystem }), reached: () => calls >= at, pauses: () => pauses };
}

async function pendingFile() {
  const writer = await Writer.create(other(), newTarget(h));
  return { target: writer.target, durable: await (await writer.write('data\n')).closeForCommit() };
}

describe.each(['commit', 'commitAfterRecovery'] as const)('%s', (publish) => {
  test('is done wherever another settler publishes the file meanwhile, without waiting', async () => {
    for (let at = 1; ; at += 1) {
      const { target, durable } = await pendingFile();
      const { store, reached, pauses } = interrupted(at, () => other().commitAfterRecovery(target, durable));
      await store[publish](target, durable);
      await expectReaders(h, [target, 'data\n']);
      expect(await h.leftovers()).toEqual([]);
      // Publishing makes the final name before it removes the temporary one: in this order one of them is
      // always found.
      expect(pauses()).toBe(0);
      await h.remove(target.finalUri);
      if (!reached()) {
        expect(at).toBeGreaterThan(6);
        return;
      }
    }
  });

  test('never overwrites, wherever a foreign file appears under the final name', async () => {
    for (let at = 1; ; at += 1) {
      const { target, durable } = await pendingFile();
      const { store, reached } = interrupted(at, async () => {
        if ((await h.readers()).size === 0) await h.put(target.finalUri, bytesOf('foreign\n'));
      });
      const outcome = await store[publish](target, durable).then(
        () => 'data\n',
        () => 'foreign\n',
      );
      await expectReaders(h, [target, outcome]);
      await h.remove(target.finalUri);
      if (!reached()) return;
    }
  });
});

test('a takeover yields what was durable, wherever the former owner writes meanwhile', async () => {
  for (let at = 1; ; at += 1) {
    const zombie = await Writer.create(other(), newTarget(h));
    const durable = await (await zombie.write('durable\n')).persist();
    const { store, reached } = interrupted(at, () => zombie.file.write(bytesOf('zombie\n')));
    const copy = { ...zombie.target, temporaryUri: `${zombie.target.temporaryUri}.2` };
    await finishWith(store, zombie.target, durable, copy.temporaryUri);
    await store.commitAfterRecovery(copy, durable);
    await zombie.file.write(bytesOf('zombie\n'));
    await zombie.file.persist();
    await expectReaders(h, [zombie.target, 'durable\n']);
    await h.remove(zombie.target.finalUri);
    await zombie.file.abandon();
    if (!reached()) {
      expect(at).toBeGreaterThan(15);
      return;
    }
  }
});

test('a marker goes to one journal, wherever another one claims it, and both hear the same', async () => {
  const [first, second] = [journalId('journal-1'), journalId('journal-2')];
  for (let at = 1; ; at += 1) {
    const job = `job-${at}`;
    const answers: string[] = [];
    const { store, reached } = interrupted(at, async () => {
      answers.push(await other().claimMarker(h.sinkUri, job, second));
    });
    answers.push(await store.claimMarker(h.sinkUri, job, first));
    expect(new Set(answers).size).toBe(1);
    expect(await other().readMarker(h.sinkUri, job)).toBe(answers[0]);
    expect(await h.leftovers()).toEqual([]);
    if (!reached()) return;
  }
});

test('a file that is closed for commit is held open by nobody', async () => {
  const open = { descriptors: 0 };
  const fileSystem = tappedFileSystem({
    after: ({ name }) => {
      if (name === 'open') open.descriptors += 1;
      if (name === 'handle.close') open.descriptors -= 1;
    },
  });
  const store = createFileStore({ pacer: impatient, fileSystem });
  const writer = await Writer.create(store, newTarget(h));
  const durable = await (await writer.write('data\n')).persist();
  expect(open.descriptors).toBe(1);
  await finishWith(store, writer.target, durable, `${writer.target.temporaryUri}.2`);
  expect(open.descriptors).toBe(1);
  await writer.closeForCommit();
  expect(open.descriptors).toBe(0);
});
