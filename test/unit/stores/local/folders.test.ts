/** Syncs of a folder that many ask for at once. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Folders } from '../../../../src/stores/local/folders.ts';
import { systemError, tappedFileSystem } from './tappedFileSystem.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tidemark-folders-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Its first sync of the folder waits until it is released, and then ends as asked. */
function heldFolders() {
  const begun = Promise.withResolvers<undefined>();
  const end = Promise.withResolvers<undefined>();
  let syncs = 0;
  const fileSystem = tappedFileSystem({
    before: async ({ name, paths }) => {
      if (name !== 'handle.sync' || paths[0] !== folder) return;
      syncs += 1;
      if (syncs > 1) return;
      begun.resolve(undefined);
      await end.promise;
    },
  });
  return { folders: new Folders(fileSystem), begun: begun.promise, end, syncs: () => syncs };
}

describe('whoever asks for a sync while one is under way', () => {
  test('shares one that begins behind it', async () => {
    const { folders, begun, end, syncs } = heldFolders();
    const first = folders.makeDurable(folder);
    await begun;
    const others = [folders.makeDurable(folder), folders.makeDurable(folder), folders.makeDurable(folder)];
    end.resolve(undefined);
    await Promise.all([first, ...others]);
    expect(syncs()).toBe(2);
  });

  test('fails where that one fails, as the system reports it only once; later ones ask anew', async () => {
    const { folders, begun, end, syncs } = heldFolders();
    const asked = [folders.makeDurable(folder)];
    await begun;
    asked.push(folders.makeDurable(folder), folders.makeDurable(folder));
    const outcomes = Promise.allSettled(asked);
    end.reject(systemError('EIO'));
    for (const outcome of await outcomes)
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'STORE_OUTCOME_UNKNOWN' } });
    expect(syncs()).toBe(1);
    await folders.makeDurable(folder);
    expect(syncs()).toBe(2);
  });
});
