/** Reads the destination back. Takes no lease. */
import type { TidemarkError } from '../../../journal/errors.ts';
import { WHOLE, type StoredFile, type StoreReading } from '../reading.ts';
import { beingWritten, BOOKKEEPING, kindOf, nothingToRead, verdictOf } from '../storedContent.ts';
import type { FileStatus, JindoClient } from './client.ts';
import { isJindoError, unavailable } from './errors.ts';
import { chunksOf } from './content.ts';
import type { OssPaths } from './uri.ts';

const BATCH_FILES = 512;

export function jindoReading(paths: OssPaths, connected: () => Promise<JindoClient>): StoreReading {
  return {
    showsUnpublished: true,
    list: async function* (folderUri, signal) {
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
    },
    read: async function* (uri, signal, { from, to } = WHOLE) {
      signal?.throwIfAborted();
      const path = paths.pathOf(uri);
      const client = await connected();
      const length = await lengthOf(client, path, uri);
      if (length === null) throw nothingToRead(uri);
      try {
        for await (const chunk of chunksOf(client, path, Math.min(to, length), from)) {
          yield chunk;
          signal?.throwIfAborted();
        }
      } catch (cause) {
        if (signal?.aborted === true) throw cause;
        throw (await isGone(client, path, uri, cause)) ? nothingToRead(uri) : unreadable(uri, cause);
      }
    },
    verify: async (uri, expected, options = {}) => {
      options.signal?.throwIfAborted();
      const path = paths.pathOf(uri);
      const client = await connected();
      const length = await lengthOf(client, path, uri);
      if (length === null) return { type: 'missing' };
      const chunks = (most: number) => chunksOf(client, path, most);
      try {
        return await verdictOf({ length, chunks }, expected, options);
      } catch (cause) {
        if (options.signal?.aborted === true) throw cause;
        if (await isGone(client, path, uri, cause)) return { type: 'missing' };
        throw unreadable(uri, cause);
      }
    },
  };
}

/** A file that is removed while it is read fails in many ways: its blocks go one by one. */
async function isGone(client: JindoClient, path: string, uri: string, cause: unknown): Promise<boolean> {
  return isJindoError(cause, 'notFound') || (await lengthOf(client, path, uri)) === null;
}

function unreadable(uri: string, cause: unknown): TidemarkError {
  return isJindoError(cause, 'beingCreated')
    ? beingWritten(uri, cause)
    : unavailable('read back', uri, cause);
}

async function look(client: JindoClient, path: string, uri: string): Promise<FileStatus | null> {
  try {
    return await client.status(path);
  } catch (cause) {
    throw unavailable('look at', uri, cause);
  }
}

/** Of a file, in bytes. Null if there is none. */
async function lengthOf(client: JindoClient, path: string, uri: string): Promise<number | null> {
  const status = await look(client, path, uri);
  return status === null || status.isFolder ? null : status.length;
}

/**
 * One call for each folder; JindoSDK asks the service once for each 1,000 entries. A folder's entries are in
 * memory together.
 */

async function entriesOf(client: JindoClient, paths: OssPaths, folder: string) {
  const files: StoredFile[] = [];
  const folders: string[] = [];
  try {
    for (const { name, length, isFolder } of await client.list(paths.pathOf(folder))) {
      const uri = `${folder}/${name}`;
      const kind = kindOf(name);
      if (isFolder && name !== BOOKKEEPING) folders.push(uri);
      else if (!isFolder && kind !== null) files.push({ uri, length, kind });
    }
  } catch (cause) {
    throw unavailable('list', folder, cause);
  }
  return { files, folders };
}
