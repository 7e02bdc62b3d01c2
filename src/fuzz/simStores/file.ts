/**
 * The file store of the world, after src/stores/file.ts: what it makes durable, and when, is the same. A descriptor leads to its
 * inode whatever became of its name, so that a former owner goes on writing into it.
 */
import type { DurablePart, OpenFile, PartTarget, Salvage, Store, StoreHandle } from '../../stores/port.ts';
import type { SimProcess } from '../process.ts';
import { differenceOf, mustBeHidden, SimOpenFile, SimStore, type Connection } from './base.ts';
import { differs, handleInvalid, missing, noSpace, noSpaceToSync } from './errors.ts';
import { Disk, type Inode } from './file/disk.ts';
import type { SimStoreOptions, SimStoreServer } from './port.ts';
import { SimServer } from './server.ts';

/** In percent: on a full disk. */
const SYNC_WITHOUT_ROOM_SHARE = 20;

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
}

class SimFileStore extends SimStore implements Store {
  readonly kind = 'file';
  readonly capabilities = { takeover: 'finish', takeoverMoves: true } as const;
  readonly #disk: Disk;
  readonly #connection: Connection;

  readonly salvage: Salvage;

  constructor(disk: Disk, connection: Connection) {
    super(connection);
    this.#disk = disk;
    this.#connection = connection;
    this.salvage = this.salvaging({
      uris: () => disk.uris(),
      contentOf: (uri) => disk.find(uri)?.bytes ?? null,
      keep: (uri, bytes) => {
        const inode = disk.create(uri, this.process);
        try {
          disk.write(inode, 0, bytes);
        } catch (error) {
          disk.unlink(uri);
          throw error;
        }
        disk.syncData(inode);
        disk.syncFolderOf(uri);
      },
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

  async create({ temporaryUri }: PartTarget): Promise<OpenFile> {
    const inode = await this.call('store.create', () => this.#disk.create(temporaryUri, this.process));
    return new FileBeingWritten(this.#disk, this.#connection, temporaryUri, inode);
  }

  async recover({ temporaryUri }: PartTarget): Promise<OpenFile> {
    throw handleInvalid('The file store finishes a copy, it does not resume', temporaryUri);
  }

  /** A copy that was not finished stays: its name is journaled, and discarded with the rest. */
  async finish(target: PartTarget, durable: DurablePart, toUri: string): Promise<StoreHandle> {
    const disk = this.#disk;
    const source = await this.call('store.finish', () => {
      const found = disk.find(target.temporaryUri);
      if (found === null) throw missing(target);
      return found;
    });
    // Whatever becomes of its name meanwhile, the source stays open.
    const copy = await this.call('store.finish', () => {
      const made = disk.create(toUri, this.process);
      try {
        disk.write(made, 0, Buffer.from(source.bytes.subarray(0, durable.length)));
      } catch (error) {
        disk.unlink(toUri);
        throw error;
      }
      return made;
    });
    await this.call('store.finish', () => {
      disk.syncData(copy);
      disk.syncFolderOf(toUri);
      const difference = differenceOf(copy.bytes, durable);
      if (difference === null) return;
      disk.unlink(toUri);
      throw differs(target, `was copied, and the copy ${difference}`);
    });
    return null;
  }

  async commit(target: PartTarget, durable: DurablePart): Promise<void> {
    const isLinked = await this.call('store.commit', () => {
      const temporary = this.#disk.find(target.temporaryUri);
      const isTaken = this.#disk.find(target.finalUri) !== null;
      if (temporary === null || isTaken || temporary.names.size > 1) return false;
      if (temporary.bytes.length !== durable.length) throw differs(target, 'has another length');
      this.#disk.link(temporary, target.finalUri);
      return true;
    });
    if (isLinked) await this.#keepFinal(target, 'store.commit');
    else await this.#settle(target, durable, 'store.commit');
  }

  commitAfterRecovery(target: PartTarget, durable: DurablePart): Promise<void> {
    return this.#settle(target, durable, 'store.commitAfterRecovery');
  }

  #settle(
    target: PartTarget,
    durable: DurablePart,
    point: 'store.commit' | 'store.commitAfterRecovery',
  ): Promise<void> {
    return this.patiently(target, async () => {
      const isThere = await this.call(point, () => this.#link(target, durable));
      if (!isThere) return 'missing';
      await this.#keepFinal(target, point);
      return 'done';
    });
  }

  /** False where neither name is there. */
  #link(target: PartTarget, durable: DurablePart): boolean {
    const temporary = this.#disk.find(target.temporaryUri);
    const final = this.#disk.find(target.finalUri);
    const found = final ?? temporary;
    if (found === null) return false;
    // A second name that is not the final one: a reader has it already.
    if (final === null && found.names.size > 1) return false;
    const difference = differenceOf(found.bytes, durable);
    if (difference !== null) throw differs(target, difference);
    this.#disk.syncData(found);
    if (final === null) this.#disk.link(found, target.finalUri);
    return true;
  }

  /** The final name first, for good; only then may the temporary one go. */
  async #keepFinal(
    { temporaryUri, finalUri }: PartTarget,
    point: 'store.commit' | 'store.commitAfterRecovery',
  ): Promise<void> {
    await this.call(point, () => {
      this.#disk.syncFolderOf(finalUri);
    });
    await this.call(point, () => {
      this.#disk.unlink(temporaryUri);
    });
    await this.call(point, () => {
      this.#remove(temporaryUri);
    });
  }

  #remove(uri: string): void {
    this.#disk.unlink(uri);
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
    // What was written may find no room only now.
    if (this.#disk.freeBytes === 0 && this.process.chance.percent(SYNC_WITHOUT_ROOM_SHARE))
      throw noSpaceToSync(this.#uri);
    this.#disk.syncData(this.#inode);
    this.#disk.syncFolderOf(this.#uri);
    return null;
  }
}
