/** Reads the destination back. Takes no lease. */
import type { TidemarkError } from '../../../journal/errors.ts';
import { storedFiles } from '../listing.ts';
import { WHOLE, type StoreReading } from '../reading.ts';
import { beingWritten, nothingToRead, verdictOf } from '../storedContent.ts';
import type { JindoClient } from './client.ts';
import { isJindoError, unavailable } from './errors.ts';
import { chunksOf } from './content.ts';
import { filesBelow, look } from './listing.ts';
import type { OssPaths } from './uri.ts';

export function jindoReading(paths: OssPaths, connected: () => Promise<JindoClient>): StoreReading {
  return {
    showsUnpublished: true,
    list: async function* (folderUri, signal) {
      const found = filesBelow(paths, connected, folderUri, signal);
      for await (const files of found) yield storedFiles(files);
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

/** Of a file, in bytes. Null if there is none. */
async function lengthOf(client: JindoClient, path: string, uri: string): Promise<number | null> {
  const status = await look(client, path, uri);
  return status === null || status.isFolder ? null : status.length;
}
