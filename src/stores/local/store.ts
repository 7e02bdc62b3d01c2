/**
 * The file store: part files on a local disk, or on a network file system with hard links.
 *
 * An inode that an earlier owner may hold open is never published. Only a file whose writer has closed it
 * gets its final name; a file in progress is taken over as a copy. The data is durable (fdatasync), and so
 * are the names that lead to it.
 */
import { dirname } from 'node:path/posix';
import { jobName } from '../../../journal/ids.ts';
import type { Pacer } from '../../../journal/port.ts';
import { systemClock, systemRandom, type Random } from '../../system/clock.ts';
import { copyExactly, readScratch } from './content.ts';
import { handleInvalid } from '../failure.ts';
import { withTail } from '../storedContent.ts';
import { nodeFileSystem, type FileSystem } from './fileSystem.ts';
import { Folders } from './folders.ts';
import { Markers } from './marker.ts';
import { LocalOpenFile, openExclusively } from './openFile.ts';
import { folderPathOf, partPathsOf, temporaryPathOf } from './paths.ts';
import { Publisher } from './publish.ts';
import { fileReading } from './reading.ts';
import { fileTemporaries } from './temporaries.ts';
import { Turns } from '../../system/turns.ts';
import { Witnesses } from './witness.ts';
import type { StoreReading } from '../reading.ts';
import type { Temporaries } from '../temporaries.ts';
import type {
  DurablePart,
  FinishedFile,
  FinishingTakeover,
  OpenFile,
  PartTarget,
  Salvage,
  ScratchFiles,
  Store,
  StoreHandle,
} from '../port.ts';

const NO_TAIL: Uint8Array = new Uint8Array(0);

export interface FileStoreOptions {
  /** Paces the probes for a file that is not found. */
  readonly pacer?: Pacer;
  readonly random?: Random;
  readonly fileSystem?: FileSystem;
}

export function createFileStore(options: FileStoreOptions = {}): Store {
  return new FileStore(options);
}

class FileStore implements Store {
  readonly kind = 'file';
  readonly takeover: FinishingTakeover = {
    ...{ type: 'finish', copies: true },
    finish: (target, durable, to) => this.#finish(target, durable, to),
  };
  readonly #fs: FileSystem;
  readonly #turns = new Turns();
  readonly #folders: Folders;
  readonly #publisher: Publisher;
  readonly #markers: Markers;
  readonly #witnesses: Witnesses;
  readonly salvage: Salvage = {
    copy: async (fromUri, durable, toUri) =>
      this.#copy(folderPathOf(fromUri), durable, temporaryPathOf(toUri)),
  };
  readonly reading: StoreReading;
  readonly temporaries: Temporaries;
  readonly scratch: ScratchFiles = {
    create: (uri) => this.#create(temporaryPathOf(uri)),
    read: (uri, durable, take) => readScratch(this.#fs, temporaryPathOf(uri), durable, take),
  };

  constructor(options: FileStoreOptions) {
    this.#fs = options.fileSystem ?? nodeFileSystem;
    this.#folders = new Folders(this.#fs, this.#turns);
    this.#publisher = new Publisher(this.#fs, this.#folders, options.pacer ?? systemClock, this.#turns);
    this.#markers = new Markers(this.#fs, this.#folders, options.random ?? systemRandom);
    this.reading = fileReading(this.#fs);
    this.temporaries = fileTemporaries(this.#fs, this.#folders);
    this.#witnesses = new Witnesses(this.#fs, this.#folders, this.#turns);
  }

  session(): Store {
    return this;
  }

  async create(target: PartTarget): Promise<OpenFile> {
    return this.#create(partPathsOf(target).temporary);
  }

  async #create(path: string): Promise<OpenFile> {
    const handle = await openExclusively(this.#fs, this.#folders, path);
    return new LocalOpenFile(this.#fs, path, handle, this.#folders);
  }

  async #finish(
    target: PartTarget,
    durable: DurablePart,
    { toUri, tail }: FinishedFile,
  ): Promise<DurablePart> {
    checkHandle(target, durable);
    const { temporary } = partPathsOf(target);
    await this.#turns.during(() => this.#copy(temporary, durable, temporaryPathOf(toUri), tail));
    return { ...withTail(durable, tail), handle: null };
  }

  async #copy(from: string, durable: DurablePart, to: string, tail = NO_TAIL): Promise<void> {
    await copyExactly(this.#fs, this.#folders, { from, to, durable, tail });
    await this.#folders.makeDurable(dirname(to));
  }

  async commit(target: PartTarget, durable: DurablePart): Promise<void> {
    checkHandle(target, durable);
    await this.#publisher.commit(partPathsOf(target), durable);
  }

  async commitAfterRecovery(target: PartTarget, durable: DurablePart): Promise<void> {
    checkHandle(target, durable);
    await this.#publisher.ensurePublished(partPathsOf(target), durable);
  }

  async discard(temporaryUris: readonly string[], _handle: StoreHandle): Promise<void> {
    // All names are checked before the first is removed.
    const paths = temporaryUris.map(temporaryPathOf);
    for (const path of paths) await this.#publisher.unlinkHidden(path);
    for (const folder of new Set(paths.map((path) => dirname(path))))
      await this.#folders.makeDurableIfPresent(folder);
  }

  async claimMarker(
    ...[sinkUri, job, id]: Parameters<Store['claimMarker']>
  ): ReturnType<Store['claimMarker']> {
    return this.#markers.claim(folderPathOf(sinkUri), jobName(job), id);
  }

  async readMarker(...[sinkUri, job]: Parameters<Store['readMarker']>): ReturnType<Store['readMarker']> {
    return this.#markers.read(folderPathOf(sinkUri), jobName(job));
  }

  async writeWitness(folderUri: string, name: string): Promise<void> {
    await this.#witnesses.write(folderPathOf(folderUri), name);
  }

  async listWitnesses(folderUri: string): Promise<readonly string[]> {
    return this.#witnesses.list(folderPathOf(folderUri));
  }

  async removeWitnesses(folderUri: string, names: readonly string[]): Promise<void> {
    await this.#witnesses.remove(folderPathOf(folderUri), names);
  }

  /** Nothing to release: every open file belongs to its writer. */
  async close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Names and lengths suffice: this store writes no handle, and accepts none of another store. */
function checkHandle(target: PartTarget, durable: DurablePart): void {
  if (durable.handle === null) return;
  const message =
    `The handle journaled for ${target.finalUri} was not written ` + 'by the file store of this version.';
  throw handleInvalid(message, target.temporaryUri);
}
