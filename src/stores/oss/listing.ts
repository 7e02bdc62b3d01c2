/** Lists the objects below a folder, as files. */
import type { ListedFile } from '../listing.ts';
import { BOOKKEEPING, kindOf } from '../storedContent.ts';
import { unavailable } from './errors.ts';
import type { ListPage, Objects } from './objects.ts';
import type { ObjectKeys } from './uri.ts';

export async function* filesBelow(
  objects: Objects,
  keys: ObjectKeys,
  folderUri: string,
  signal?: AbortSignal,
): AsyncGenerator<readonly ListedFile[]> {
  const prefix = keys.prefixOf(folderUri);
  signal?.throwIfAborted();
  try {
    for await (const page of objects.pages(prefix, null)) {
      yield page.objects.flatMap((found) => filesOf(found, prefix, keys));
      signal?.throwIfAborted();
    }
  } catch (cause) {
    signal?.throwIfAborted();
    throw unavailable('list', folderUri, cause);
  }
}

/** None for a folder's own object, and for what is not for readers. */
function filesOf(
  { key, length, modifiedAtMs }: ListPage['objects'][number],
  prefix: string,
  keys: ObjectKeys,
): ListedFile[] {
  const steps = key.slice(prefix.length).split('/');
  const name = steps.pop() ?? '';
  const kind = name === '' ? null : kindOf(name);
  if (kind === null || steps.includes(BOOKKEEPING)) return [];
  return [{ uri: keys.uriOf(key), length, modifiedAtMs, kind }];
}
