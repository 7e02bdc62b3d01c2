/** Creates folders on demand, and makes their entries durable. */
import { dirname } from 'node:path/posix';
import { failed, hasSystemCode, outcomeUnknown } from './errors.ts';
import type { FileSystem } from './fileSystem.ts';
import { Turns } from '../../system/turns.ts';

const REMEMBERED_MAX = 10_000;

/**
 * Distinguishes a folder from another one with the same name. An inode number is soon reused; a creation time
 * is not.
 */
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
  /** Folders whose path from the root this process has made durable, each with its identity at that time. */
  readonly #durable = new Map<string, FolderId>();
  /** By folder: syncs in progress, and syncs that start when those have ended. */
  readonly #syncing = new Map<string, Promise<FolderId>>();
  readonly #waiting = new Map<string, Promise<FolderId>>();

  constructor(fs: FileSystem, turns = new Turns()) {
    this.#fs = fs;
    this.#turns = turns;
  }

  /** Creates the folder and its missing parents. Call `makeDurable` before relying on anything in it. */
  async make(folder: string): Promise<void> {
    let first: string | undefined;
    try {
      first = await this.#fs.mkdir(folder, { recursive: true });
    } catch (cause) {
      throw failed('make the folder', folder, cause);
    }
    if (first === undefined) return;
    // Folders that were durable may have been removed. What was just created is not durable.
    for (const known of this.#durable.keys()) {
      if (known === first || known.startsWith(`${first}/`)) this.#durable.delete(known);
    }
  }

  /**
   * Makes the folder's entries durable and, once per process, the path to the folder itself. Whoever created
   * the folder (an earlier process, or another one that removed and recreated it) may not have done so.
   */
  async makeDurable(folder: string): Promise<void> {
    const found = await this.#sync(folder);
    if (isSame(found, this.#durable.get(folder))) return;
    const walked = new Map([[folder, found]]);
    let child = folder;
    for (let parent = dirname(child); parent !== child; parent = dirname(child)) {
      // The parent holds the child's entry, so it is synced even if its own path is durable.
      const above = await this.#syncParent(parent, found.device);
      if (above === null || isSame(above, this.#durable.get(parent))) break;
      walked.set(parent, above);
      child = parent;
    }
    if (this.#durable.size > REMEMBERED_MAX) this.#durable.clear();
    for (const [path, id] of walked) this.#durable.set(path, id);
  }

  /** Makes the folder's entries durable if the folder exists. */
  async makeDurableIfPresent(folder: string): Promise<void> {
    try {
      await this.makeDurable(folder);
    } catch (error) {
      if (error instanceof Error && hasSystemCode(error.cause, 'ENOENT', 'ENOTDIR')) return;
      throw error;
    }
  }

  /**
   * Null at the end of the way up: at another file system (its mount point is not our entry), or at a folder
   * closed to this user.
   */
  async #syncParent(parent: string, device: bigint): Promise<FolderId | null> {
    try {
      const found = await this.#sync(parent, device);
      return found.device === device ? found : null;
    } catch (error) {
      // Tidemark did not put anything into a folder that its user cannot even list.
      if (error instanceof Error && hasSystemCode(error.cause, 'EACCES', 'EPERM')) return null;
      throw error;
    }
  }

  /**
   * Syncs the folder and returns its identity. If `onlyOnDevice` is given, syncs only a folder on that
   * device.
   *
   * A caller that arrives during a sync shares the next one, which starts after all that the caller did. So
   * many files of a folder need few syncs. If the current sync fails, the next one fails too: the system
   * reports a failed write once, and a later sync may not report it.
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
