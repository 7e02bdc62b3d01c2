/**
 * The file store of the world, modelled on src/stores/local/store.ts: it makes the same data durable at the
 * same steps. A descriptor leads to its inode even if the name changes, so a former owner continues to write
 * into it.
 */
import { isStoreFailure } from '../../src/stores/failure.ts';
import type { StoreReading } from '../../src/stores/reading.ts';
import type { Temporaries } from '../../src/stores/temporaries.ts';
import { withTail } from '../../src/stores/storedContent.ts';
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
} from '../../src/stores/port.ts';
import type { SimProcess } from '../process.ts';
import { differenceOf, mustBeHidden, readScratch, SimOpenFile, SimStore, type Connection } from './base.ts';
import { differs, missing, noSpace, noSpaceToSync } from './errors.ts';
import { Disk, isTaken, type Inode } from './file/disk.ts';
import type { Readable } from './reading.ts';
import type { DamagedFile, SimStoreOptions, SimStoreServer } from './port.ts';
import { SimServer, withOtherByte } from './server.ts';

/** In percent: on a full disk. */
const SYNC_WITHOUT_ROOM_SHARE = 20;

type CommitPoint = 'store.commit' | 'store.commitAfterRecovery';

/** The name that a temporary file gets before it is published: a file with it may have been published. */
const publishingUriOf = (temporaryUri: string): string => `${temporaryUri}.p`;

export class SimFileServer extends SimServer implements SimStoreServer {
  readonly #disk: Disk;

  constructor(options: SimStoreOptions) {
    super(options);
    this.#disk = new Disk(this.destination);
  }

  connect(process: SimProcess): Store {
    return new SimFileStore(this.#disk, { calls: this.calls, destination: this.destination, process });
  }

  fill(freeBytes: number): void {
    this.#disk.limit(freeBytes);
  }

  freeBytes(): number {
    return this.#disk.freeBytes;
  }

  powerCut(): void {
    this.calls.powerCut();
    this.#disk.powerCut();
    this.destination.witnesses.powerCut();
  }

  leftovers(): readonly string[] {
    return this.#disk.leftovers();
  }

  temporary(): readonly string[] {
    return this.#disk.hidden().map(({ uri }) => uri);
  }

  put(uri: string, bytes: Uint8Array): void {
    const inode = this.#disk.create(uri, null);
    this.#disk.write(inode, 0, Buffer.from(bytes));
    this.#disk.syncData(inode);
    this.#disk.syncFolderOf(uri);
  }

  remove(uri: string): void {
    this.#disk.unlink(uri);
    this.#disk.syncFolderOf(uri);
  }

  override take(uri: string): void {
    this.#disk.take(uri);
  }

  /** Of a file that is not on its way to its final name. */
  damage({ temporaryUris }: DamagedFile, how: 'removed' | 'changed'): boolean {
    let isDone = false;
    for (const uri of temporaryUris) {
      const inode = this.#disk.find(uri);
      if (inode === null || inode.names.size > 1) continue;
      if (how === 'removed') this.remove(uri);
      else if (inode.bytes.length === 0) continue;
      else inode.bytes = withOtherByte(inode.bytes);
      isDone = true;
    }
    return isDone;
  }

  backUp(): void {
    this.#disk.backUp();
  }

  deleteBackups(): void {
    this.#disk.deleteBackups();
  }
}

class SimFileStore extends SimStore implements Store {
  readonly kind = 'file';
  readonly takeover: FinishingTakeover = {
    ...{ type: 'finish', copies: true },
    finish: (target, durable, to) => this.#finish(target, durable, to),
  };
  readonly #disk: Disk;
  readonly #connection: Connection;

  readonly salvage: Salvage;
  readonly reading: StoreReading;
  readonly temporaries: Temporaries;
  readonly scratch: ScratchFiles = {
    create: (uri) => this.#create(uri),
    read: async (uri, durable, take) => {
      const found = await this.call('store.finish', () => this.#disk.find(uri)?.bytes ?? null);
      await readScratch(uri, found, durable, take);
    },
  };

  constructor(disk: Disk, connection: Connection) {
    super(connection);
    this.#disk = disk;
    this.#connection = connection;
    const readable: Readable = {
      showsUnpublished: true,
      uris: () => disk.uris(),
      contentOf: (uri) => (disk.find(uri) ?? disk.find(publishingUriOf(uri)))?.bytes ?? null,
      lengthOf: (uri) => disk.find(uri)?.bytes.length ?? 0,
    };
    this.reading = this.readingOf(readable);
    this.temporaries = this.sweeping({
      names: () => disk.hidden(),
      uploads: () => [],
      remove: (uri) => {
        disk.unlink(uri);
        disk.syncFolderOf(uri);
      },
      abort: () => undefined,
    });
    this.salvage = this.salvaging(readable, (uri, bytes) => {
      const inode = disk.create(uri, this.process);
      try {
        disk.write(inode, 0, bytes);
      } catch (error) {
        disk.unlink(uri);
        throw error;
      }
      disk.syncData(inode);
      disk.syncFolderOf(uri);
    });
  }

  session(): Store {
    return this;
  }

  override async writeWitness(folderUri: string, name: string): Promise<void> {
    if (this.#disk.freeBytes === 0) await this.call('store.writeWitness', () => this.#noRoomFor(folderUri));
    return super.writeWitness(folderUri, name);
  }

  #noRoomFor(uri: string): void {
    if (this.#disk.freeBytes === 0) throw noSpace('store.writeWitness', uri);
  }

  create({ temporaryUri }: PartTarget): Promise<OpenFile> {
    return this.#create(temporaryUri);
  }

  async #create(temporaryUri: string): Promise<OpenFile> {
    const inode = await this.call('store.create', () => this.#disk.create(temporaryUri, this.process));
    return new FileBeingWritten(this.#disk, this.#connection, temporaryUri, inode);
  }

  /** An unfinished copy stays: its name is journaled, and discarded with the rest. */
  async #finish(
    target: PartTarget,
    durable: DurablePart,
    { toUri, tail }: FinishedFile,
  ): Promise<DurablePart> {
    const disk = this.#disk;
    const finished = { ...withTail(durable, tail), handle: null };
    const source = await this.call('store.finish', () => {
      const found = disk.find(target.temporaryUri) ?? disk.find(publishingUriOf(target.temporaryUri));
      if (found === null) throw missing(target);
      return found;
    });
    // The source stays open, whatever happens to its name meanwhile.
    const copy = await this.call('store.finish', () => {
      const made = disk.create(toUri, this.process);
      try {
        disk.write(made, 0, Buffer.concat([source.bytes.subarray(0, durable.length), tail]));
      } catch (error) {
        disk.unlink(toUri);
        throw error;
      }
      return made;
    });
    await this.call('store.finish', () => {
      disk.syncData(copy);
      disk.syncFolderOf(toUri);
      const difference = differenceOf(copy.bytes, finished);
      if (difference === null) return;
      disk.unlink(toUri);
      throw differs(target, `was copied, and the copy ${difference}`);
    });
    return finished;
  }

  async commit(target: PartTarget, durable: DurablePart): Promise<void> {
    const links = await this.call('store.commit', () => {
      const temporary = this.#disk.find(target.temporaryUri);
      if (temporary === null || this.#disk.find(target.finalUri) !== null) return null;
      if (temporary.bytes.length !== durable.length) throw differs(target, 'has another length');
      return this.#rename(target, temporary);
    });
    if (links !== null && (await this.#publish(target, links, 'store.commit'))) return;
    await this.#settle(target, durable, 'store.commit');
  }

  commitAfterRecovery(target: PartTarget, durable: DurablePart): Promise<void> {
    return this.#settle(target, durable, 'store.commitAfterRecovery');
  }

  #settle(target: PartTarget, durable: DurablePart, point: CommitPoint): Promise<void> {
    return this.patiently(target, async () => {
      const found = await this.call(point, () => this.#look(target, durable));
      if (found === 'missing') return 'missing';
      if (found === 'published') await this.#keepFinal(target, point);
      else if (!(await this.#publish(target, found, point))) return 'raced';
      return 'done';
    });
  }

  /** Looks for the file. An unpublished one then has its second hidden name; returns its link count. */
  #look(target: PartTarget, durable: DurablePart): 'missing' | 'published' | number {
    const temporary = this.#disk.find(target.temporaryUri);
    const publishing = this.#disk.find(publishingUriOf(target.temporaryUri));
    const final = this.#disk.find(target.finalUri);
    const found = final ?? publishing ?? temporary;
    if (found === null) return 'missing';
    if (final === null && found === publishing && found.names.size > 1) {
      // A link that is not the final name: a reader has it already, or only a backup.
      this.#tellMistaken(target);
      return 'missing';
    }
    const difference = differenceOf(found.bytes, durable);
    if (difference !== null) throw differs(target, difference);
    this.#disk.syncData(found);
    if (final !== null) return 'published';
    return found === temporary ? this.#rename(target, found) : found.names.size;
  }

  /** The only moment in which the disk does not show whether a reader has the file, or only a backup. */
  #tellMistaken({ temporaryUri, finalUri }: PartTarget): void {
    const publishing = this.#disk.find(publishingUriOf(temporaryUri));
    if (publishing !== null && !isTaken(publishing)) this.destination.mistaken(finalUri);
  }

  #rename({ temporaryUri }: PartTarget, { names }: Inode): number {
    this.#disk.rename(temporaryUri, publishingUriOf(temporaryUri));
    return names.size;
  }

  /** Makes the second hidden name durable, then the final one. False if one exists, or the other is gone. */
  async #publish(target: PartTarget, links: number, point: CommitPoint): Promise<boolean> {
    const { temporaryUri, finalUri } = target;
    const publishing = publishingUriOf(temporaryUri);
    try {
      await this.call(point, () => {
        this.#disk.syncFolderOf(publishing);
      });
      const isLinked = await this.call(point, () => {
        const found = this.#disk.find(publishing);
        if (found === null || this.#disk.find(finalUri) !== null) return false;
        this.#disk.link(found, finalUri);
        return true;
      });
      if (!isLinked) return false;
    } catch (error) {
      if (isStoreFailure(error, 'unavailable')) await this.#takeBack(target, links, point);
      throw error;
    }
    await this.#keepFinal(target, point);
    return true;
  }

  /** Not published: a backup taken before the next attempt must not make it look as if it was. */
  async #takeBack({ temporaryUri }: PartTarget, links: number, point: CommitPoint): Promise<void> {
    const publishing = publishingUriOf(temporaryUri);
    await this.call(point, () => {
      if (this.#disk.find(publishing)?.names.size === links) this.#disk.rename(publishing, temporaryUri);
    });
  }

  /** Makes the final name durable first; only then may the temporary one be removed. */
  async #keepFinal({ temporaryUri, finalUri }: PartTarget, point: CommitPoint): Promise<void> {
    await this.call(point, () => {
      this.#disk.syncFolderOf(finalUri);
    });
    await this.call(point, () => {
      this.#unlinkHidden(temporaryUri);
    });
    await this.call(point, () => {
      this.#remove(temporaryUri);
    });
  }

  #unlinkHidden(uri: string): void {
    this.#disk.unlink(uri);
    this.#disk.unlink(publishingUriOf(uri));
  }

  #remove(uri: string): void {
    this.#unlinkHidden(uri);
    this.#disk.syncFolderOf(uri);
    this.destination.discarded(uri);
  }

  discard(temporaryUris: readonly string[]): Promise<void> {
    return this.call('store.discard', () => {
      mustBeHidden(temporaryUris);
      for (const uri of temporaryUris) this.#remove(uri);
    });
  }
}

class FileBeingWritten extends SimOpenFile {
  readonly #disk: Disk;
  readonly #uri: string;
  readonly #inode: Inode;
  #position = 0;

  constructor(disk: Disk, connection: Connection, uri: string, inode: Inode) {
    super(connection);
    this.#disk = disk;
    this.#uri = uri;
    this.#inode = inode;
  }

  async write(bytes: Uint8Array): Promise<void> {
    const position = this.#position;
    this.#position += bytes.length;
    await this.lend(bytes, (lent) => {
      this.#disk.write(this.#inode, position, lent);
    });
  }

  async persist(): Promise<StoreHandle> {
    try {
      return await this.call('store.persist', () => this.#persist());
    } catch (error) {
      this.#disk.syncFails(this.#inode);
      throw error;
    }
  }

  async closeForCommit(): Promise<StoreHandle> {
    const handle = await this.call('store.closeForCommit', () => this.#persist());
    this.closed();
    return handle;
  }

  #persist(): StoreHandle {
    // Written data may find no room only now.
    if (this.#disk.freeBytes === 0 && this.process.chance.percent(SYNC_WITHOUT_ROOM_SHARE))
      throw noSpaceToSync(this.#uri);
    this.#disk.syncData(this.#inode);
    this.#disk.syncFolderOf(this.#uri);
    return null;
  }
}
