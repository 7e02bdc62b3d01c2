/**
 * The file store of the world: names that lead to inodes. A descriptor leads to its inode whatever became of the name, so that a
 * former owner goes on writing into it; what was not persisted is lost at a power cut.
 */
import { crc64Of } from '../../../journal/crc64.ts';
import { TidemarkError } from '../../../journal/errors.ts';
import type { JournalId } from '../../../journal/ids.ts';
import type { DurablePart, OpenFile, PartTarget, Store, StoreHandle } from '../../stores/port.ts';
import type { SimProcess } from '../process.ts';
import { StoreCalls, type SimStoreOptions, type SimStoreServer } from './port.ts';

/** A network file system may show a rename late: nothing is called missing before it was missing this often. */
const MISSING_PROBES = 5;
const MISSING_PAUSE_MS = 200;

class Inode {
  bytes: Buffer = Buffer.alloc(0);
  durableLength = 0;
  readonly names = new Set<string>();

  matches(durable: DurablePart): boolean {
    return this.bytes.length === durable.length && crc64Of(this.bytes) === durable.crc64;
  }
}

export class SimFileServer implements SimStoreServer {
  readonly #options: SimStoreOptions;
  readonly #calls: StoreCalls;
  readonly #names = new Map<string, Inode>();
  readonly #markers = new Map<string, JournalId>();

  constructor(options: SimStoreOptions) {
    this.#options = options;
    this.#calls = new StoreCalls(options);
  }

  connect(process: SimProcess): Store {
    return new SimFileStore(this, this.#calls, process);
  }

  goAway(forMs: number): void {
    this.#calls.goAway(forMs);
  }

  powerCut(): void {
    this.#calls.powerCut();
    for (const inode of new Set(this.#names.values())) {
      if (inode.bytes.length > inode.durableLength)
        this.rewrite(inode, inode.bytes.subarray(0, inode.durableLength));
    }
  }

  leftovers(): readonly string[] {
    return [...this.#names.keys()].filter(isHidden).sort();
  }

  find(uri: string): Inode | null {
    return this.#names.get(uri) ?? null;
  }

  create(uri: string): Inode {
    if (this.#names.has(uri)) throw new TidemarkError('STORE_EXISTS', `${uri} exists already.`);
    const inode = new Inode();
    this.link(inode, uri);
    return inode;
  }

  link(inode: Inode, uri: string): void {
    this.#names.set(uri, inode);
    inode.names.add(uri);
    if (!isHidden(uri)) this.#tell(uri, 'appeared', inode);
  }

  unlink(uri: string): void {
    const inode = this.#names.get(uri);
    if (inode === undefined) return;
    this.#names.delete(uri);
    inode.names.delete(uri);
    if (!isHidden(uri)) this.#tell(uri, 'gone', null);
  }

  /** Whatever names lead to the inode show the new bytes. */
  rewrite(inode: Inode, bytes: Buffer): void {
    inode.bytes = bytes;
    inode.durableLength = Math.min(inode.durableLength, bytes.length);
    for (const uri of inode.names) if (!isHidden(uri)) this.#tell(uri, 'changed', inode);
  }

  claimMarker(key: string, id: JournalId): JournalId {
    const standing = this.#markers.get(key);
    if (standing !== undefined) return standing;
    this.#markers.set(key, id);
    return id;
  }

  marker(key: string): JournalId | null {
    return this.#markers.get(key) ?? null;
  }

  #tell(uri: string, type: 'appeared' | 'changed' | 'gone', inode: Inode | null): void {
    const content = inode === null ? null : inode.bytes.toString('utf8');
    this.#options.visible({ atMs: this.#options.scheduler.nowMs, uri, type, content });
  }
}

class SimFileStore implements Store {
  readonly kind = 'file';
  readonly capabilities = { takeover: 'finish', takeoverMoves: true } as const;
  readonly #server: SimFileServer;
  readonly #calls: StoreCalls;
  readonly #process: SimProcess;

  constructor(server: SimFileServer, calls: StoreCalls, process: SimProcess) {
    this.#server = server;
    this.#calls = calls;
    this.#process = process;
  }

  async create({ temporaryUri }: PartTarget): Promise<OpenFile> {
    const inode = await this.#calls.call(this.#process, 'store.create', () =>
      this.#server.create(temporaryUri),
    );
    return new SimOpenFile(this.#server, this.#calls, this.#process, inode);
  }

  async recover(target: PartTarget): Promise<OpenFile> {
    throw new TidemarkError('STORE_HANDLE_INVALID', `The file store finishes ${target.temporaryUri}.`);
  }

  finish({ temporaryUri }: PartTarget, durable: DurablePart, toUri: string): Promise<StoreHandle> {
    return this.#calls.call(this.#process, 'store.finish', () => {
      const source = this.#server.find(temporaryUri);
      if (source === null) throw missing(temporaryUri);
      if (source.bytes.length < durable.length) throw differs(temporaryUri);
      const copy = this.#server.create(toUri);
      copy.bytes = Buffer.from(source.bytes.subarray(0, durable.length));
      copy.durableLength = durable.length;
      if (copy.matches(durable)) return null;
      this.#server.unlink(toUri);
      throw differs(temporaryUri);
    });
  }

  async commit(target: PartTarget, durable: DurablePart): Promise<void> {
    const done = await this.#calls.call(this.#process, 'store.commit', () => {
      const temporary = this.#server.find(target.temporaryUri);
      if (temporary === null || this.#server.find(target.finalUri) !== null) return false;
      if (temporary.bytes.length !== durable.length) throw differs(target.temporaryUri);
      this.#server.link(temporary, target.finalUri);
      this.#server.unlink(target.temporaryUri);
      return true;
    });
    if (!done) await this.commitAfterRecovery(target, durable);
  }

  async commitAfterRecovery(target: PartTarget, durable: DurablePart): Promise<void> {
    for (let probe = 1; ; probe += 1) {
      const found = await this.#calls.call(this.#process, 'store.commitAfterRecovery', () =>
        this.#settle(target, durable),
      );
      if (found) return;
      if (probe === MISSING_PROBES) throw missing(target.finalUri);
      await this.#process.clock.pause(MISSING_PAUSE_MS);
    }
  }

  /** False where neither name is there. */
  #settle({ temporaryUri, finalUri }: PartTarget, durable: DurablePart): boolean {
    const temporary = this.#server.find(temporaryUri);
    const final = this.#server.find(finalUri);
    const found = final ?? temporary;
    if (found === null) return false;
    if (!found.matches(durable)) throw differs(final === null ? temporaryUri : finalUri);
    if (final === null) this.#server.link(found, finalUri);
    this.#server.unlink(temporaryUri);
    return true;
  }

  discard(temporaryUris: readonly string[]): Promise<void> {
    return this.#calls.call(this.#process, 'store.discard', () => {
      for (const uri of temporaryUris) {
        if (!isHidden(uri)) throw new TidemarkError('STORE_HANDLE_INVALID', `${uri} is no temporary name.`);
        this.#server.unlink(uri);
      }
    });
  }

  claimMarker(sinkUri: string, job: string, id: JournalId): Promise<JournalId> {
    return this.#calls.call(this.#process, 'store.claimMarker', () =>
      this.#server.claimMarker(`${sinkUri} ${job}`, id),
    );
  }

  readMarker(sinkUri: string, job: string): Promise<JournalId | null> {
    return this.#process.call(this.#process.drawFare(), () => this.#server.marker(`${sinkUri} ${job}`));
  }

  async close(): Promise<void> {
    return Promise.resolve();
  }
}

class SimOpenFile implements OpenFile {
  readonly #server: SimFileServer;
  readonly #calls: StoreCalls;
  readonly #process: SimProcess;
  readonly #inode: Inode;
  #state: 'open' | 'failed' | 'closed' = 'open';
  #position = 0;

  constructor(server: SimFileServer, calls: StoreCalls, process: SimProcess, inode: Inode) {
    this.#server = server;
    this.#calls = calls;
    this.#process = process;
    this.#inode = inode;
  }

  write(bytes: Uint8Array): Promise<void> {
    const kept = Buffer.from(bytes);
    const position = this.#position;
    this.#position += kept.length;
    return this.#call('store.write', () => {
      const gap = Buffer.alloc(Math.max(0, position - this.#inode.bytes.length));
      const before = this.#inode.bytes.subarray(0, position);
      const behind = this.#inode.bytes.subarray(position + kept.length);
      this.#server.rewrite(this.#inode, Buffer.concat([before, gap, kept, behind]));
    });
  }

  persist(): Promise<StoreHandle> {
    return this.#call('store.persist', () => this.#persist());
  }

  async closeForCommit(): Promise<StoreHandle> {
    const handle = await this.#call('store.closeForCommit', () => this.#persist());
    this.#state = 'closed';
    return handle;
  }

  async abandon(): Promise<void> {
    this.#state = 'closed';
    return Promise.resolve();
  }

  #persist(): StoreHandle {
    this.#inode.durableLength = this.#inode.bytes.length;
    return null;
  }

  async #call<T>(
    point: 'store.write' | 'store.persist' | 'store.closeForCommit',
    effect: () => T,
  ): Promise<T> {
    if (this.#state === 'closed')
      throw new TidemarkError('STORE_HANDLE_INVALID', `${point} on a closed file.`);
    if (this.#state === 'failed')
      throw new TidemarkError('STORE_OUTCOME_UNKNOWN', `${point} after an earlier call failed.`);
    try {
      return await this.#calls.call(this.#process, point, effect);
    } catch (error) {
      this.#state = 'failed';
      throw error;
    }
  }
}

function isHidden(uri: string): boolean {
  return uri.slice(uri.lastIndexOf('/') + 1).startsWith('.');
}

function missing(uri: string): TidemarkError {
  return new TidemarkError('STORE_FILE_MISSING', `${uri} is gone.`, { fields: { files: [uri] } });
}

function differs(uri: string): TidemarkError {
  return new TidemarkError('STORE_CONTENT_DIFFERS', `${uri} does not hold what was journaled.`, {
    fields: { files: [uri] },
  });
}
