/** Files and folders that somebody else changes while this process writes. */
import { mkdir, readFile, rm, truncate, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createFileStore } from '../../../../src/stores/local/store.ts';
import { Folders } from '../../../../src/stores/local/folders.ts';
import { impatient, localHarness } from '../../../conformance/store/localHarness.ts';
import { newTarget, Writer, type StoreHarness } from '../../../conformance/store/scene.ts';
import { tappedFileSystem } from './tappedFileSystem.ts';

let h: StoreHarness;
beforeEach(async () => {
  h = await localHarness((pacer) => createFileStore({ pacer }));
});
afterEach(() => h.dispose());

const pathOf = (uri: string): string => uri.slice('file://'.length);

describe('a temporary file', () => {
  test.each(['at once', 'after more was written'])(
    'that is shortened is found by %s persisting it',
    async (when) => {
      const target = newTarget(h);
      const writer = await Writer.create(createFileStore({ pacer: impatient }), target);
      await (await writer.write('one\ntwo\nthree\n')).persist();
      await truncate(pathOf(target.temporaryUri), 4);
      if (when !== 'at once') await writer.write('four, which is long enough to lie behind the gap\n');
      await expect(writer.persist()).rejects.toMatchObject({
        code: 'STORE_CONTENT_DIFFERS',
        fields: { files: [pathOf(target.temporaryUri)] },
      });
      await expect(writer.persist()).rejects.toMatchObject({ code: 'STORE_OUTCOME_UNKNOWN' });
      await writer.file.abandon();
      expect(await readFile(pathOf(target.temporaryUri), 'utf8')).not.toContain('\0');
    },
  );

  test('that is shortened is found by closing it', async () => {
    const target = newTarget(h);
    const writer = await Writer.create(createFileStore({ pacer: impatient }), target);
    await writer.write('one\ntwo\nthree\n');
    await truncate(pathOf(target.temporaryUri), 4);
    await expect(writer.closeForCommit()).rejects.toMatchObject({ code: 'STORE_CONTENT_DIFFERS' });
    await writer.file.abandon();
  });

  test.each(['nothing else', 'a backup'])('that is removed while %s has it never counts', async (other) => {
    const target = newTarget(h);
    const writer = await Writer.create(createFileStore({ pacer: impatient }), target);
    await (await writer.write('one\n')).persist();
    if (other === 'a backup') await h.backUp?.();
    await (await writer.write('two\n')).persist();
    await unlink(pathOf(target.temporaryUri));
    await expect(writer.persist()).rejects.toMatchObject({
      code: 'STORE_OUTCOME_UNKNOWN',
      retry: 'transient',
    });
    await writer.file.abandon();
  });
});

test('a folder that another process removed and made again is made durable again, with its way', async () => {
  const synced: string[] = [];
  const fileSystem = tappedFileSystem({
    before: ({ name, paths: [path = ''] }) => {
      if (name === 'handle.sync') synced.push(path);
    },
  });
  const folders = new Folders(fileSystem);
  const target = newTarget(h);
  const folder = dirname(pathOf(target.finalUri));
  await folders.make(folder);
  await folders.makeDurable(folder);
  synced.length = 0;
  await folders.makeDurable(folder);
  expect(synced).toEqual([folder]);
  await rm(folder, { recursive: true });
  await mkdir(folder);
  synced.length = 0;
  await folders.makeDurable(folder);
  expect(synced).toEqual([folder, dirname(folder)]);
});
