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
import { copyExactly } from './content.ts';
import { handleInvalid } from '../failure.ts';
import { nodeFileSystem, type FileSystem } from './fileSystem.ts';
import { Folders } from './folders.ts';
import { Markers } from './marker.ts';
import { LocalOpenFile, openExclusively } from './openFile.ts';
import { folderPathOf, partPathsOf, temporaryPathOf } from './paths.ts';
import { Publisher } from './publish.ts';
import { fileReading } from './reading.ts';
import { Turns } from './turns.ts';
import { Witnesses } from './witness.ts';
import type { StoreReading } from '../reading.ts';
import type {
  DurablePart,
  FinishingTakeover,
  OpenFile,
  PartTarget,
  Salvage,
  Store,
  StoreHandle,
} from '../port.ts';

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
    finish: (target, durable, { toUri }) => this.#finish(target, durable, toUri),
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

  constructor(options: FileStoreOptions) {
    this.#fs = options.fileSystem ?? nodeFileSystem;
    this.#folders = new Folders(this.#fs, this.#turns);
    this.#publisher = new Publisher(this.#fs, this.#folders, options.pacer ?? systemClock, this.#turns);
    this.#markers = new Markers(this.#fs, this.#folders, options.random ?? systemRandom);
    this.reading = fileReading(this.#fs);
    this.#witnesses = new Witnesses(this.#fs, this.#folders, this.#turns);
  }

  session(): Store {
    return this;
  }

  async create(target: PartTarget): Promise<OpenFile> {
    const { temporary } = partPathsOf(target);
    const handle = await openExclusively(this.#fs, this.#folders, temporary);
    return new LocalOpenFile(this.#fs, temporary, handle, this.#folders);
  }

  async #finish(target: PartTarget, durable: DurablePart, toUri: string): Promise<DurablePart> {
    checkHandle(target, durable);
    const { temporary } = partPathsOf(target);
    await this.#turns.during(() => this.#copy(temporary, durable, temporaryPathOf(toUri)));
    return { ...durable, handle: null };
  }

  async #copy(from: string, durable: DurablePart, to: string): Promise<void> {
    await copyExactly(this.#fs, this.#folders, from, to, durable);
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
