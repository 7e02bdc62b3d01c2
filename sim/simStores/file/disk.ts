/**
 * A disk: names that lead to inodes. Each name and each byte is first in memory. Without a sync it may be
 * lost or torn when the power fails, each name and each file independently, but never when a process dies.
 */
import type { SimProcess } from '../../process.ts';
import { folderOf, isHidden, isNobodys, type Destination, type Litter } from '../destination.ts';
import { exists, noSpace } from '../errors.ts';

export class Inode {
  bytes: Buffer = Buffer.alloc(0);
  durableLength = 0;
  /** An fsync failed: the system has dropped the unwritten data, and calls the rest clean from then on. */
  isLost = false;
  readonly names = new Set<string>();
  readonly litter: Litter | null;

  constructor(litter: Litter | null) {
    this.litter = litter;
  }
}

/** Bytes that a name takes: without room no file is created, not even an empty one. */
const NAME_BYTES = 1;
/** Where readers put what they take, and where backups are: outside of the destination, on the same disk. */
const READERS = 'reader:';
const BACKUPS = 'backup:';

const isOutside = (uri: string): boolean => uri.startsWith(READERS) || uri.startsWith(BACKUPS);

/** Whether a reader has it. */
export function isTaken({ names }: Inode): boolean {
  return [...names].some((uri) => uri.startsWith(READERS));
}

/** A change of names that a power cut reverts as a whole, or not at all. */
interface Renamed {
  readonly from: string;
  readonly to: string;
}

export class Disk {
  readonly #destination: Destination;
  /** Maximum bytes of names and their contents. */
  #capacityBytes = Infinity;
  readonly #names = new Map<string, Inode>();
  /** The names on the platter. */
  readonly #durableNames = new Map<string, Inode>();
  /** Since their folder was made durable. */
  #renamed: Renamed[] = [];
  #backups = 0;
  /** Changes with the names at the destination, and what they lead to. */
  #version = 0;
  #backedUp = -1;

  constructor(destination: Destination) {
    this.#destination = destination;
  }

  find(uri: string): Inode | null {
    return this.#names.get(uri) ?? null;
  }

  /** From now on only that many bytes more fit; Infinity: no limit. */
  limit(freeBytes: number): void {
    this.#capacityBytes = freeBytes === Infinity ? Infinity : this.#usedBytes + freeBytes;
  }

  get #usedBytes(): number {
    let used = this.#names.size * NAME_BYTES;
    for (const { bytes } of new Set(this.#names.values())) used += bytes.length;
    return used;
  }

  /** How much more fits. */
  get freeBytes(): number {
    return this.#capacityBytes === Infinity ? Infinity : Math.max(0, this.#capacityBytes - this.#usedBytes);
  }

  /** The names at the destination, without what readers have taken. */
  uris(): string[] {
    return [...this.#names.keys()].filter((uri) => !isOutside(uri));
  }

  /** Hidden names that somebody still has to remove. */
  leftovers(): string[] {
    const left = [...this.#names].filter(
      ([uri, { litter }]) => isHidden(uri) && !isOutside(uri) && !(litter !== null && isNobodys(litter)),
    );
    return left.map(([uri]) => uri).sort();
  }

  /** Every hidden name at the destination. */
  hidden(): { readonly uri: string; readonly bytes: number }[] {
    return [...this.#names].flatMap(([uri, { bytes }]) =>
      isHidden(uri) && !isOutside(uri) ? [{ uri, bytes: bytes.length }] : [],
    );
  }

  /** A new inode under an unused name. */
  create(uri: string, maker: SimProcess | null): Inode {
    const inode = new Inode(maker === null ? null : this.#destination.litter(uri, maker));
    this.link(inode, uri);
    return inode;
  }

  /** Gives the inode one more name; never takes one from another. */
  link(inode: Inode, uri: string): void {
    if (this.#names.has(uri)) throw exists(uri);
    if (this.freeBytes < NAME_BYTES) throw noSpace('store.create', uri);
    this.#name(inode, uri);
  }

  #name(inode: Inode, uri: string): void {
    this.#version += 1;
    this.#names.set(uri, inode);
    inode.names.add(uri);
    this.#destination.show(uri, inode.bytes);
  }

  /** Within a folder, and atomic. */
  rename(from: string, to: string): void {
    const inode = this.#names.get(from);
    if (inode === undefined) return;
    this.unlink(from);
    this.#name(inode, to);
    this.#renamed.push({ from, to });
  }

  /** A backup of hard links (`cp -al`), durable at once; the previous one is deleted. */
  backUp(): void {
    if (this.#version === this.#backedUp) return;
    this.#backedUp = this.#version;
    const standing = [...this.#names].filter(([uri]) => !isOutside(uri));
    const former = [...this.#names.keys()].filter((uri) => uri.startsWith(BACKUPS));
    this.#backups += 1;
    for (const [uri, inode] of standing) {
      const own = `${BACKUPS}${this.#backups}:${uri}`;
      inode.names.add(own);
      this.#names.set(own, inode);
      this.#durableNames.set(own, inode);
    }
    for (const uri of former) this.#forget(uri);
  }

  deleteBackups(): void {
    this.#backedUp = -1;
    for (const uri of [...this.#names.keys()]) if (uri.startsWith(BACKUPS)) this.#forget(uri);
  }

  #forget(uri: string): void {
    this.#names.get(uri)?.names.delete(uri);
    this.#names.delete(uri);
    this.#durableNames.delete(uri);
  }

  unlink(uri: string): void {
    this.#version += 1;
    this.#names.get(uri)?.names.delete(uri);
    this.#names.delete(uri);
    this.#destination.hide(uri);
  }

  /** A reader renames it and keeps it, even after a power cut. */
  take(uri: string): void {
    const inode = this.#names.get(uri);
    if (inode === undefined) return;
    const own = `${READERS}${uri}`;
    this.#destination.take(uri);
    this.unlink(uri);
    this.#durableNames.delete(uri);
    inode.names.add(own);
    this.#names.set(own, inode);
    this.#durableNames.set(own, inode);
  }

  /** A positional write, visible under all names of the inode. Without enough room it is cut short. */
  write(inode: Inode, position: number, all: Buffer): void {
    const bytes = all.subarray(0, this.freeBytes);
    const gap = Buffer.alloc(Math.max(0, position - inode.bytes.length));
    const before = inode.bytes.subarray(0, position);
    this.#rewrite(inode, Buffer.concat([before, gap, bytes, inode.bytes.subarray(position + bytes.length)]));
    if (bytes.length < all.length) throw noSpace('store.write', [...inode.names].join(', '));
  }

  #rewrite(inode: Inode, bytes: Buffer): void {
    inode.bytes = bytes;
    inode.durableLength = Math.min(inode.durableLength, bytes.length);
    for (const uri of inode.names) if (!isOutside(uri)) this.#destination.show(uri, bytes);
  }

  /** fdatasync. */
  syncData(inode: Inode): void {
    if (!inode.isLost) inode.durableLength = inode.bytes.length;
  }

  /** A failed sync, as on Linux: the pending data is never written, and the next call reports success. */
  syncFails(inode: Inode): void {
    if (inode.durableLength < inode.bytes.length) inode.isLost = true;
  }

  /** fsync of the folder that holds the name: its current names are on the platter. */
  syncFolderOf(uri: string): void {
    const folder = folderOf(uri);
    for (const name of this.#durableNames.keys()) {
      if (folderOf(name) === folder && !this.#names.has(name)) this.#durableNames.delete(name);
    }
    for (const [name, inode] of this.#names) {
      if (folderOf(name) === folder) this.#durableNames.set(name, inode);
    }
    this.#renamed = this.#renamed.filter(({ from }) => folderOf(from) !== folder);
  }

  powerCut(): void {
    this.#version += 1;
    for (const renamed of this.#renamed.toReversed()) this.#loseRenaming(renamed);
    this.#renamed = [];
    for (const uri of [...new Set([...this.#names.keys(), ...this.#durableNames.keys()])].sort())
      this.#loseName(uri);
    for (const inode of new Set(this.#names.values())) this.#loseBytes(inode);
    this.#durableNames.clear();
    for (const [uri, inode] of this.#names) this.#durableNames.set(uri, inode);
  }

  #loseRenaming({ from, to }: Renamed): void {
    const inode = this.#names.get(to);
    if (inode === undefined) return;
    const isUndone = this.#destination.random.percent(50);
    if (isUndone) {
      this.unlink(to);
      this.#name(inode, from);
    }
    this.#durableNames.delete(isUndone ? to : from);
    this.#durableNames.set(isUndone ? from : to, inode);
  }

  /** A name that was created or removed since its folder was made durable may be as it was then. */
  #loseName(uri: string): void {
    const now = this.#names.get(uri);
    const durable = this.#durableNames.get(uri);
    if (now === durable || this.#destination.random.percent(50)) return;
    now?.names.delete(uri);
    this.#names.delete(uri);
    this.#destination.hide(uri, 'undone');
    if (durable !== undefined) this.#name(durable, uri);
  }

  /** Any part of unsynced data may exist: less of it, or its length but not its bytes. */
  #loseBytes(inode: Inode): void {
    const { bytes, durableLength } = inode;
    const { random } = this.#destination;
    const lost = bytes.length - durableLength;
    if (lost === 0) return;
    const kept = Buffer.from(bytes.subarray(0, durableLength + random.below(lost + 1)));
    if (random.percent(50)) kept.fill(0, durableLength + random.below(kept.length - durableLength + 1));
    this.#rewrite(inode, kept);
    inode.isLost = false;
    this.syncData(inode);
  }
}
