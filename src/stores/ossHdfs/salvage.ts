/** Keeps bytes that a journal which went back knows by other names. */
import type { Salvage } from '../port.ts';
import type { JindoClient } from './client.ts';
import { chunksOf } from './content.ts';
import { unavailable } from './errors.ts';
import { JindoOpenFile } from './openFile.ts';
import type { OssPaths } from './uri.ts';

export function jindoSalvage(paths: OssPaths, connected: () => Promise<JindoClient>): Salvage {
  return {
    copy: async (fromUri, durable, toUri) => {
      const client = await connected();
      const file = new JindoOpenFile(client, toUri, await client.create(paths.temporaryPathOf(toUri)));
      try {
        for await (const chunk of chunksOf(client, paths.pathOf(fromUri), durable.length))
          await file.write(chunk);
        await file.closeForCommit();
      } catch (cause) {
        await file.abandon();
        throw unavailable('copy the durable bytes to', toUri, cause);
      }
    },
  };
}
