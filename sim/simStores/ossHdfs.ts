/**
 * The OSS-HDFS store of the world. Every session is a separate client, like one JindoSDK store per claim:
 * requests of an old one are refused, since it lacks the lease.
 */
import type { Failpoint } from '../../src/system/failpoints.ts';
import type { StoreReading } from '../../src/stores/reading.ts';
import type { Temporaries } from '../../src/stores/temporaries.ts';
import { beingWritten, scratchMissing } from '../../src/stores/storedContent.ts';
import type {
  DurablePart,
  OpenFile,
  PartTarget,
  ResumingTakeover,
  Salvage,
  ScratchFiles,
  Store,
  StoreHandle,
} from '../../src/stores/port.ts';
import type { SimProcess } from '../process.ts';
import { differenceOf, mustBeHidden, readScratch, SimOpenFile, SimStore, type Connection } from './base.ts';
import { differs, exists, handleInvalid, isRefused, Refused, refusedForGood } from './errors.ts';
import { Namespace, type LeasedFile } from './ossHdfs/namespace.ts';
import type { Readable } from './reading.ts';
import type { DamagedFile, SimStoreOptions, SimStoreServer } from './port.ts';
import { SimServer } from './server.ts';

const CLOSED_POLL_MS = 20;

export class SimOssHdfsServer extends SimServer implements SimStoreServer {
  readonly namespace: Namespace;
  #clients = 0;

  constructor(options: SimStoreOptions) {
    super(options);
    this.namespace = new Namespace(this.destination);
  }

  connect(process: SimProcess): Store {
    const connection = { calls: this.calls, destination: this.destination, process };
    return new SimOssHdfsStore(this.namespace, connection, () => {
      this.#clients += 1;
      return `${process.name}-${this.#clients}`;
    });
  }

  /** The service has its own power: requests in flight arrive. */
  powerCut(): void {
    return undefined;
  }

  leftovers(): readonly string[] {
    return this.namespace.leftovers();
  }

  temporary(): readonly string[] {
    return this.namespace.hidden().map(({ uri }) => uri);
  }

  put(uri: string, bytes: Uint8Array): void {
    const file = this.namespace.create(uri, 'somebody else', null);
    this.namespace.write(file, 'somebody else', Buffer.from(bytes));
    this.namespace.complete(file, 'somebody else');
  }

  remove(uri: string): void {
    this.namespace.remove(uri);
  }

  damage({ temporaryUris }: DamagedFile, how: 'removed' | 'changed'): boolean {
    const standing = temporaryUris.filter((uri) => this.namespace.isThere(uri));
    if (how === 'changed') return standing.filter((uri) => this.namespace.change(uri)).length > 0;
    for (const uri of standing) this.remove(uri);
    return standing.length > 0;
  }
}

class SimOssHdfsStore extends SimStore implements Store {
  readonly kind = 'oss-hdfs';
  readonly takeover: ResumingTakeover = {
    type: 'resume',
    resume: (target, durable, toUri) => this.#resume(target, durable, toUri),
  };
  readonly #namespace: Namespace;
  readonly #connection: Connection;
  readonly #newClient: () => string;
  readonly #client: string;
  readonly salvage: Salvage;
  readonly reading: StoreReading;
  readonly temporaries: Temporaries;
  readonly scratch: ScratchFiles = {
    create: (uri) => this.#create(uri),
    read: (...asked) => this.#readScratch(...asked),
  };
  #isClosed = false;

  constructor(namespace: Namespace, connection: Connection, newClient: () => string) {
    super(connection);
    this.#namespace = namespace;
    this.#connection = connection;
    this.#newClient = newClient;
    this.#client = newClient();
    const readable: Readable = {
      showsUnpublished: true,
      uris: () => namespace.uris(),
      contentOf: (uri) => {
        if (!namespace.isThere(uri)) return null;
        if (!namespace.isClosed(uri)) throw beingWritten(uri, null);
        return namespace.read(uri);
      },
      lengthOf: (uri) => namespace.lengthOf(uri),
    };
    this.reading = this.readingOf(readable);
    this.temporaries = this.sweeping({
      names: () => namespace.hidden(),
      uploads: () => [],
      remove: (uri) => namespace.delete(uri),
      abort: () => undefined,
    });
    this.salvage = this.salvaging(readable, (uri, bytes) => {
      const file = namespace.create(uri, this.#client, this.destination.litter(uri, this.process));
      namespace.write(file, this.#client, bytes);
      namespace.complete(file, this.#client);
    });
  }

  /** The library frees the session's resources: none may be used any more. */
  override async close(): Promise<void> {
    this.#isClosed = true;
    return Promise.resolve();
  }

  protected override call<T>(point: Failpoint, arrives: () => T, mayBeLate = false): Promise<T> {
    if (this.#isClosed) throw handleInvalid(`${point} of a session that is closed`, this.#client);
    return super.call(point, arrives, mayBeLate);
  }

  session(): Store {
    return new SimOssHdfsStore(this.#namespace, this.#connection, this.#newClient);
  }

  create({ temporaryUri }: PartTarget): Promise<OpenFile> {
    return this.#create(temporaryUri);
  }

  /** Nobody reads a file that is open: its lease is taken first. */
  async #readScratch(...[uri, durable, take]: Parameters<ScratchFiles['read']>): Promise<void> {
    try {
      await this.#untilClosed(uri);
      const bytes = await this.call('store.resume', () => this.#contentOf(uri));
      await readScratch(uri, bytes, durable, take);
    } catch (error) {
      if (isRefused(error, 'notFound')) throw scratchMissing(uri, durable);
      throw error instanceof Refused ? refusedForGood(error.message, uri) : error;
    }
  }

  async #create(temporaryUri: string): Promise<OpenFile> {
    const client = this.#client;
    const file = await this.call('store.create', () => {
      if (this.#namespace.isThere(temporaryUri)) throw exists(temporaryUri);
      return this.#namespace.create(
        temporaryUri,
        client,
        this.destination.litter(temporaryUri, this.process),
      );
    });
    return new LeasedOpenFile(this.#namespace, this.#connection, temporaryUri, file, client);
  }

  /**
   * Renames first, so that no other owner finds the file under the name that it knows. Takes the lease again
   * afterwards: an owner that had opened it under the old name meanwhile is shut out before anything is cut
   * or appended.
   */
  async #resume(target: PartTarget, durable: DurablePart, toUri: string): Promise<OpenFile> {
    const fromUris = [...(target.formerUris ?? []), target.temporaryUri];
    await this.patiently(target, () => this.#move(fromUris, toUri));
    await this.#close(target, toUri);
    await this.#cut(target, durable, toUri);
    const client = this.#client;
    const file = await this.#ask(target, 'store.resume', () => {
      const difference = differenceOf(this.#namespace.read(toUri), durable);
      if (difference !== null) throw differs(target, difference);
      return this.#namespace.append(toUri, client);
    });
    return new LeasedOpenFile(this.#namespace, this.#connection, toUri, file, client);
  }

  /** The data is under exactly one of the journaled names, unless another owner moves it at this moment. */
  async #move(fromUris: readonly string[], toUri: string): Promise<'done' | 'raced' | 'missing'> {
    const fromUri = await this.call(
      'store.resume',
      () => [...fromUris, toUri].find((uri) => this.#namespace.isThere(uri)) ?? null,
    );
    if (fromUri === null) return 'missing';
    // An earlier attempt got this far.
    if (fromUri === toUri) return 'done';
    try {
      await this.#untilClosed(fromUri);
      await this.call('store.resume', () => this.#namespace.rename(fromUri, toUri), true);
    } catch (error) {
      if (isRefused(error, 'notFound')) return 'raced';
      throw error;
    }
    return 'done';
  }

  async #close(target: PartTarget, uri: string): Promise<void> {
    try {
      await this.#untilClosed(uri);
    } catch (error) {
      throw this.#understood(error, target);
    }
  }

  async #untilClosed(uri: string): Promise<void> {
    const isTaken = (): boolean => this.#namespace.recoverLease(uri);
    // Repeats: another owner that does not know yet of its end may open the file meanwhile.
    while (!(await this.call('store.resume', isTaken, true))) await this.process.clock.pause(CLOSED_POLL_MS);
  }

  async #cut(target: PartTarget, { length }: DurablePart, uri: string): Promise<void> {
    let isCut = await this.#ask(target, 'store.resume', () => this.#namespace.truncate(uri, length), true);
    while (!isCut) {
      await this.process.clock.pause(CLOSED_POLL_MS);
      isCut = await this.#ask(target, 'store.resume', () => this.#namespace.isClosed(uri));
    }
  }

  commit(target: PartTarget, durable: DurablePart): Promise<void> {
    return this.#publish(target, durable, 'store.commit');
  }

  commitAfterRecovery(target: PartTarget, durable: DurablePart): Promise<void> {
    return this.#publish(target, durable, 'store.commitAfterRecovery');
  }

  /** Looks at both names and renames only if the final one does not exist. */
  #publish(target: PartTarget, durable: DurablePart, point: Failpoint): Promise<void> {
    const { temporaryUri, finalUri } = target;
    return this.patiently(target, async () => {
      const found = await this.#ask(target, point, () => ({
        temporary: this.#contentOf(temporaryUri),
        final: this.#contentOf(finalUri),
      }));
      const bytes = found.final ?? found.temporary;
      if (bytes === null) return 'missing';
      const difference = differenceOf(bytes, durable);
      if (difference !== null) throw differs(target, difference);
      if (found.final !== null) {
        await this.call(point, () => this.#remove(temporaryUri));
        return 'done';
      }
      try {
        await this.call(point, () => this.#namespace.rename(temporaryUri, finalUri), true);
      } catch (error) {
        if (isRefused(error, 'notFound')) return 'raced';
        throw error;
      }
      return 'done';
    });
  }

  #contentOf(uri: string): Buffer | null {
    return this.#namespace.isThere(uri) ? this.#namespace.read(uri) : null;
  }

  #remove(uri: string): void {
    this.#namespace.delete(uri);
    this.destination.discarded(uri);
  }

  discard(temporaryUris: readonly string[]): Promise<void> {
    return this.call('store.discard', () => {
      mustBeHidden(temporaryUris);
      for (const uri of temporaryUris) this.#remove(uri);
    });
  }

  /** A call whose refusal says something about the part file. */
  async #ask<T>(target: PartTarget, point: Failpoint, asks: () => T, mayBeLate = false): Promise<T> {
    try {
      return await this.call(point, asks, mayBeLate);
    } catch (error) {
      throw this.#understood(error, target);
    }
  }

  #understood(error: unknown, target: PartTarget): unknown {
    if (!(error instanceof Refused)) return error;
    if (error.reason === 'tooShort') return differs(target, 'is shorter than was journaled');
    // Gone, or opened again: another owner uses it.
    return refusedForGood(error.message, target.temporaryUri);
  }
}

class LeasedOpenFile extends SimOpenFile {
  readonly #namespace: Namespace;
  readonly #uri: string;
  readonly #file: LeasedFile;
  readonly #client: string;

  constructor(
    namespace: Namespace,
    connection: Connection,
    ...[uri, file, client]: [uri: string, file: LeasedFile, client: string]
  ) {
    super(connection);
    this.#namespace = namespace;
    this.#uri = uri;
    this.#file = file;
    this.#client = client;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.lend(bytes, (lent) => this.#namespace.write(this.#file, this.#client, lent), true);
  }

  async persist(): Promise<StoreHandle> {
    return this.#metadata('store.persist', () => this.#namespace.flush(this.#file, this.#client));
  }

  async closeForCommit(): Promise<StoreHandle> {
    const handle = await this.#metadata('store.closeForCommit', () =>
      this.#namespace.complete(this.#file, this.#client),
    );
    this.closed();
    return handle;
  }

  async #metadata(point: Failpoint, effect: () => void): Promise<StoreHandle> {
    try {
      await this.call(point, effect, true);
      return null;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      throw refusedForGood(`Another client has the lease, or the file is gone (${error.message})`, this.#uri);
    }
  }
}
