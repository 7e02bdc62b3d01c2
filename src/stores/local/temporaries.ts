/** Temporary files, as an outsider lists and removes them. Their times are those of the file system. */
import { dirname } from 'node:path/posix';
import { temporaryFiles } from '../listing.ts';
import type { Temporaries } from '../temporaries.ts';
import { failed, hasSystemCode } from './errors.ts';
import type { FileSystem } from './fileSystem.ts';
import type { Folders } from './folders.ts';
import { filesBelow } from './listing.ts';
import { folderPathOf, temporaryPathOf } from './paths.ts';

export function fileTemporaries(fs: FileSystem, folders: Folders): Temporaries {
  return {
    list: async function* (folderUri, signal) {
      for await (const files of filesBelow(fs, folderPathOf(folderUri), signal)) yield temporaryFiles(files);
    },
    remove: async ({ uri }) => {
      const path = temporaryPathOf(uri);
      try {
        await fs.unlink(path);
      } catch (cause) {
        if (!hasSystemCode(cause, 'ENOENT', 'ENOTDIR')) throw failed('remove', path, cause);
      }
      await folders.makeDurableIfPresent(dirname(path));
    },
    uploadIdOf: () => null,
  };
}
