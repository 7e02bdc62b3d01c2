/**
 * Side objects, scratch objects and multipart uploads, as an outsider lists and removes them. Their times are
 * the service's.
 */
import { BOOKKEEPING, kindOf } from '../storedContent.ts';
import type { Temporaries, Temporary } from '../temporaries.ts';
import { unavailable } from './errors.ts';
import { parseHandle } from './handle.ts';
import type { ListPage, Objects } from './objects.ts';
import type { ObjectKeys } from './uri.ts';

export function ossTemporaries(objects: Objects, keys: ObjectKeys): Temporaries {
  return {
    list: async function* (folderUri, signal) {
      const prefix = keys.prefixOf(folderUri);
      try {
        for await (const batch of hiddenObjects(objects, keys, prefix)) {
          yield batch;
          signal?.throwIfAborted();
        }
        for await (const uploads of objects.uploads(prefix)) {
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

async function* hiddenObjects(
  objects: Objects,
  keys: ObjectKeys,
  prefix: string,
): AsyncGenerator<readonly Temporary[]> {
  let token: string | null = null;
  do {
    const page: ListPage = await objects.list(prefix, null, token);
    yield page.objects.flatMap(({ key, length, modifiedAtMs }) => {
      const steps = key.slice(prefix.length).split('/');
      const name = steps.pop() ?? '';
      if (kindOf(name) !== 'temporary' || steps.includes(BOOKKEEPING)) return [];
      return [{ uri: keys.uriOf(key), uploadId: null, bytes: length, modifiedAtMs }];
    });
    token = page.next;
  } while (token !== null);
}
