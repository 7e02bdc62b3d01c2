/**
 * One client of the service: a JindoSDK store with its own client name, by which the service identifies the
 * holder of a lease. Only this client can write to what it opens. Hence one client for each claim.
 */
import { JindoError } from './errors.ts';
import { pointerOf, type Answer, type JindoLibrary, type Pointer } from './library.ts';

/** Longest wait for a call: more than JindoSDK's own time-outs and retries may take. */
const CALL_PATIENCE_MS = 180_000;
const USER = 'tidemark';
const FOLDER_TYPE = 1;
const FILE_MODE = 0o644;
const CREATE = 1;
const APPEND = 4;
const TIMED_OUT = 2002;

export interface FileStatus {
  readonly length: number;
  readonly isFolder: boolean;
}

/** An entry of a folder: its own name, without the path. */
export interface ListedFile extends FileStatus {
  readonly name: string;
  /** In milliseconds since 1970, by the service's clock. */
  readonly modifiedAtMs: number;
}

type CallName = Parameters<JindoLibrary['call']>[0];
type Argument = Parameters<JindoLibrary['call']>[1];

/** Whether the caller of a call has given up. */
interface Patience {
  isOver: boolean;
}

export interface JindoClientOptions {
  /** `oss://ossBucket/` */
  readonly uri: string;
  readonly settings: ReadonlyMap<string, string>;
  /** Awaited before each call: resolves while there are valid keys. Null or absent: they stay. */
  readonly ready?: (() => Promise<unknown>) | null;
}

export class JindoClient {
  readonly #library: JindoLibrary;
  readonly #options: Pointer;
  readonly #store: Pointer;
  /** Options of a creation: missing parent folders are created, too. */
  readonly #creation: Pointer;
  readonly #ready: (() => Promise<unknown>) | null;
  readonly #underWay = new Set<Promise<unknown>>();
  /** The call in progress on each handle. */
  readonly #ofHandle = new Map<Pointer, Promise<unknown>>();
  /** Number of calls that were given up and have not returned. What they use is kept until they do. */
  #overdue = 0;
  #isClosed = false;

  private constructor(
    library: JindoLibrary,
    { options, creation, store }: Readonly<Record<'options' | 'creation' | 'store', Pointer>>,
    ready: JindoClientOptions['ready'],
  ) {
    this.#library = library;
    this.#options = options;
    this.#creation = creation;
    this.#store = store;
    this.#ready = ready ?? null;
  }

  /** Sends no request to the service yet. */
  static async open(
    library: JindoLibrary,
    { uri, settings, ready = null }: JindoClientOptions,
  ): Promise<JindoClient> {
    await ready?.();
    const options = optionsOf(library, settings);
    const creation = optionsOf(library, [['JDO_CREATE_OPTS_IS_CREATE_PARENT', 'true']]);
    const store = pointerOf(await library.call('createStore', options, uri));
    if (store === null) {
      for (const one of [options, creation]) library.glance('freeOptions', one);
      throw new JindoError(0, `jdo_createStore ${uri}`, 'it gave nothing');
    }
    const client = new JindoClient(library, { options, creation, store }, ready);
    try {
      await client.run('init', null, USER);
    } catch (error) {
      await client.close();
      throw error;
    }
    return client;
  }

  /** Makes a call and checks its error code. JindoError if the call fails, or does not return in time. */
  run(name: CallName, io: Pointer | null, ...args: Argument[]): Promise<Answer> {
    return this.#patiently(name, (patience) => this.#begin(name, io, args, patience, (answer) => answer));
  }

  /** Like `run`, for a call that returns an address. Never null. */
  async runForPointer(name: CallName, ...args: Argument[]): Promise<Pointer> {
    const found = pointerOf(await this.run(name, null, ...args));
    if (found === null) throw new JindoError(0, `jdo_${name}`, 'it gave nothing');
    return found;
  }

  /**
   * Creates a file and its parent folders, and returns an appending handle. JindoError `exists` if the path
   * exists.
   */
  create(path: string): Promise<Pointer> {
    return this.runForPointer('open', path, CREATE, FILE_MODE, this.#creation);
  }

  /** Returns an appending handle of a closed file. */
  append(path: string): Promise<Pointer> {
    return this.runForPointer('open', path, APPEND, FILE_MODE, null);
  }

  /** Status of a path. Null if nothing exists there. */
  async status(path: string): Promise<FileStatus | null> {
    const read = (answer: Answer): FileStatus | null => {
      const status = pointerOf(answer);
      if (status === null) return null;
      const length = Number(this.#library.glance('statusSize', status));
      const isFolder = this.#library.glance('statusType', status) === FOLDER_TYPE;
      this.#library.glance('freeStatus', status);
      return { length, isFolder };
    };
    try {
      return await this.#patiently('getFileStatus', (patience) =>
        this.#begin('getFileStatus', null, [path, null], patience, read),
      );
    } catch (error) {
      if (error instanceof JindoError && error.reason === 'notFound') return null;
      throw error;
    }
  }

  /** Entries of a folder, all of them in memory. Empty if there is no such folder. */
  async list(path: string): Promise<ListedFile[]> {
    try {
      return await this.#patiently('listDir', (patience) =>
        this.#begin('listDir', null, [path, false, null], patience, (answer) => this.#listed(answer)),
      );
    } catch (error) {
      if (error instanceof JindoError && error.reason === 'notFound') return [];
      throw error;
    }
  }

  #listed(answer: Answer): ListedFile[] {
    const list = pointerOf(answer);
    if (list === null) return [];
    const files: ListedFile[] = [];
    const isTruncated = this.#library.glance('listTruncated', list) === true;
    const size = Number(this.#library.glance('listSize', list));
    for (let index = 0; index < size; index += 1) {
      // Part of the list, and freed with it.
      const status = pointerOf(this.#library.glance('listItem', list, index));
      if (status === null) continue;
      const found = String(this.#library.glance('statusPath', status)).replace(/\/+$/, '');
      files.push({
        name: found.slice(found.lastIndexOf('/') + 1),
        length: Number(this.#library.glance('statusSize', status)),
        isFolder: this.#library.glance('statusType', status) === FOLDER_TYPE,
        modifiedAtMs: Number(this.#library.glance('statusMtime', status)),
      });
    }
    this.#library.glance('freeList', list);
    // JindoSDK asks for all pages itself. If it did not, files would be missing in silence.
    if (isTruncated) throw new JindoError(0, 'jdo_listDir', `it listed the first ${size} entries only`);
    return files;
  }

  /**
   * Releases a handle; call it once. If the handle's call was given up, does not wait: the handle is released
   * when that call returns.
   */
  async free(io: Pointer): Promise<void> {
    const call = this.#ofHandle.get(io);
    const freed = this.#track(this.#freeBehind(call, io));
    if (call === undefined || this.#overdue === 0) await freed;
  }

  async #freeBehind(call: Promise<unknown> | undefined, io: Pointer): Promise<void> {
    await call?.catch(() => undefined);
    await this.#library.call('freeIo', io);
  }

  /** Releases the client after its last call has returned. Does not wait for calls that were given up. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const gone = this.#destroyBehindCalls();
    // Nobody is left to handle the failure of a late release.
    if (this.#overdue > 0) gone.catch(() => undefined);
    else await gone;
  }

  async #destroyBehindCalls(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
    await this.#library.call('destroyStore', this.#store);
    await this.#library.call('freeStore', this.#store);
    for (const one of [this.#options, this.#creation]) this.#library.glance('freeOptions', one);
  }

  async #begin<T>(
    name: CallName,
    io: Pointer | null,
    args: readonly Argument[],
    patience: Patience,
    read: (answer: Answer) => T,
  ): Promise<T> {
    if (this.#isClosed) throw closedError(name);
    const work = this.#track(this.#call(name, io, args, patience, read));
    if (io === null) return work;
    // It is released only behind this call, also while that waits for keys.
    this.#ofHandle.set(io, work);
    return work.finally(() => this.#ofHandle.delete(io));
  }

  async #call<T>(
    name: CallName,
    io: Pointer | null,
    args: readonly Argument[],
    patience: Patience,
    read: (answer: Answer) => T,
  ): Promise<T> {
    if (this.#ready !== null) {
      await this.#ready();
      if (this.#isClosed) throw closedError(name);
    }
    const ctx = pointerOf(
      io === null
        ? this.#library.glance('createCtx', this.#store)
        : this.#library.glance('createIoCtx', this.#store, io),
    );
    if (ctx === null) throw new JindoError(0, `jdo_${name}`, 'it was given no context');
    return this.#inContext(name, ctx, args, patience, read);
  }

  /** Frees the context when the call returns, not when its caller has given up. */
  async #inContext<T>(
    name: CallName,
    ctx: Pointer,
    args: readonly Argument[],
    patience: Patience,
    read: (answer: Answer) => T,
  ): Promise<T> {
    try {
      const answer = await this.#library.callUnless(() => patience.isOver, name, ctx, ...args);
      const code = Number(this.#library.glance('errorCode', ctx));
      if (code === 0) return read(answer);
      const message = this.#library.glance('errorMessage', ctx);
      throw new JindoError(code, `jdo_${name}`, typeof message === 'string' ? message : '');
    } finally {
      this.#library.glance('freeCtx', ctx);
    }
  }

  #track<T>(work: Promise<T>): Promise<T> {
    this.#underWay.add(work);
    const forget = (): void => {
      this.#underWay.delete(work);
    };
    work.then(forget, forget);
    return work;
  }

  async #patiently<T>(name: CallName, begin: (patience: Patience) => Promise<T>): Promise<T> {
    const patience = { isOver: false };
    const work = begin(patience);
    const { promise: expired, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      patience.isOver = true;
      this.#overdue += 1;
      work.catch(() => undefined).finally(() => (this.#overdue -= 1));
      reject(
        new JindoError(TIMED_OUT, `jdo_${name}`, `it has not returned for ${CALL_PATIENCE_MS / 1000} s`),
      );
    }, CALL_PATIENCE_MS);
    try {
      return await Promise.race([work, expired]);
    } finally {
      clearTimeout(timer);
    }
  }
}

function closedError(name: CallName): JindoError {
  return new JindoError(0, `jdo_${name}`, 'the client is closed');
}

function optionsOf(library: JindoLibrary, settings: Iterable<readonly [string, string]>): Pointer {
  const options = pointerOf(library.glance('createOptions'));
  if (options === null) throw new JindoError(0, 'jdo_createOptions', 'it gave nothing');
  for (const [key, value] of settings) library.glance('setOption', options, key, value);
  return options;
}
