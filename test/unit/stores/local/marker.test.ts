import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createFileStore } from '../../../../src/stores/local/store.ts';
import type { Store } from '../../../../src/stores/port.ts';
import { impatient, localHarness } from '../../../conformance/store/localHarness.ts';
import { expectCode, type StoreHarness } from '../../../conformance/store/scene.ts';
import { failing, tappedFileSystem } from './tappedFileSystem.ts';

let h: StoreHarness;
beforeEach(async () => {
  h = await localHarness((pacer) => createFileStore({ pacer }));
});
afterEach(() => h.dispose());

const pathOf = (uri: string): string => uri.slice('file://'.length);

describe('the marker', () => {
  const job = 'clicks';
  const folder = (): string => join(pathOf(h.sinkUri), '.tidemark', job);
  const id = '0123456789abcdef' as Parameters<Store['claimMarker']>[2];

  test.each([
    ['two ids', ['aaaaaaaa', 'bbbbbbbb']],
    ['a name that is no id', ['not an id']],
  ] as const)('%s stop the job and are listed', async (_what, names) => {
    for (const name of names) await mkdir(join(folder(), name), { recursive: true });
    for (const call of [
      () => createFileStore().readMarker(h.sinkUri, job),
      () => createFileStore().claimMarker(h.sinkUri, job, id),
    ]) {
      const error = await expectCode(call(), 'JOURNAL_REPLACED');
      for (const name of names) expect(error.message).toContain(name);
    }
  });

  test('an empty folder is no marker, and may be claimed', async () => {
    await mkdir(folder(), { recursive: true });
    expect(await createFileStore().readMarker(h.sinkUri, job)).toBeNull();
    expect(await createFileStore().claimMarker(h.sinkUri, job, id)).toBe(id);
    expect(await readdir(folder())).toEqual([id]);
  });

  test('what dead claims left is swept', async () => {
    const aside = join(pathOf(h.sinkUri), '.tidemark');
    await mkdir(join(aside, `.${job}.dead`, 'aaaaaaaa'), { recursive: true });
    await mkdir(join(aside, `.${job}.empty`), { recursive: true });
    await writeFile(join(aside, `.${job}.dead.a`), '');
    await mkdir(join(aside, '.clicks-2.other'), { recursive: true });
    await createFileStore().claimMarker(h.sinkUri, job, id);
    expect((await readdir(aside)).sort()).toEqual(['.clicks-2.other', job]);
  });

  test('a file system without hard links is refused before the first file is written', async () => {
    const fileSystem = tappedFileSystem(failing((call) => call.name === 'link', 'EPERM'));
    const store = createFileStore({ pacer: impatient, fileSystem });
    const error = await expectCode(store.claimMarker(h.sinkUri, job, id), 'STORE_UNAVAILABLE');
    expect(error.message).toMatch(/hard link/);
    expect(await createFileStore().readMarker(h.sinkUri, job)).toBeNull();
    await fileSystem.closeAll();
  });

  test('a job name that is none never becomes a path', async () => {
    await expect(createFileStore().claimMarker(h.sinkUri, '../clicks', id)).rejects.toThrow(
      /not a valid job name/,
    );
  });
});
