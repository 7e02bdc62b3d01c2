/** Folders made on demand, and their entries made durable. */
import { dirname } from 'node:path/posix';
import { failed, hasSystemCode, outcomeUnknown } from './errors.ts';
import type { FileSystem } from './fileSystem.ts';
import { Turns } from './turns.ts';

const REMEMBERED_MAX = 10_000;

/** What tells a folder from another one of its name: an inode's number is soon used again, the time when it was made is not. */
interface FolderId {
  readonly device: bigint;
  readonly inode: bigint;
  readonly madeAtNs: bigint;
}

const isSame = (one: FolderId, other: FolderId | undefined): boolean =>
  one.device === other?.device && one.inode === other.inode && one.madeAtNs === other.madeAtNs;

export class Folders {
  readonly #fs: FileSystem;
  readonly #turns: Turns;
  /** Folders whose own way down from the root this process has made durable, each as it was then. */
  readonly #durable = new Map<string, FolderId>();
  /** Syncs under way, and those that begin when these have ended, by folder. */
  readonly #syncing = new Map<string, Promise<FolderId>>();
  readonly #waiting = new Map<string, Promise<FolderId>>();

  constructor(fs: FileSystem, turns = new Turns()) {
    this.#fs = fs;
    this.#turns = turns;
  }

  /** Makes the folder and what is missing above it; `makeDurable` must follow before anything in it counts. */
  async make(folder: string): Promise<void> {
    let first: string | undefined;
    try {
      first = await this.#fs.mkdir(folder, { recursive: true });
    } catch (cause) {
      throw failed('make the folder', folder, cause);
    }
    if (first === undefined) return;
    // Somebody may have removed folders that were durable once: what was made just now is not.
    for (const known of this.#durable.keys()) {
      if (known === first || known.startsWith(`${first}/`)) this.#durable.delete(known);
    }
  }

  /**
   * Makes the folder's entries durable and, once per process, the folder itself: whoever made it (an earlier process, another one
   * that removed it and made it again) may not have come so far.
   */
  async makeDurable(folder: string): Promise<void> {
    const found = await this.#sync(folder);
    if (isSame(found, this.#durable.get(folder))) return;
    const walked = new Map([[folder, found]]);
    let child = folder;
    for (let parent = dirname(child); parent !== child; parent = dirname(child)) {
      // The parent holds the entry of the child: it is synced also where its own way down is durable.
      const above = await this.#syncParent(parent, found.device);
      if (above === null || isSame(above, this.#durable.get(parent))) break;
      walked.set(parent, above);
      child = parent;
    }
    if (this.#durable.size > REMEMBERED_MAX) this.#durable.clear();
    for (const [path, id] of walked) this.#durable.set(path, id);
  }

  /** Makes the folder's entries durable where it exists. */
  async makeDurableIfPresent(folder: string): Promise<void> {
    try {
      await this.makeDurable(folder);
    } catch (error) {
      if (error instanceof Error && hasSystemCode(error.cause, 'ENOENT', 'ENOTDIR')) return;
      throw error;
    }
  }

  /** Null where the way up ends: another file system (its mount point is no entry of ours), or a folder closed to us. */
  async #syncParent(parent: string, device: bigint): Promise<FolderId | null> {
    try {
      const found = await this.#sync(parent, device);
      return found.device === device ? found : null;
    } catch (error) {
      // A folder that this user cannot even list is one that Tidemark did not put anything into.
      if (error instanceof Error && hasSystemCode(error.cause, 'EACCES', 'EPERM')) return null;
      throw error;
    }
  }

  /**
   * Syncs the folder (only if it lies on `onlyOnDevice`, where given); which one it is. Whoever asks while a sync is under
   * way shares the next one, which begins behind all that they did: many files of a folder need few syncs. Where that under way fails
   * they fail as well: the system tells of what it could not write once, and a later sync may say nothing of it.
   */
  #sync(folder: string, onlyOnDevice?: bigint): Promise<FolderId> {
    const key = `${onlyOnDevice ?? ''}:${folder}`;
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined) return waiting;
    const before = this.#syncing.get(key);
    if (before === undefined) return this.#begin(key, folder, onlyOnDevice);
    const next = before
      .finally(() => this.#waiting.delete(key))
      .then(() => this.#begin(key, folder, onlyOnDevice));
    this.#waiting.set(key, next);
    return next;
  }

  #begin(key: string, folder: string, onlyOnDevice?: bigint): Promise<FolderId> {
    const turn = this.#turns.during(() => this.#syncOnce(folder, onlyOnDevice));
    const sync = turn.finally(() => {
      if (this.#syncing.get(key) === sync) this.#syncing.delete(key);
    });
    this.#syncing.set(key, sync);
    return sync;
  }

  async #syncOnce(folder: string, onlyOnDevice?: bigint): Promise<FolderId> {
    let handle;
    try {
      handle = await this.#fs.open(folder, 'r');
    } catch (cause) {
      throw failed('open the folder', folder, cause);
    }
    try {
      const { dev: device, ino: inode, birthtimeNs: madeAtNs } = await handle.stat({ bigint: true });
      if (onlyOnDevice === undefined || device === onlyOnDevice) await handle.sync();
      return { device, inode, madeAtNs };
    } catch (cause) {
      throw outcomeUnknown('make durable the entries of the folder', folder, cause);
    } finally {
      await handle.close();
    }
  }
}
