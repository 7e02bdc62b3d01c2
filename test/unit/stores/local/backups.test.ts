/**
 * Backups of hard links (`cp -al`), taken before system calls of a process that dies at any of them, or not
 * at all. A backup adds links to hidden files. It must never make a file look published that was not, nor one
 * look lost.
 */
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createFileStore } from '../../../../src/stores/local/store.ts';
import type { DurablePart, PartTarget, Store } from '../../../../src/stores/port.ts';
import { impatient, linkAll } from '../../../conformance/store/localHarness.ts';
import {
  expectCode,
  expectReaders,
  finishWith,
  newTarget,
  outcomeOf,
  Writer,
} from '../../../conformance/store/scene.ts';
import type { StoreHarness } from '../../../conformance/store/scene.ts';
import { withLocalStore } from './localStore.ts';
import { failing, tappedFileSystem, type Call } from './tappedFileSystem.ts';

let h: StoreHarness;
const closers = withLocalStore((harness) => {
  h = harness;
});

const fresh = (): Store => createFileStore({ pacer: impatient });
const pathOf = (uri: string): string => uri.slice('file://'.length);
const backUp = async (): Promise<() => Promise<void>> => (await h.backUp?.()) ?? (() => Promise.resolve());
const stands = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );

/** What the journal holds of a file that was persisted once, and then closed. */
interface Facts {
  readonly names: string[];
  target: PartTarget;
  durable: DurablePart;
  content: string;
  isPending: boolean;
}

/** A file in progress, and what its process does with it: it closes it and publishes it. */
async function inProgress() {
  const target = newTarget(h);
  const open = async (store: Store): Promise<{ facts: Facts; go: () => Promise<void> }> => {
    const writer = await (await Writer.create(store, target)).write('one\n');
    const durable = await writer.persist();
    const facts: Facts = {
      names: [target.temporaryUri],
      target,
      durable,
      content: 'one\n',
      isPending: false,
    };
    const go = async (): Promise<void> => {
      await writer.write('two\n');
      facts.durable = await writer.closeForCommit();
      Object.assign(facts, { content: 'one\ntwo\n', isPending: true });
      await store.commit(target, facts.durable);
    };
    return { facts, go };
  };
  return open;
}

/** What every owner does first. */
async function settle(facts: Facts): Promise<void> {
  const store = fresh();
  const { target, durable, isPending, names } = facts;
  if (!isPending) {
    const temporaryUri = `${target.temporaryUri}.copy`;
    names.push(temporaryUri);
    await finishWith(store, target, durable, temporaryUri);
    Object.assign(facts, { target: { ...target, temporaryUri }, isPending: true });
  }
  await store.commitAfterRecovery(facts.target, durable);
  await store.discard(names, null);
}

/**
 * Runs the process; before its call `backUpAt` a backup is taken, and it dies before or after its call
 * `dieAt`.
 */
async function run(backUpAt: number, dieAt: number, side: 'before' | 'after') {
  const death = Promise.withResolvers<'died'>();
  const forever = new Promise<never>(() => undefined);
  let calls = 0;
  let isCounted = false;
  const backups: (() => Promise<void>)[] = [];
  const dies = (at: 'before' | 'after'): Promise<never> | undefined => {
    if (!isCounted || at !== side || calls < dieAt) return undefined;
    death.resolve('died');
    return forever;
  };
  const fileSystem = tappedFileSystem({
    before: async () => {
      if (!isCounted) return;
      calls += 1;
      if (calls === backUpAt) backups.push(await backUp());
      await dies('before');
    },
    after: () => dies('after'),
  });
  closers.push(() => fileSystem.closeAll());
  const { facts, go } = await (await inProgress())(createFileStore({ pacer: impatient, fileSystem }));
  isCounted = true;
  const end = await Promise.race([go().then(() => 'done' as const), death.promise]);
  // Where it died before that call, the backup is taken of what it left.
  return { facts, end, deleteBackup: backups[0] ?? (await backUp()) };
}

/**
 * While it is written, pending where it dies at its link, at each call before its end, and when it is dead.
 */
function backupsFor(dieAt: number): number[] {
  return [...new Set([1, dieAt - 6, dieAt - 1, dieAt, dieAt + 1])].filter((at) => at > 0);
}

/**
 * Whether all that can be seen is what a reader leaves behind who has moved the file: then a stop is right.
 */
async function looksMovedAway({ target }: Facts): Promise<boolean> {
  const publishing = `${pathOf(target.temporaryUri)}.p`;
  return (await stands(publishing)) && !(await stands(pathOf(target.finalUri)));
}

async function expectSettled({ target, content }: Facts): Promise<void> {
  await expectReaders(h, [target, content]);
  expect(await h.leftovers()).toEqual([]);
  await h.remove(target.finalUri);
}

describe.each(['before', 'after'] as const)('a process that dies %s any call', (side) => {
  test('with a backup of any moment is settled, or stops between rename and link for a while', async () => {
    const stops = new Set<number>();
    let dieAt = 1;
    for (let isDone = false; !isDone; dieAt += 1) {
      for (const backUpAt of backupsFor(dieAt)) {
        const { facts, end, deleteBackup } = await run(backUpAt, dieAt, side);
        isDone ||= end === 'done';
        const mayStop = await looksMovedAway(facts);
        const outcome = await outcomeOf(settle(facts));
        if (outcome !== 'done') {
          expect(outcome).toMatchObject({ code: 'STORE_FILE_MISSING' });
          expect(mayStop).toBe(true);
          await expectReaders(h);
          stops.add(dieAt);
        }
        await deleteBackup();
        await settle(facts);
        await expectSettled(facts);
      }
    }
    expect(dieAt).toBeGreaterThan(15);
    // Rename, and the sync of the folder with its look at it, and link: nowhere else.
    expect(stops.size).toBeLessThan(8);
  });
});

describe('a pending file that a backup has', () => {
  async function pending() {
    const writer = await Writer.create(fresh(), newTarget(h));
    return { target: writer.target, durable: await (await writer.write('data\n')).closeForCommit() };
  }

  test('is published where the backup was taken of a backup, or below the sink', async () => {
    const { target, durable } = await pending();
    const sink = pathOf(h.sinkUri);
    await linkAll(join(sink, 'dt=2026-01-02'), join(sink, '_backup'));
    await linkAll(join(sink, '_backup'), join(sink, '_backup-of-backup'));
    await fresh().commitAfterRecovery(target, durable);
    await fresh().commitAfterRecovery(target, durable);
    await expectReaders(h, [target, 'data\n']);
    // What the backups hold is theirs.
    expect(await h.leftovers()).not.toEqual([]);
  });

  const REFUSALS = [
    ['link', 'ENOSPC'],
    ['open', 'EMFILE'],
  ] as const;
  for (const [name, code] of REFUSALS) {
    test.each(['before', 'after'])(
      `is published after ${code} at ${name}, with a backup of %s it`,
      async (when) => {
        const { target, durable } = await pending();
        if (when === 'before') await backUp();
        // The folder, not the file that is read back.
        const isRefused = ({ name: called, paths: [path = ''] }: Call): boolean =>
          called === name && (name === 'link' || !path.includes('/.'));
        const fileSystem = tappedFileSystem(failing(isRefused, code));
        const full = createFileStore({ pacer: impatient, fileSystem });
        for (const publish of ['commit', 'commitAfterRecovery'] as const)
          await expectCode(full[publish](target, durable), 'STORE_UNAVAILABLE');
        if (when === 'after') await backUp();
        await fresh().commitAfterRecovery(target, durable);
        await expectReaders(h, [target, 'data\n']);
        expect(await h.leftovers()).toEqual([]);
      },
    );
  }

  test('is not published again where a reader moved it away before its hidden name went', async () => {
    const { target, durable } = await pending();
    await backUp();
    const isUnlink = ({ name }: Call): boolean => name === 'unlink';
    const store = createFileStore({
      pacer: impatient,
      fileSystem: tappedFileSystem(failing(isUnlink, 'EIO')),
    });
    await expectCode(store.commit(target, durable), 'STORE_OUTCOME_UNKNOWN');
    await backUp();
    await h.remove(target.finalUri);
    const error = await expectCode(fresh().commitAfterRecovery(target, durable), 'STORE_FILE_MISSING');
    expect(error.message).toContain('find -samefile');
    await expectReaders(h);
  });
});
