/** Temporary files, as an outsider lists and removes them. Takes no lease. Their times are the service's. */
import { temporaryFiles } from '../listing.ts';
import type { Temporaries } from '../temporaries.ts';
import type { JindoClient } from './client.ts';
import { filesBelow } from './listing.ts';
import { remove } from './publish.ts';
import type { OssPaths } from './uri.ts';

export function jindoTemporaries(paths: OssPaths, connected: () => Promise<JindoClient>): Temporaries {
  return {
    list: async function* (folderUri, signal) {
      for await (const files of filesBelow(paths, connected, folderUri, signal)) yield temporaryFiles(files);
    },
    remove: async ({ uri }) => remove(await connected(), paths.temporaryPathOf(uri), uri),
    uploadIdOf: () => null,
  };
}
