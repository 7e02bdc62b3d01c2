/** Lists the files below a folder, however many there are. */
import type { Dirent, Stats } from 'node:fs';
import { join } from 'node:path/posix';
import { forEachBounded } from '../../system/concurrency.ts';
import type { ListedFile } from '../listing.ts';
import { BOOKKEEPING, kindOf } from '../storedContent.ts';
import { hasSystemCode, unavailable } from './errors.ts';
import type { FileSystem } from './fileSystem.ts';

const BATCH_ENTRIES = 512;
const LOOKS_AT_ONCE = 16;
/** What stands for bytes that are no UTF-8: the system does not find such a name again. */
const REPLACEMENT = '\uFFFD';

/** A folder that is still to be listed, and those that led to it: a link may lead back to one of them. */
interface Folder {
  readonly path: string;
  readonly above: Lineage | null;
}

interface Lineage {
  readonly id: string;
  readonly above: Lineage | null;
}

export async function* filesBelow(
  fs: FileSystem,
  root: string,
  signal?: AbortSignal,
): AsyncGenerator<readonly ListedFile[]> {
  const waiting: Folder[] = [{ path: root, above: null }];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    signal?.throwIfAborted();
    const lineage = await lineageOf(fs, folder);
    if (lineage === null) continue;
    for await (const entries of entriesOf(fs, folder.path)) {
      const { files, folders } = await sorted(fs, folder.path, entries);
      waiting.push(...folders.map((path) => ({ path, above: lineage })));
      if (files.length > 0) yield files;
      signal?.throwIfAborted();
    }
  }
}

/** Null if there is no such folder, or if it is one of those above. */
async function lineageOf(fs: FileSystem, { path, above }: Folder): Promise<Lineage | null> {
  const stats = await look(fs, path);
  if (stats?.isDirectory() !== true) return null;
  const id = `${stats.dev}:${stats.ino}`;
  for (let one = above; one !== null; one = one.above) if (one.id === id) return null;
  return { id, above };
}

async function* entriesOf(fs: FileSystem, folder: string): AsyncGenerator<readonly Dirent[]> {
  let entries: Dirent[] = [];
  try {
    for await (const entry of await fs.opendir(folder, { bufferSize: BATCH_ENTRIES })) {
      if (entries.push(entry) < BATCH_ENTRIES) continue;
      yield entries;
      entries = [];
    }
  } catch (cause) {
    if (hasSystemCode(cause, 'ENOENT', 'ENOTDIR')) return;
    throw unavailable('list', folder, cause);
  }
  yield entries;
}

/** What the entries lead to: a link to a folder, or to a file, counts as what it leads to. */
async function sorted(fs: FileSystem, folder: string, entries: readonly Dirent[]) {
  const files: ListedFile[] = [];
  const folders: string[] = [];
  await forEachBounded(entries, LOOKS_AT_ONCE, async (entry) => {
    const path = join(folder, entry.name);
    const kind = kindOf(entry.name);
    if (entry.isDirectory()) {
      if (entry.name !== BOOKKEEPING) folders.push(path);
      return;
    }
    if (kind === null && !entry.isSymbolicLink()) return;
    const stats = await look(fs, path);
    if (stats?.isDirectory() === true && entry.name !== BOOKKEEPING) folders.push(path);
    if (stats?.isFile() === true && kind !== null)
      files.push({ uri: `file://${path}`, length: stats.size, modifiedAtMs: stats.mtimeMs, kind });
  });
  return { files, folders };
}

/** Null if nothing is there any more, or if a link leads nowhere. */
async function look(fs: FileSystem, path: string): Promise<Stats | null> {
  try {
    return await fs.stat(path);
  } catch (cause) {
    const isGone = hasSystemCode(cause, 'ENOENT', 'ENOTDIR', 'ELOOP');
    if (isGone && !path.includes(REPLACEMENT)) return null;
    throw unavailable('look at', path, cause);
  }
}
