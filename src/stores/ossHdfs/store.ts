/**
 * The OSS-HDFS store: part files in an OSS bucket with the HDFS service, written through JindoSDK.
 *
 * A file in progress is resumed: its lease is taken from its earlier owner, then it is moved to a new name,
 * cut to the length in a completed checkpoint, read back and appended to. Later writes of an earlier owner
 * are refused, since it lacks the lease. Each claim has its own client, since the service identifies the
 * holder of a lease by its client's name.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { jobName } from '../../../journal/ids.ts';
import type { Pacer } from '../../../journal/port.ts';
import { systemClock } from '../../system/clock.ts';
import type { Log } from '../../telemetry/log.ts';
import type { OssCredentials } from '../alibaba/credentials.ts';
import { JindoClient } from './client.ts';
import type { JindoKeys } from './jindoKeys.ts';
import { exists, handleInvalid } from '../failure.ts';
import { isJindoError, refusedOrUnknown, unavailable } from './errors.ts';
import { loadJindoLibrary, type JindoLibrary } from './library.ts';
import { Markers } from './marker.ts';
import { JindoOpenFile } from './openFile.ts';
import { commit, ensurePublished, remove } from './publish.ts';
import { resume, type JindoConnection } from './resume.ts';
import { readScratch } from './scratch.ts';
import { jindoSettings, type JindoAddress } from './settings.ts';
import { openProcessFolder } from './processFolder.ts';
import { jindoReading } from './reading.ts';
import { jindoTemporaries } from './temporaries.ts';
import { jindoSalvage } from './salvage.ts';
import { OssPaths } from './uri.ts';
import { listWitnesses, removeWitnesses, writeWitness } from './witness.ts';
import type { StoreReading } from '../reading.ts';
import type { Temporaries } from '../temporaries.ts';
import type {
  DurablePart,
  OpenFile,
  PartTarget,
  ResumingTakeover,
  Salvage,
  ScratchFiles,
  Store,
  StoreHandle,
} from '../port.ts';

export interface OssHdfsStoreOptions extends Omit<JindoAddress, 'credentials'> {
  /** Keys that stay, or keys that are replaced before they end; the store closes those. */
  readonly credentials: OssCredentials | JindoKeys;
  /** Path of JindoSDK's library (`locateJindosdk`). */
  readonly library: string;
  /** How many calls may use a thread of the libuv pool at once. */
  readonly callsMax: number;
  readonly log: Log;
  /** Paces the wait for leases, and the probes for a file that is not found. */
  readonly pacer?: Pacer;
}

/**
 * Loads the library. Sends no request to the service before the first call. JINDOSDK_UNAVAILABLE if it cannot
 * be loaded.
 */
export async function openOssHdfsStore(options: OssHdfsStoreOptions): Promise<Store> {
  // JindoSDK would create the folder writable for everybody, whatever the umask is.
  await mkdir(options.logFolder, { recursive: true });
  // A file for each open one, which JindoSDK lets anybody read and leaves if the handle is abandoned.
  const unflushedFolder = await openProcessFolder(path.join(options.logFolder, 'unflushed'), options.log);
  const library = await loadJindoLibrary(options.library, options.callsMax);
  const { credentials } = options;
  const keys = 'folder' in credentials ? credentials : null;
  return new OssHdfsStore(library, options, jindoSettings(options, unflushedFolder), keys);
}

class OssHdfsStore implements Store {
  readonly kind = 'oss-hdfs';
  readonly takeover: ResumingTakeover = {
    type: 'resume',
    resume: (target, durable, toUri) => this.#resume(target, durable, toUri),
  };
  readonly #library: JindoLibrary;
  readonly #options: OssHdfsStoreOptions;
  readonly #settings: ReadonlyMap<string, string>;
  readonly #paths: OssPaths;
  readonly salvage: Salvage;
  readonly reading: StoreReading;
  readonly temporaries: Temporaries;
  readonly scratch: ScratchFiles = {
    create: (uri) => this.#create(uri),
    read: async (uri, durable, take) => readScratch(await this.#connection(), uri, durable, take),
  };
  readonly #ownKeys: JindoKeys | null;
  #client: Promise<JindoClient> | null = null;

  /** @param ownKeys closed with the store; null for a session. */
  constructor(
    library: JindoLibrary,
    options: OssHdfsStoreOptions,
    settings: ReadonlyMap<string, string>,
    ownKeys: JindoKeys | null,
  ) {
    this.#ownKeys = ownKeys;
    this.#library = library;
    this.#options = options;
    this.#settings = settings;
    this.#paths = new OssPaths(options.ossBucket);
    this.reading = jindoReading(this.#paths, () => this.#connected());
    this.temporaries = jindoTemporaries(this.#paths, () => this.#connected());
    this.salvage = jindoSalvage(this.#paths, () => this.#connected());
  }

  session(): Store {
    return new OssHdfsStore(this.#library, this.#options, this.#settings, null);
  }

  create({ temporaryUri }: PartTarget): Promise<OpenFile> {
    return this.#create(temporaryUri);
  }

  async #create(temporaryUri: string): Promise<OpenFile> {
    const path = this.#paths.temporaryPathOf(temporaryUri);
    const client = await this.#connected();
    try {
      const io = await client.create(path);
      return new JindoOpenFile(client, temporaryUri, io);
    } catch (cause) {
      if (isJindoError(cause, 'exists', 'beingCreated')) throw exists(temporaryUri, cause);
      throw refusedOrUnknown('create', temporaryUri, cause);
    }
  }

  async #resume(target: PartTarget, durable: DurablePart, toUri: string): Promise<OpenFile> {
    checkHandle(target, durable);
    return resume(await this.#connection(), target, durable, toUri);
  }

  async commit(target: PartTarget, durable: DurablePart): Promise<void> {
    checkHandle(target, durable);
    await commit(await this.#connection(), target, durable);
  }

  async commitAfterRecovery(target: PartTarget, durable: DurablePart): Promise<void> {
    checkHandle(target, durable);
    await ensurePublished(await this.#connection(), target, durable);
  }

  async discard(temporaryUris: readonly string[], _handle: StoreHandle): Promise<void> {
    // All names are checked before the first is removed.
    const paths = temporaryUris.map((uri) => [this.#paths.temporaryPathOf(uri), uri] as const);
    if (paths.length === 0) return;
    const client = await this.#connected();
    for (const [path, uri] of paths) await remove(client, path, uri);
  }

  async claimMarker(
    ...[sinkUri, job, id]: Parameters<Store['claimMarker']>
  ): ReturnType<Store['claimMarker']> {
    return new Markers(await this.#connection(), sinkUri, jobName(job)).claim(id);
  }

  async readMarker(...[sinkUri, job]: Parameters<Store['readMarker']>): ReturnType<Store['readMarker']> {
    return new Markers(await this.#connection(), sinkUri, jobName(job)).read();
  }

  async writeWitness(folderUri: string, name: string): Promise<void> {
    await writeWitness(await this.#connection(), folderUri, name);
  }

  async listWitnesses(folderUri: string): Promise<readonly string[]> {
    return listWitnesses(await this.#connection(), folderUri);
  }

  async removeWitnesses(folderUri: string, names: readonly string[]): Promise<void> {
    await removeWitnesses(await this.#connection(), folderUri, names);
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = null;
    // Calls that wait for keys end at once.
    const forgotten = this.#ownKeys?.close();
    // A client that failed to open needs no closing.
    await (await client?.catch(() => null))?.close();
    await forgotten;
  }

  async #connection(): Promise<JindoConnection> {
    const { pacer = systemClock, log } = this.#options;
    return { client: await this.#connected(), paths: this.#paths, pacer, log };
  }

  async #connected(): Promise<JindoClient> {
    const uri = `oss://${this.#options.ossBucket}/`;
    const { credentials } = this.#options;
    const ready = 'folder' in credentials ? () => credentials.keys() : null;
    this.#client ??= JindoClient.open(this.#library, { uri, settings: this.#settings, ready });
    try {
      return await this.#client;
    } catch (cause) {
      this.#client = null;
      throw unavailable('reach', uri, cause);
    }
  }
}

/** Names and lengths suffice: this store writes no handle, and accepts none of another store. */
function checkHandle(target: PartTarget, durable: DurablePart): void {
  if (durable.handle === null) return;
  const message =
    `The handle journaled for ${target.finalUri} was not written ` + 'by the OSS-HDFS store of this version.';
  throw handleInvalid(message, target.temporaryUri);
}
