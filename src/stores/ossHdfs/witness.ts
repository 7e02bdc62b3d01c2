/**
 * Witnesses of a journal: empty files whose names are all of their information. A witness is valid even if
 * its writer failed to close it.
 */
import type { JindoClient } from './client.ts';
import { handleInvalid } from '../failure.ts';
import { isJindoError, outcomeUnknown, unavailable } from './errors.ts';
import { JindoOpenFile } from './openFile.ts';
import { remove } from './publish.ts';
import type { OssPaths } from './uri.ts';

interface Place {
  readonly client: JindoClient;
  readonly paths: OssPaths;
}

export async function writeWitness({ client, paths }: Place, folderUri: string, name: string): Promise<void> {
  const uri = uriOf(folderUri, name);
  try {
    const file = new JindoOpenFile(client, uri, await client.create(paths.pathOf(uri)));
    await file.closeForCommit().finally(() => file.abandon());
  } catch (cause) {
    // An earlier attempt, whose outcome was unknown, took effect.
    if (isJindoError(cause, 'exists', 'beingCreated')) return;
    throw outcomeUnknown('write', uri, cause);
  }
}

export async function listWitnesses({ client, paths }: Place, folderUri: string): Promise<string[]> {
  try {
    return (await client.list(paths.pathOf(folderUri))).map(({ name }) => name).sort();
  } catch (cause) {
    throw unavailable('list the witnesses of the journal in', folderUri, cause);
  }
}

export async function removeWitnesses(
  { client, paths }: Place,
  folderUri: string,
  names: readonly string[],
): Promise<void> {
  for (const uri of names.map((name) => uriOf(folderUri, name))) await remove(client, paths.pathOf(uri), uri);
}

function uriOf(folderUri: string, name: string): string {
  const uri = `${folderUri}/${name}`;
  if (name === '' || name.includes('/') || name === '.' || name === '..')
    throw handleInvalid(`"${name}" is no name of a witness in ${folderUri}.`, uri);
  return uri;
}
