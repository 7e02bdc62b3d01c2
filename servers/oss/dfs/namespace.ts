import type { Change, Table } from '../state/records.ts';
import type { World } from '../state/world.ts';
import { dfsError } from './errors.ts';

type Common = {
  readonly id: number;
  readonly permission: number;
  readonly owner: string;
  readonly group: string;
  readonly modifiedAtMs: number;
  readonly accessedAtMs: number;
};

export type DirectoryRow = Common & { readonly kind: 'directory' };

export type BlockRow = { readonly id: number; readonly generation: number; readonly sizeBytes: number };

export type FileRow = Common & {
  readonly kind: 'file';
  readonly replication: number;
  readonly blockSizeBytes: number;
  readonly blocks: readonly BlockRow[];
  /** Holder of the lease; null if the file is closed. */
  readonly writer: { readonly clientName: string } | null;
  /** A recovery or a truncation in progress: until it is over, nothing else can be done to the file. */
  readonly pending: { readonly doneAtMs: number; readonly cutToBytes: number | null } | null;
};

export type InodeRow = DirectoryRow | FileRow;

const ROOT_ID = 16_385;
const FIRST_BLOCK_ID = 1_073_741_825;

/** The tree of OSS-HDFS in one bucket: by path, and by id, since blocks are written by the file's id. */
export class Namespace {
  readonly #table: Table<InodeRow>;
  readonly #counters: Table<number>;
  readonly #pathById = new Map<number, string>();
  readonly #world: World;
  readonly #bucket: string;

  constructor(world: World, bucket: string) {
    this.#world = world;
    this.#bucket = bucket;
    this.#table = world.table<InodeRow>(`inodes:${bucket}`);
    this.#counters = world.table<number>(`counters:${bucket}`);
    for (const [path, { id }] of this.#table.entries()) this.#pathById.set(id, path);
  }

  get(path: string): InodeRow | undefined {
    return path === '/' ? root : this.#table.get(path);
  }

  pathOf(id: number): string | undefined {
    return this.#pathById.get(id);
  }

  /** Everything below a folder, at any depth, ascending. */
  pathsBelow(path: string): readonly string[] {
    return this.#table.keysUnder(below(path));
  }

  childrenOf(path: string): string[] {
    const prefix = below(path);
    return this.pathsBelow(path).filter((one) => !one.includes('/', prefix.length));
  }

  /** Throws if the parent is missing or is a file. */
  expectParent(path: string): void {
    const parent = parentOf(path);
    const row = this.get(parent);
    if (row === undefined) throw dfsError('fileNotFound', `parent folder does not exist: ${parent}`);
    if (row.kind !== 'directory') throw dfsError('parentNotDirectory', `not a folder: ${parent}`);
  }

  /** Ids for `count` inodes or blocks. They are used up when the returned change is committed. */
  newIds(count: number, from: 'inode' | 'block'): { readonly first: number; readonly change: Change } {
    const last = this.#counters.get(from) ?? (from === 'inode' ? ROOT_ID : FIRST_BLOCK_ID);
    return { first: last + 1, change: this.#counters.put(from, last + count) };
  }

  put(path: string, row: InodeRow): Change {
    return this.#table.put(path, row);
  }

  remove(path: string): Change {
    return this.#table.remove(path);
  }

  commit(...changes: readonly Change[]): void {
    const before = changes.flatMap(({ key }) => this.#table.get(key)?.id ?? []);
    this.#world.commit(...changes);
    for (const id of before) this.#pathById.delete(id);
    for (const { key } of changes) {
      const row = this.#table.get(key);
      if (row !== undefined) this.#pathById.set(row.id, key);
    }
  }

  /** Size of the block's data in the bucket: one object or numbered slices, each with its checksums. */
  uploadedBytes(block: BlockRow): number {
    const objects = this.#world.objects(this.#bucket);
    const whole = objects.get(dataKey(block));
    if (whole !== undefined) return whole.sizeBytes;
    let sizeBytes = 0;
    for (let slice = 0; ; slice += 1) {
      const row = objects.get(`${dataKey(block)}/${slice}`);
      if (row === undefined) return sizeBytes;
      sizeBytes += row.sizeBytes;
    }
  }

  removeData(blocks: readonly BlockRow[]): void {
    const objects = this.#world.objects(this.#bucket);
    const keys = blocks.flatMap((block) => [
      ...(objects.get(dataKey(block)) === undefined ? [] : [dataKey(block)]),
      ...objects.keysUnder(`${dataKey(block)}/`),
      ...objects.keysUnder(`${dataKey(block)}_`),
    ]);
    this.#world.removeObjects(this.#bucket, keys);
  }
}

const root: DirectoryRow = {
  kind: 'directory',
  id: ROOT_ID,
  permission: 0o777,
  owner: 'root',
  group: 'supergroup',
  modifiedAtMs: 0,
  accessedAtMs: 0,
};

export function parentOf(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf('/')));
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

export function lengthOf(row: InodeRow): number {
  return row.kind === 'file' ? row.blocks.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) : 0;
}

/** The prefix of all paths in a folder. */
export function below(path: string): string {
  return path === '/' ? '/' : `${path}/`;
}

function dataKey(block: BlockRow): string {
  return `.dlsdata/${block.id}`;
}
