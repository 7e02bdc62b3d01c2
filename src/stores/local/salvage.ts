/** Finds the bytes of files that a journal which went back knows by other names. */
import type { Dirent } from 'node:fs';
import { dirname, join } from 'node:path/posix';
import { Crc64 } from '../../../kernels/crc64.ts';
import type { DurablePart, Salvage } from '../port.ts';
import { copyExactly } from './content.ts';
import { failed, hasSystemCode, unavailable } from './errors.ts';
import type { FileSystem } from './fileSystem.ts';
import type { Folders } from './folders.ts';
import { folderPathOf, publishingPathOf, temporaryPathOf } from './paths.ts';

const CHUNK_BYTES = 1024 * 1024;
const TEMPORARY = '.tidemark-';

export function fileSalvage(fs: FileSystem, folders: Folders): Salvage {
  const entries = async (folder: string): Promise<Dirent[]> => {
    try {
      return await fs.readdir(folder, { withFileTypes: true });
    } catch (cause) {
      if (hasSystemCode(cause, 'ENOENT', 'ENOTDIR')) return [];
      throw unavailable('list', folder, cause);
    }
  };
  const list = async (folder: string, matches: (name: string) => boolean): Promise<string[]> => {
    const found: string[] = [];
    for (const entry of await entries(folder)) {
      const path = join(folder, entry.name);
      if (entry.isDirectory() && entry.name !== '.tidemark') found.push(...(await list(path, matches)));
      else if (!entry.isDirectory() && matches(entry.name)) found.push(path);
    }
    return found;
  };
  return {
    list: async (folderUri, matches) => (await list(folderPathOf(folderUri), matches)).map(uriOf),
    hidden: async (folderUri) => {
      const folder = folderPathOf(folderUri);
      const names = (await entries(folder)).flatMap((entry) => (entry.isFile() ? entry.name : []));
      return names.filter((name) => name.startsWith(TEMPORARY)).map((name) => uriOf(join(folder, name)));
    },
    stands: async (uri) => {
      const path = folderPathOf(uri);
      return (await isFile(fs, path)) || isFile(fs, publishingPathOf(path));
    },
    compare: (uri, durable) => compare(fs, folderPathOf(uri), durable),
    copy: async (fromUri, durable, toUri) => {
      const copy = temporaryPathOf(toUri);
      await copyExactly(fs, folders, folderPathOf(fromUri), copy, durable);
      await folders.makeDurable(dirname(copy));
    },
  };
}

const uriOf = (path: string): string => `file://${path}`;

async function isFile(fs: FileSystem, path: string): Promise<boolean> {
  try {
    return (await fs.lstat(path)).isFile();
  } catch (cause) {
    if (hasSystemCode(cause, 'ENOENT', 'ENOTDIR')) return false;
    throw unavailable('look at', path, cause);
  }
}

async function compare(fs: FileSystem, path: string, { length, crc64 }: DurablePart) {
  let handle;
  try {
    handle = await fs.open(path, 'r');
  } catch (cause) {
    if (hasSystemCode(cause, 'ENOENT', 'ENOTDIR')) return null;
    throw failed('open', path, cause);
  }
  try {
    const crc = new Crc64();
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    let holds = length === 0 && crc.hex() === crc64;
    let position = 0;
    for (;;) {
      // One read ends exactly where the journaled bytes end, so that their checksum can be compared.
      const wanted = position < length ? Math.min(chunk.length, length - position) : chunk.length;
      const { bytesRead } = await handle.read(chunk, 0, wanted, position);
      if (bytesRead === 0) return { holds, length: position, crc64: crc.hex() };
      crc.update(chunk, 0, bytesRead);
      position += bytesRead;
      if (position === length) holds = crc.hex() === crc64;
    }
  } catch (cause) {
    throw failed('read back', path, cause);
  } finally {
    await handle.close();
  }
}
