/**
 * Keys that end, for JindoSDK: files in a folder that only this user may read, in memory where the system has
 * a file system there. JindoSDK reads them at the start, and again when the service says that the keys have
 * ended, also in the middle of a file; it then repeats the request. So the files are replaced before the keys
 * end.
 */
import { lstat, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { CredentialSource, CredentialSourceOptions } from '../alibaba/credentialSource.ts';
import type { OssCredentials } from '../alibaba/credentials.ts';
import { openCredentials } from '../alibaba/openCredentials.ts';
import type { ProviderConfig } from '../alibaba/providerConfig.ts';
import { openProcessFolder } from './processFolder.ts';
import type { KeyFolder } from './settings.ts';

/** Linux: a file system in memory that every user may create files in. */
const IN_MEMORY = '/dev/shm';

export interface JindoKeys extends KeyFolder, Omit<CredentialSource, 'close'> {
  /** Removes the files. */
  close(): Promise<void>;
}

export interface JindoKeysOptions extends Omit<CredentialSourceOptions, 'about' | 'ask' | 'onKeys'> {
  /** For a system without a file system in memory. */
  readonly ownFolder: string;
}

/** Asks nobody before the first keys are asked for: then they are in the folder, too. */
export async function openJindoKeys(
  config: ProviderConfig,
  { ownFolder, ...options }: JindoKeysOptions,
): Promise<JindoKeys> {
  const base = (await privateFolderInMemory()) ?? ownFolder;
  const folder = await mkdtemp(path.join(await openProcessFolder(base, options.log), 'keys-'));
  let writing = Promise.resolve();
  const onKeys = (keys: OssCredentials): Promise<void> => (writing = writeKeys(folder, keys));
  const source = openCredentials(config, { ...options, onKeys });
  return {
    folder,
    keys: () => source.keys(),
    get expiresAtMs() {
      return source.expiresAtMs;
    },
    async close() {
      source.close();
      await writing.catch(() => undefined);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Null if there is none, or if its name is taken by somebody else. */
async function privateFolderInMemory(): Promise<string | null> {
  const uid = process.getuid?.();
  const folder = path.join(IN_MEMORY, `tidemark-${uid ?? 'any'}`);
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return null;
  }
  const found = await lstat(folder);
  return found.isDirectory() && found.uid === uid && (found.mode & 0o077) === 0 ? folder : null;
}

/** JindoSDK takes keys only where all of them have changed: half of the old ones and new ones are none. */
async function writeKeys(folder: string, keys: OssCredentials): Promise<void> {
  const { accessKeyId, accessKeySecret, securityToken } = keys;
  await put(folder, 'AccessKeyId', accessKeyId.reveal());
  await put(folder, 'AccessKeySecret', accessKeySecret.reveal());
  if (securityToken === null) await rm(path.join(folder, 'SecurityToken'), { force: true });
  else await put(folder, 'SecurityToken', securityToken.reveal());
}

async function put(folder: string, name: string, value: string): Promise<void> {
  const file = path.join(folder, name);
  await writeFile(`${file}.new`, value, { mode: 0o600 });
  await rename(`${file}.new`, file);
}
