/** What `tidemark doctor` checks of OSS-HDFS before a file is written: library, endpoint, clocks. */
import { mkdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import { check, pass, type Finding } from '../../../kernels/checks/check.ts';
import { TidemarkError } from '../../../journal/errors.ts';
import type { StoreProbe } from '../kind.ts';
import type { OssCredentials } from '../alibaba/credentials.ts';
import { endpointChecks } from '../alibaba/endpointChecks.ts';
import type { Log } from '../../telemetry/log.ts';
import { JindoClient } from './client.ts';
import { isJindoError, unavailable } from './errors.ts';
import { loadJindoLibrary } from './library.ts';
import { jindoSettings, type JindoAddress } from './settings.ts';
import type { JindoKeys } from './jindoKeys.ts';
import { openProcessFolder } from './processFolder.ts';
import { OssPaths } from './uri.ts';

export interface OssHdfsProbing extends Omit<JindoAddress, 'credentials'> {
  readonly credentials: OssCredentials | JindoKeys;
  /** Finds JindoSDK's library, or throws JINDOSDK_UNAVAILABLE. */
  readonly locate: () => string;
  readonly callsMax: number;
  readonly sinkUri: string;
  readonly scratchUri: string;
  readonly log: Log;
  /** Wall clock in milliseconds. */
  readonly wallMs: () => number;
}

export function ossHdfsProbe(probing: OssHdfsProbing): StoreProbe {
  const { ossBucket, address, wallMs } = probing;
  const scratch = new ScratchFolder(probing);
  return {
    checks: [
      check('oss-hdfs-library', [], () => library(probing)),
      ...endpointChecks('oss-hdfs', { ossBucket, address, wallMs }),
      check('oss-hdfs-folder', ['oss-hdfs-library', 'oss-hdfs-endpoint'], () => scratch.look()),
    ],
    opensAfter: ['oss-hdfs-folder'],
    isAway: (error) => isJindoError(error instanceof TidemarkError ? error.cause : error, 'timeout'),
    removeScratch: () => scratch.remove(),
    close: () => scratch.close(),
  };
}

async function library({ locate, callsMax }: OssHdfsProbing): Promise<Finding> {
  const file = locate();
  await loadJindoLibrary(file, callsMax);
  const version = /\d+\.\d+\.\d+/.exec(await realpath(file))?.[0];
  return pass(`${file} loads${version === undefined ? '' : `, version ${version}`}`);
}

/** The scratch folder, and the folders above it that were made for it. */
class ScratchFolder {
  readonly #probing: OssHdfsProbing;
  readonly #paths: OssPaths;
  #client: Promise<JindoClient> | null = null;
  /** URIs of folders that were not there, from the top. Null: nobody has looked, and nothing was made. */
  #missing: readonly string[] | null = null;

  constructor(probing: OssHdfsProbing) {
    this.#probing = probing;
    this.#paths = new OssPaths(probing.ossBucket);
  }

  async look(): Promise<Finding> {
    const client = await this.#connected();
    const { sinkUri, scratchUri } = this.#probing;
    const missing: string[] = [];
    for (let uri = scratchUri; uri !== `oss://${this.#probing.ossBucket}`; uri = parentOf(uri)) {
      if ((await this.#status(client, uri)) !== null) break;
      missing.unshift(uri);
    }
    this.#missing = missing;
    return pass(missing.includes(sinkUri) ? `${sinkUri} will be made` : `${sinkUri} is there`);
  }

  async remove(): Promise<void> {
    if (this.#missing === null) return;
    const { scratchUri } = this.#probing;
    const client = await this.#connected();
    await this.#remove(client, scratchUri, true);
    for (const uri of this.#missing.toReversed()) {
      if (uri === scratchUri || (await this.#status(client, uri)) === null) continue;
      if ((await client.list(this.#paths.pathOf(uri))).length === 0) await this.#remove(client, uri, false);
    }
  }

  async #remove(client: JindoClient, uri: string, isRecursive: boolean): Promise<void> {
    try {
      await client.run('remove', null, this.#paths.pathOf(uri), isRecursive, null);
    } catch (cause) {
      if (!isJindoError(cause, 'notFound')) throw unavailable('remove', uri, cause);
    }
  }

  async #status(client: JindoClient, uri: string) {
    try {
      return await client.status(this.#paths.pathOf(uri));
    } catch (cause) {
      throw unavailable('look at', uri, cause);
    }
  }

  async #connected(): Promise<JindoClient> {
    this.#client ??= this.#connect();
    try {
      return await this.#client;
    } catch (cause) {
      this.#client = null;
      throw unavailable('reach', this.#probing.sinkUri, cause);
    }
  }

  async #connect(): Promise<JindoClient> {
    const { locate, callsMax, logFolder, log, ossBucket, credentials } = this.#probing;
    await mkdir(logFolder, { recursive: true });
    const unflushed = await openProcessFolder(path.join(logFolder, 'unflushed'), log);
    return JindoClient.open(await loadJindoLibrary(locate(), callsMax), {
      uri: `oss://${ossBucket}/`,
      settings: jindoSettings(this.#probing, unflushed),
      ready: 'folder' in credentials ? () => credentials.keys() : null,
    });
  }

  async close(): Promise<void> {
    const client = await this.#client?.catch(() => null);
    this.#client = null;
    await client?.close();
    const { credentials } = this.#probing;
    if ('folder' in credentials) await credentials.close();
  }
}

const parentOf = (uri: string): string => uri.slice(0, uri.lastIndexOf('/'));
