/** Finds the bytes of files that a journal which went back knows by other names. */
import { Crc64 } from '../../../kernels/crc64.ts';
import type { DurablePart, Salvage } from '../port.ts';
import type { JindoClient } from './client.ts';
import { isJindoError, unavailable } from './errors.ts';
import { JindoOpenFile } from './openFile.ts';
import { chunksOf } from './content.ts';
import type { OssPaths } from './uri.ts';

const TEMPORARY = '.tidemark-';

export function jindoSalvage(paths: OssPaths, connected: () => Promise<JindoClient>): Salvage {
  const entries = async (uri: string) => {
    try {
      return await (await connected()).list(paths.pathOf(uri));
    } catch (cause) {
      throw unavailable('list', uri, cause);
    }
  };
  const list = async (folderUri: string, matches: (name: string) => boolean): Promise<string[]> => {
    const found: string[] = [];
    for (const { name, isFolder } of await entries(folderUri)) {
      const uri = `${folderUri}/${name}`;
      if (isFolder && name !== '.tidemark') found.push(...(await list(uri, matches)));
      else if (!isFolder && matches(name)) found.push(uri);
    }
    return found;
  };
  return {
    list,
    hidden: async (folderUri) => {
      const files = (await entries(folderUri)).filter(
        ({ name, isFolder }) => !isFolder && name.startsWith(TEMPORARY),
      );
      return files.map(({ name }) => `${folderUri}/${name}`);
    },
    stands: async (uri) => {
      try {
        return (await (await connected()).status(paths.pathOf(uri)))?.isFolder === false;
      } catch (cause) {
        throw unavailable('look at', uri, cause);
      }
    },
    compare: async (uri, durable) => compare(await connected(), paths.pathOf(uri), uri, durable),
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

/** Null also if the file is being written and cannot be read yet: somebody else holds its lease. */
async function compare(client: JindoClient, path: string, uri: string, durable: DurablePart) {
  try {
    const status = await client.status(path);
    if (status === null || status.isFolder) return null;
    const crc = new Crc64();
    let position = 0;
    let holds = durable.length === 0;
    for await (const chunk of chunksOf(client, path, status.length)) {
      const end = durable.length - position;
      const first = end > 0 && end <= chunk.length ? end : chunk.length;
      crc.update(chunk, 0, first);
      if (first === end) holds = crc.hex() === durable.crc64;
      crc.update(chunk, first, chunk.length);
      position += chunk.length;
    }
    return { holds, length: position, crc64: crc.hex() };
  } catch (cause) {
    if (isJindoError(cause, 'notFound', 'beingCreated')) return null;
    throw unavailable('read back', uri, cause);
  }
}
