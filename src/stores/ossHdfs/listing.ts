/** Lists the files below a folder. */
import type { ListedFile } from '../listing.ts';
import { BOOKKEEPING, kindOf } from '../storedContent.ts';
import type { FileStatus, JindoClient } from './client.ts';
import { unavailable } from './errors.ts';
import type { OssPaths } from './uri.ts';

const BATCH_FILES = 512;

export async function* filesBelow(
  paths: OssPaths,
  connected: () => Promise<JindoClient>,
  folderUri: string,
  signal?: AbortSignal,
): AsyncGenerator<readonly ListedFile[]> {
  paths.pathOf(folderUri);
  const client = await connected();
  const root = folderUri.replace(/\/+$/, '');
  // A file would list itself.
  const waiting = (await look(client, paths.pathOf(root), root))?.isFolder === true ? [root] : [];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    signal?.throwIfAborted();
    const { files, folders } = await entriesOf(client, paths, folder);
    waiting.push(...folders);
    for (let at = 0; at < files.length; at += BATCH_FILES) {
      yield files.slice(at, at + BATCH_FILES);
      signal?.throwIfAborted();
    }
  }
}

export async function look(client: JindoClient, path: string, uri: string): Promise<FileStatus | null> {
  try {
    return await client.status(path);
  } catch (cause) {
    throw unavailable('look at', uri, cause);
  }
}

/**
 * One call for each folder; JindoSDK asks the service once for each 1,000 entries. A folder's entries are in
 * memory together.
 */
async function entriesOf(client: JindoClient, paths: OssPaths, folder: string) {
  const files: ListedFile[] = [];
  const folders: string[] = [];
  try {
    for (const { name, length, isFolder, modifiedAtMs } of await client.list(paths.pathOf(folder))) {
      const uri = `${folder}/${name}`;
      const kind = kindOf(name);
      if (isFolder && name !== BOOKKEEPING) folders.push(uri);
      else if (!isFolder && kind !== null) files.push({ uri, length, modifiedAtMs, kind });
    }
  } catch (cause) {
    throw unavailable('list', folder, cause);
  }
  return { files, folders };
}
