/**
 * Side objects, scratch objects and multipart uploads, as an outsider lists and removes them. Their times are
 * the service's.
 */
import { temporaryFiles } from '../listing.ts';
import type { Temporaries } from '../temporaries.ts';
import { unavailable } from './errors.ts';
import { parseHandle } from './handle.ts';
import { filesBelow } from './listing.ts';
import type { Objects } from './objects.ts';
import type { ObjectKeys } from './uri.ts';

export function ossTemporaries(objects: Objects, keys: ObjectKeys): Temporaries {
  return {
    list: async function* (folderUri, signal) {
      for await (const files of filesBelow(objects, keys, folderUri, signal)) yield temporaryFiles(files);
      try {
        for await (const uploads of objects.uploads(keys.prefixOf(folderUri))) {
          yield uploads.map(({ key, uploadId, begunAtMs }) => {
            return { uri: keys.uriOf(key), uploadId, bytes: null, modifiedAtMs: begunAtMs };
          });
          signal?.throwIfAborted();
        }
      } catch (cause) {
        signal?.throwIfAborted();
        throw unavailable('list', folderUri, cause);
      }
    },
    remove: async ({ uri, uploadId }) => {
      const removing =
        uploadId === null
          ? { doing: 'remove', run: () => objects.remove(keys.temporaryKeyOf(uri)) }
          : { doing: 'abort the upload of', run: () => objects.abort(keys.keyOf(uri), uploadId) };
      try {
        await removing.run();
      } catch (cause) {
        throw unavailable(removing.doing, uri, cause);
      }
    },
    uploadIdOf: (handle) => parseHandle(handle)?.uploadId ?? null,
  };
}
