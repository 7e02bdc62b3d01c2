/**
 * What a power cut may take: bytes that no fdatasync covered, and names whose folder was not synced since.
 * The taps keep the books; whatever the store reports as done must not be among them.
 */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { journalId } from '../../../../journal/ids.ts';
import { createFileStore } from '../../../../src/stores/local/store.ts';
import { impatient, localHarness } from '../../../conformance/store/localHarness.ts';
import { finishWith, newTarget, Writer } from '../../../conformance/store/scene.ts';
import type { StoreHarness } from '../../../conformance/store/scene.ts';
import { tappedFileSystem, type Call, type Tap } from './tappedFileSystem.ts';

class PowerCut {
  readonly bytes = new Set<string>();
  /** Folders with entries made or removed since their last fsync. */
  readonly folders = new Set<string>();
  /** Folder of the other name, by the name that it was linked from. */
  readonly #linked = new Map<string, string>();
  syncs = 0;

  readonly tap: Tap = {
    before: (call) => this.#beforeCall(call),
    after: (call, result) => this.#afterCall(call, result),
  };

  takes(): string[] {
    return [...this.bytes, ...this.folders].sort();
  }

  /**
   * A name may only go once the other name of the same file is there to stay; and the final one may only come
   * once the hidden name says for good that it may have.
   */
  #beforeCall({ name, paths: [path = ''] }: Call): void {
    if (name === 'link' && path.endsWith('.p') && this.folders.has(dirname(path)))
      throw new Error(`${path} was published before that name of it was durable`);
    const other = this.#linked.get(path);
    if (name === 'unlink' && other !== undefined && this.folders.has(other)) {
      throw new Error(`${path} was removed before its other name was durable`);
    }
  }

  #afterCall({ name, paths: [path = '', to = ''], args }: Call, result: unknown): void {
    if (name === 'open' && (args[1] === 'ax' || args[1] === 'wx')) this.#made(path);
    if (name === 'copyFile') this.#made(to);
    // The marker's trial of hard links is no file that counts.
    if (name === 'link' && !path.includes('/.tidemark/')) this.#linked.set(path, dirname(to));
    if (name === 'link') this.folders.add(dirname(to));
    if (name === 'unlink' || name === 'rmdir') this.#removed(path);
    if (name === 'rename') this.folders.add(dirname(path)).add(dirname(to));
    if (name === 'mkdir' && typeof result === 'string') this.#madeFolders(result, path);
    if (name === 'handle.write' || name === 'handle.truncate') this.bytes.add(path);
    if (name === 'handle.datasync') this.bytes.delete(path);
    if (name === 'handle.sync') {
      this.syncs += 1;
      this.folders.delete(path);
    }
  }

  #made(path: string): void {
    this.bytes.add(path);
    this.folders.add(dirname(path));
  }

  #removed(path: string): void {
    this.bytes.delete(path);
    this.folders.add(dirname(path));
  }

  #madeFolders(first: string, last: string): void {
    for (let folder = last; folder.length >= first.length; folder = dirname(folder)) {
      this.folders.add(dirname(folder));
    }
  }
}

let h: StoreHarness;
let power: PowerCut;
beforeEach(async () => {
  h = await localHarness((pacer) => createFileStore({ pacer }));
  power = new PowerCut();
});
afterEach(() => h.dispose());

const newStore = () => createFileStore({ pacer: impatient, fileSystem: tappedFileSystem(power.tap) });

test('a persisted file is durable with every folder that leads to it, time and again', async () => {
  const writer = await Writer.create(newStore(), newTarget(h));
  expect(power.takes()).not.toEqual([]);
  await (await writer.write('one\n')).persist();
  expect(power.takes()).toEqual([]);
  await writer.write('two\n');
  expect(power.takes()).not.toEqual([]);
  await writer.persist();
  expect(power.takes()).toEqual([]);
  await (await writer.write('three\n')).closeForCommit();
  expect(power.takes()).toEqual([]);
});

test('a file that grows is made durable while it does, and no write waits for that', async () => {
  const syncing = Promise.withResolvers<undefined>();
  let syncs = 0;
  const before = async ({ name }: Call): Promise<void> => {
    if (name !== 'handle.datasync') return;
    syncs += 1;
    await syncing.promise;
  };
  const fileSystem = tappedFileSystem({ before });
  const writer = await Writer.create(createFileStore({ pacer: impatient, fileSystem }), newTarget(h));
  const long = `${'x'.repeat(9 * 1024 * 1024)}\n`;
  await writer.write(long);
  expect(syncs).toBe(0);
  for (let count = 0; count < 4; count += 1) await writer.write(long);
  // One at a time.
  expect(syncs).toBe(1);
  syncing.resolve(undefined);
  await writer.persist();
  expect(syncs).toBe(2);
  await writer.file.abandon();
});

test('an empty file is durable once it is closed', async () => {
  const writer = await Writer.create(newStore(), newTarget(h));
  await writer.closeForCommit();
  expect(power.takes()).toEqual([]);
});

test('folders that a process made before it died are made durable by the next', async () => {
  const dead = await Writer.create(newStore(), newTarget(h));
  expect(power.folders.size).toBeGreaterThan(2);
  const writer = await Writer.create(newStore(), newTarget(h));
  await writer.persist();
  await dead.file.abandon();
  expect([...power.folders]).toEqual([]);
  await writer.file.abandon();
});

test('a folder that is new below folders known to be durable is durable too', async () => {
  const store = newStore();
  const first = await Writer.create(store, newTarget(h));
  await first.closeForCommit();
  const target = newTarget(h);
  const elsewhere = (uri: string): string => uri.replace('dt=2026-01-02', 'dt=2026-01-03');
  const second = await Writer.create(store, {
    ...target,
    finalUri: elsewhere(target.finalUri),
    temporaryUri: elsewhere(target.temporaryUri),
  });
  expect(power.takes().length).toBeGreaterThan(2);
  await second.persist();
  expect(power.takes()).toEqual([]);
  await second.file.abandon();
});

test('folders that somebody removed are made durable again', async () => {
  const store = newStore();
  const first = await Writer.create(store, newTarget(h));
  await store.commit(first.target, await first.closeForCommit());
  const { rm } = await import('node:fs/promises');
  await rm(h.sinkUri.slice('file://'.length), { recursive: true });
  await mkdir(h.sinkUri.slice('file://'.length));
  const second = await Writer.create(store, newTarget(h));
  expect(power.folders.size).toBeGreaterThan(2);
  await second.closeForCommit();
  expect(power.takes()).toEqual([]);
});

test('a committed file is durable, and its temporary name is gone for good', async () => {
  const store = newStore();
  const writer = await Writer.create(store, newTarget(h));
  await store.commit(writer.target, await (await writer.write('one\n')).closeForCommit());
  expect(power.takes()).toEqual([]);
});

test('a taken-over file is durable before anything counts on it, and published for good', async () => {
  const writer = await Writer.create(newStore(), newTarget(h));
  const durable = await (await writer.write('one\n')).persist();
  const copy = { ...writer.target, temporaryUri: `${writer.target.temporaryUri}.2` };
  await finishWith(newStore(), writer.target, durable, copy.temporaryUri);
  expect(power.takes()).toEqual([]);
  await newStore().commitAfterRecovery(copy, durable);
  expect(power.takes()).toEqual([]);
  await newStore().discard([writer.target.temporaryUri], null);
  expect(power.takes()).toEqual([]);
  await writer.file.abandon();
});

test('what a dead publisher left undone is made durable by whoever finds it published', async () => {
  const writer = await Writer.create(newStore(), newTarget(h));
  const durable = await (await writer.write('one\n')).closeForCommit();
  const path = (uri: string): string => uri.slice('file://'.length);
  const dying = tappedFileSystem(power.tap);
  await dying.link(path(writer.target.temporaryUri), path(writer.target.finalUri));
  expect(power.takes()).not.toEqual([]);
  await newStore().commitAfterRecovery(writer.target, durable);
  expect(power.takes()).toEqual([]);
});

test('what a dead discarder left undone is made durable by the next one', async () => {
  const writer = await Writer.create(newStore(), newTarget(h));
  await writer.persist();
  await tappedFileSystem(power.tap).unlink(writer.target.temporaryUri.slice('file://'.length));
  expect(power.takes()).not.toEqual([]);
  await newStore().discard([writer.target.temporaryUri], null);
  expect(power.takes()).toEqual([]);
  await writer.file.abandon();
});

test('a marker is durable for the one who made it and for the one who found it', async () => {
  expect(await newStore().claimMarker(h.sinkUri, 'clicks', journalId('journal-1'))).toBe('journal-1');
  expect(power.takes()).toEqual([]);
  const dying = createFileStore({
    fileSystem: tappedFileSystem({
      ...power.tap,
      after: async (call, result) => {
        await power.tap.after?.(call, result);
        if (call.name === 'rename') throw new Error('died');
      },
    }),
  });
  await expect(dying.claimMarker(h.sinkUri, 'orders', journalId('journal-1'))).rejects.toThrow(/died/);
  expect(power.takes()).not.toEqual([]);
  expect(await newStore().claimMarker(h.sinkUri, 'orders', journalId('journal-2'))).toBe('journal-1');
  expect(power.takes()).toEqual([]);
});

test('the folders above are synced once per process, not once per file', async () => {
  const store = newStore();
  const first = await Writer.create(store, newTarget(h));
  await first.closeForCommit();
  power.syncs = 0;
  const second = await Writer.create(store, newTarget(h));
  await second.closeForCommit();
  expect(power.syncs).toBe(1);
});
