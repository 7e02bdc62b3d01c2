/**
 * Another client of JindoSDK, which shares nothing with the store but the library: what readers see, and what
 * strangers do.
 */
import koffi, { type KoffiFunc, type LibraryHandle } from 'koffi';

const CREATE = 1;
const OVERWRITE = 2;
const READ_ONLY = 0x10000;
const FOLDER_TYPE = 1;

type Value = bigint | number | boolean | string | null | Uint8Array;

function declared(library: LibraryHandle) {
  const func = (declaration: string): KoffiFunc<(...args: Value[]) => Value> => library.func(declaration);
  return {
    createOptions: func('void *jdo_createOptions()'),
    setOption: func('void jdo_setOption(void *options, const char *key, const char *value)'),
    createStore: func('void *jdo_createStore(void *options, const char *uri)'),
    freeStore: func('void jdo_freeStore(void *store)'),
    createCtx: func('void *jdo_createHandleCtx1(void *store)'),
    createIoCtx: func('void *jdo_createHandleCtx2(void *store, void *io)'),
    errorCode: func('int32_t jdo_getHandleCtxErrorCode(void *ctx)'),
    errorMessage: func('const char *jdo_getHandleCtxErrorMsg(void *ctx)'),
    freeCtx: func('void jdo_freeHandleCtx(void *ctx)'),
    init: func('void jdo_init(void *ctx, const char *user)'),
    listDir: func('void *jdo_listDir(void *ctx, const char *path, bool recursive, void *options)'),
    listSize: func('int64_t jdo_getListDirResultSize(void *list)'),
    listItem: func('void *jdo_getListDirFileStatus(void *list, size_t index)'),
    freeList: func('void jdo_freeListDirResult(void *list)'),
    statusPath: func('const char *jdo_getFileStatusPath(void *status)'),
    statusType: func('int8_t jdo_getFileStatusType(void *status)'),
    statusSize: func('int64_t jdo_getFileStatusSize(void *status)'),
    open: func('void *jdo_open(void *ctx, const char *path, int32_t flags, int16_t perm, void *options)'),
    write: func('int64_t jdo_write(void *ctx, const void *buffer, int64_t length, void *options)'),
    pread: func('int64_t jdo_pread(void *ctx, void *buffer, int64_t length, int64_t offset, void *options)'),
    close: func('bool jdo_close(void *ctx, void *options)'),
    freeIo: func('void jdo_freeIOContext(void *io)'),
    flush: func('bool jdo_flush(void *ctx, void *options)'),
    truncate: func('bool jdo_truncate(void *ctx, const char *path, int64_t length, void *options)'),
    rename: func('bool jdo_rename(void *ctx, const char *from, const char *to, void *options)'),
    remove: func('bool jdo_remove(void *ctx, const char *path, bool recursive, void *options)'),
  };
}

type Functions = ReturnType<typeof declared>;

export interface SeenFile {
  /** Below the folder that was listed. */
  readonly path: string;
  readonly length: number;
}

/** What a client of the service can do with a file that it has open. */
export interface Handle {
  write(bytes: Uint8Array): Promise<unknown>;
  flush(): Promise<unknown>;
  close(): Promise<unknown>;
  free(): Promise<unknown>;
}

export class JindoReader {
  readonly #functions: Functions;
  readonly #store: Value;
  readonly #creation: Value;

  private constructor(functions: Functions, store: Value, creation: Value) {
    this.#functions = functions;
    this.#store = store;
    this.#creation = creation;
  }

  static async open(
    library: string,
    uri: string,
    settings: ReadonlyMap<string, string>,
  ): Promise<JindoReader> {
    const functions = declared(koffi.load(library));
    const options = functions.createOptions();
    for (const [key, value] of settings) functions.setOption(options, key, value);
    const creation = functions.createOptions();
    functions.setOption(creation, 'JDO_CREATE_OPTS_IS_CREATE_PARENT', 'true');
    const reader = new JindoReader(functions, functions.createStore(options, uri), creation);
    await reader.#call('init', null, 'reader');
    return reader;
  }

  /** Every file below a folder, hidden ones too; none where the folder is missing. */
  async list(folder: string): Promise<SeenFile[]> {
    const f = this.#functions;
    const found: SeenFile[] = [];
    const walk = async (below: string): Promise<void> => {
      const items: { name: string; isFolder: boolean; length: number }[] = [];
      const list = await this.#call(
        'listDir',
        null,
        below === '' ? folder : `${folder}/${below}`,
        false,
        null,
      );
      if (list === null) return;
      for (let index = 0; index < Number(f.listSize(list)); index += 1) {
        const status = f.listItem(list, index);
        const path = String(f.statusPath(status)).replace(/\/+$/, '');
        const isFolder = f.statusType(status) === FOLDER_TYPE;
        items.push({
          name: path.slice(path.lastIndexOf('/') + 1),
          isFolder,
          length: Number(f.statusSize(status)),
        });
      }
      f.freeList(list);
      for (const { name, isFolder, length } of items) {
        const path = below === '' ? name : `${below}/${name}`;
        if (isFolder) await walk(path);
        else found.push({ path, length });
      }
    };
    await walk('');
    return found;
  }

  async read(uri: string, length: number): Promise<Buffer> {
    const bytes = Buffer.alloc(length);
    if (length === 0) return bytes;
    const io = await this.#call('open', null, uri, READ_ONLY, 0, null);
    for (let at = 0; at < length;)
      at += Number(await this.#call('pread', io, bytes.subarray(at), length - at, at, null));
    await this.#async(this.#functions.freeIo, io);
    return bytes;
  }

  async put(uri: string, bytes: Uint8Array): Promise<void> {
    const io = await this.#call('open', null, uri, CREATE | OVERWRITE, 0o644, this.#creation);
    if (bytes.length > 0) await this.#call('write', io, bytes, bytes.length, null);
    await this.#call('close', io, null);
    await this.#async(this.#functions.freeIo, io);
  }

  /** A handle that is left open: nobody else can write to it until its lease is taken. */
  async begin(uri: string): Promise<Handle> {
    const io = await this.#call('open', null, uri, CREATE, 0o644, this.#creation);
    return {
      write: (bytes) => this.#call('write', io, bytes, bytes.length, null),
      flush: () => this.#call('flush', io, null),
      close: () => this.#call('close', io, null),
      free: () => this.#async(this.#functions.freeIo, io),
    };
  }

  truncate(uri: string, length: number): Promise<unknown> {
    return this.#call('truncate', null, uri, length, null);
  }

  rename(from: string, to: string): Promise<unknown> {
    return this.#call('rename', null, from, to, null);
  }

  async remove(uri: string): Promise<void> {
    await this.#call('remove', null, uri, false, null);
  }

  async close(): Promise<void> {
    await this.#async(this.#functions.freeStore, this.#store);
  }

  async #call(name: Exclude<keyof Functions, 'freeIo'>, io: Value, ...args: Value[]): Promise<Value> {
    const f = this.#functions;
    const ctx = io === null ? f.createCtx(this.#store) : f.createIoCtx(this.#store, io);
    const answer = await this.#async(f[name], ctx, ...args);
    const code = Number(f.errorCode(ctx));
    const message = String(f.errorMessage(ctx));
    f.freeCtx(ctx);
    if (code === 3001 && name === 'listDir') return null;
    if (code !== 0) throw new Error(`${name} ${String(args[0]).slice(0, 200)}: ${code} ${message}`);
    return answer;
  }

  #async(call: Functions['open'], ...args: Value[]): Promise<Value> {
    return new Promise((resolve, reject) => {
      call.async(...args, (error: unknown, answer: Value) => {
        if (error === null || error === undefined) resolve(answer);
        else reject(new Error('koffi failed', { cause: error }));
      });
    });
  }
}
