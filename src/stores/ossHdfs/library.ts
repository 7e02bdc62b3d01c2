/**
 * JindoSDK's C interface, as its headers declare it, bound by koffi. Calls to the service run on threads of
 * the libuv pool. They take a limited number at once, because name look-ups and files of the same process
 * need threads, too.
 */
import type { KoffiFunc, LibraryHandle } from 'koffi';
import { unavailable } from './locate.ts';

/** Address of an object of the library. A null pointer is not a value of this type. */
export type Pointer = bigint & { readonly brand?: 'Pointer' };

/** Calls to the service. Each may take as long as its time-outs and retries. */
const CALLS = {
  createStore: 'void *jdo_createStore(void *options, const char *uri)',
  init: 'void jdo_init(void *ctx, const char *user)',
  destroyStore: 'void jdo_destroyStore(void *store)',
  freeStore: 'void jdo_freeStore(void *store)',
  open: 'void *jdo_open(void *ctx, const char *path, int32_t flags, int16_t perm, void *options)',
  close: 'bool jdo_close(void *ctx, void *options)',
  write: 'int64_t jdo_write(void *ctx, const void *buffer, int64_t length, void *options)',
  flush: 'bool jdo_flush(void *ctx, void *options)',
  tell: 'int64_t jdo_tell(void *ctx, void *options)',
  pread: 'int64_t jdo_pread(void *ctx, void *buffer, int64_t length, int64_t offset, void *options)',
  freeIo: 'void jdo_freeIOContext(void *io)',
  mkdir: 'bool jdo_mkdir(void *ctx, const char *path, bool createParent, int16_t perm, void *options)',
  rename: 'bool jdo_rename(void *ctx, const char *from, const char *to, void *options)',
  remove: 'bool jdo_remove(void *ctx, const char *path, bool recursive, void *options)',
  truncate: 'bool jdo_truncate(void *ctx, const char *path, int64_t length, void *options)',
  recoverLease: 'bool jdo_recoverLease(void *ctx, const char *path, void *options)',
  isFileClosed: 'bool jdo_isFileClosed(void *ctx, const char *path, void *options)',
  listDir: 'void *jdo_listDir(void *ctx, const char *path, bool recursive, void *options)',
  getFileStatus: 'void *jdo_getFileStatus(void *ctx, const char *path, void *options)',
} as const;

/** Calls that only access memory, made synchronously. */
const GLANCES = {
  createOptions: 'void *jdo_createOptions()',
  setOption: 'void jdo_setOption(void *options, const char *key, const char *value)',
  freeOptions: 'void jdo_freeOptions(void *options)',
  createCtx: 'void *jdo_createHandleCtx1(void *store)',
  createIoCtx: 'void *jdo_createHandleCtx2(void *store, void *io)',
  errorCode: 'int32_t jdo_getHandleCtxErrorCode(void *ctx)',
  errorMessage: 'const char *jdo_getHandleCtxErrorMsg(void *ctx)',
  freeCtx: 'void jdo_freeHandleCtx(void *ctx)',
  listSize: 'int64_t jdo_getListDirResultSize(void *list)',
  listTruncated: 'bool jdo_isListDirResultTruncated(void *list)',
  listItem: 'void *jdo_getListDirFileStatus(void *list, size_t index)',
  freeList: 'void jdo_freeListDirResult(void *list)',
  statusPath: 'const char *jdo_getFileStatusPath(void *status)',
  statusType: 'int8_t jdo_getFileStatusType(void *status)',
  statusSize: 'int64_t jdo_getFileStatusSize(void *status)',
  statusMtime: 'int64_t jdo_getFileStatusMtime(void *status)',
  freeStatus: 'void jdo_freeFileStatus(void *status)',
} as const;

type CallName = keyof typeof CALLS;
type Argument = string | number | bigint | boolean | null | Uint8Array;
/** Null for a null pointer, undefined for void. */
export type Answer = bigint | number | boolean | string | null | undefined;
type Native = KoffiFunc<(...args: Argument[]) => Answer>;

export class JindoLibrary {
  readonly #calls: Readonly<Record<CallName, Native>>;
  readonly #glances: Readonly<Record<keyof typeof GLANCES, Native>>;
  readonly #callsMax: number;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(library: LibraryHandle, callsMax: number) {
    this.#calls = bind(library, CALLS);
    this.#glances = bind(library, GLANCES);
    this.#callsMax = callsMax;
  }

  /** Makes a call on a thread of the pool. `args` are kept alive until it returns. */
  call(name: CallName, ...args: Argument[]): Promise<Answer> {
    return this.callUnless(() => false, name, ...args);
  }

  /** Like `call`, but does not call the service if the caller gives up before a thread is free. */
  async callUnless(isGivenUp: () => boolean, name: CallName, ...args: Argument[]): Promise<Answer> {
    if (this.#running >= this.#callsMax) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running += 1;
    try {
      if (isGivenUp()) throw new Error(`jdo_${name} was given up before it was made`);
      return await new Promise((resolve, reject) => {
        this.#calls[name].async(...args, (error: unknown, answer: Answer) => {
          if (error === null || error === undefined) resolve(answer);
          else reject(error instanceof Error ? error : new Error('koffi failed', { cause: error }));
        });
      });
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }

  glance(name: keyof typeof GLANCES, ...args: Argument[]): Answer {
    return this.#glances[name](...args);
  }
}

function bind<Name extends string>(
  library: LibraryHandle,
  declarations: Readonly<Record<Name, string>>,
): Record<Name, Native> {
  const bound = Object.entries<string>(declarations).map(([name, declaration]) => [
    name,
    library.func(declaration),
  ]);
  return Object.fromEntries(bound) as Record<Name, Native>;
}

/** The address in an answer. Null for a null pointer. */
export function pointerOf(answer: Answer): Pointer | null {
  return typeof answer === 'bigint' && answer !== 0n ? answer : null;
}

/**
 * Loads koffi and the library. JINDOSDK_UNAVAILABLE if the file is not a library for this machine, or lacks a
 * function.
 * @param callsMax how many calls may be in progress at once.
 */
export async function loadJindoLibrary(file: string, callsMax: number): Promise<JindoLibrary> {
  const { default: koffi } = await import('koffi');
  try {
    return new JindoLibrary(koffi.load(file), callsMax);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw unavailable(`${file} cannot be loaded: ${reason}.`, [file], cause);
  }
}
