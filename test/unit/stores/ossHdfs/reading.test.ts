import { expect, test } from 'vitest';
import { Crc64 } from '../../../../kernels/crc64.ts';
import type { FileStatus, JindoClient } from '../../../../src/stores/ossHdfs/client.ts';
import { JindoError } from '../../../../src/stores/ossHdfs/errors.ts';
import { jindoReading } from '../../../../src/stores/ossHdfs/reading.ts';
import type { OssPaths } from '../../../../src/stores/ossHdfs/uri.ts';

const URI = 'oss://lake/a';
const LENGTH = 10;

/** A file of which the blocks are gone; it is there for the first look, and then only if `stays`. */
function readingOf(stays: boolean) {
  let looks = 0;
  const client = {
    status: (): Promise<FileStatus | null> => {
      looks += 1;
      const isThere = looks === 1 || stays;
      return Promise.resolve(isThere ? { isFolder: false, length: LENGTH } : null);
    },
    runForPointer: () => Promise.resolve(1n),
    run: (call: string) =>
      call === 'pread'
        ? Promise.reject(new JindoError(3005, 'jdo_pread', 'IO error: File not found: .dlsdata/1/'))
        : Promise.resolve(0),
    free: () => Promise.resolve(),
  } as unknown as JindoClient;
  const paths = { pathOf: (uri: string) => uri } as unknown as OssPaths;
  return jindoReading(paths, () => Promise.resolve(client));
}

const read = async (stays: boolean): Promise<void> => {
  for await (const chunk of readingOf(stays).read(URI)) expect(chunk).toBeDefined();
};
const verify = (stays: boolean) => readingOf(stays).verify(URI, { length: LENGTH, crc64: new Crc64().hex() });

test('a file that is removed while it is read is missing', async () => {
  await expect(read(false)).rejects.toMatchObject({ code: 'STORE_FILE_MISSING' });
  expect(await verify(false)).toEqual({ type: 'missing' });
});

test('one that stays, and cannot be read, is no missing one', async () => {
  await expect(read(true)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  await expect(verify(true)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
});
