/**
 * Every system call that makes a witness is a place to die; one whose writing was reported as done survives a
 * power cut.
 */
import { dirname } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createFileStore } from '../../../../src/stores/local/store.ts';
import { impatient, localHarness } from '../../../conformance/store/localHarness.ts';
import type { StoreHarness } from '../../../conformance/store/scene.ts';
import { failing, tappedFileSystem, type Call } from './tappedFileSystem.ts';

let h: StoreHarness;
const folder = (): string => `${h.sinkUri}/.tidemark/_witness/clicks/topic/0`;

beforeEach(async () => {
  h = await localHarness((pacer) => createFileStore({ pacer }));
});
afterEach(async () => {
  await h.dispose();
});

/** Writes, and dies at the n-th call, before or after it took effect. How many calls there were. */
async function dieAt(nth: number, side: 'before' | 'after'): Promise<number> {
  let calls = 0;
  const death = Promise.withResolvers<'died'>();
  const die = (): Promise<never> => {
    death.resolve('died');
    return new Promise<never>(() => undefined);
  };
  const fileSystem = tappedFileSystem({
    before: () => {
      calls += 1;
      return side === 'before' && calls === nth ? die() : undefined;
    },
    after: () => (side === 'after' && calls === nth ? die() : undefined),
  });
  const store = createFileStore({ pacer: impatient, fileSystem });
  await Promise.race([store.writeWitness(folder(), 'new').then(() => 'done'), death.promise]);
  await fileSystem.closeAll();
  return calls;
}

describe('a witness of the file store', () => {
  test('is whole or not there wherever its writer dies, and the one before it stays', async () => {
    await h.newStore().writeWitness(folder(), 'before');
    const calls = await dieAt(Infinity, 'before');
    expect(calls).toBeGreaterThan(3);
    for (let nth = 1; nth <= calls; nth += 1) {
      for (const side of ['before', 'after'] as const) {
        await h.newStore().removeWitnesses(folder(), ['new']);
        await dieAt(nth, side);
        const names = await h.newStore().listWitnesses(folder());
        expect([['before'], ['before', 'new']]).toContainEqual(names);
        await h.newStore().writeWitness(folder(), 'new');
        expect(await h.newStore().listWitnesses(folder())).toEqual(['before', 'new']);
      }
    }
  });

  test('has its name and every folder above it on the disk when it is reported as written', async () => {
    const unsynced = new Set<string>();
    const fileSystem = tappedFileSystem({
      after: ({ name, paths: [path = ''], args }: Call, result) => {
        if (name === 'open' && args[1] === 'wx') unsynced.add(dirname(path));
        if (name === 'mkdir' && typeof result === 'string')
          for (let made = path; made.length >= result.length; made = dirname(made))
            unsynced.add(dirname(made));
        if (name === 'handle.sync') unsynced.delete(path);
      },
    });
    const store = createFileStore({ pacer: impatient, fileSystem });
    for (const name of ['one', 'two']) {
      await store.writeWitness(folder(), name);
      expect([...unsynced]).toEqual([]);
    }
  });

  test('whose folder could not be synced is not reported as written', async () => {
    const fileSystem = tappedFileSystem(failing(({ name }) => name === 'handle.sync', 'EIO'));
    const store = createFileStore({ pacer: impatient, fileSystem });
    await expect(store.writeWitness(folder(), 'one')).rejects.toMatchObject({
      code: 'STORE_OUTCOME_UNKNOWN',
    });
  });

  test.each(['', '..', '../../clicks', 'a/b'])('"%s" is no name of one', async (name) => {
    await expect(h.newStore().writeWitness(folder(), name)).rejects.toMatchObject({
      code: 'STORE_HANDLE_INVALID',
    });
  });
});
