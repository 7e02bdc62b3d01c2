/**
 * An HDFS-like namespace: names that lead to files, and files that know their blocks and who holds their lease. Creating,
 * appending and renaming go by name; writing, flushing and closing go by the file itself, whatever became of its name. Only the
 * lease fences them: it is one client's, until another client's recovery takes it away.
 *
 * Where the real service is not known (FACTS: lease recovery, truncate, rename onto an existing file) it does the worst that
 * HDFS allows.
 */
import { isHidden, isNobodys, type Destination, type Litter } from '../destination.ts';
import { Refused } from '../errors.ts';

/** Longest time that a recovery or a truncation takes. */
const RECOVERY_MS_MAX = 60;

export class LeasedFile {
  /** What its blocks hold; behind `flushedLength` lies what no flush has confirmed. */
  bytes: Buffer = Buffer.alloc(0);
  flushedLength = 0;
  /** The client that may write, null where the file is closed. */
  holder: string | null = null;
  /** A recovery or a truncation to `length` goes on until then. */
  busy: { readonly untilMs: number; readonly length: number } | null = null;
  isDeleted = false;
  readonly litter: Litter | null;

  constructor(litter: Litter | null) {
    this.litter = litter;
  }
}

export class Namespace {
  readonly #destination: Destination;
  readonly #names = new Map<string, LeasedFile>();

  constructor(destination: Destination) {
    this.#destination = destination;
  }

  leftovers(): string[] {
    const left = [...this.#names].filter(
      ([uri, { litter }]) => isHidden(uri) && !(litter !== null && isNobodys(litter)),
    );
    return left.map(([uri]) => uri).sort();
  }

  uris(): string[] {
    return [...this.#names.keys()];
  }

  /** Null where nothing stands there, or what stands there cannot be read yet. */
  contentOf(uri: string): Buffer | null {
    return this.#names.has(uri) && this.isClosed(uri) ? this.read(uri) : null;
  }

  isThere(uri: string): boolean {
    return this.#names.has(uri);
  }

  /** A new file under a name that nothing stands under yet; its lease is the client's. */
  create(uri: string, client: string | null, litter: Litter | null): LeasedFile {
    if (this.#names.has(uri)) throw new Refused('exists', uri);
    const file = new LeasedFile(litter);
    file.holder = client;
    this.#names.set(uri, file);
    return file;
  }

  /** Opens a closed file for appending: the lease becomes the client's. */
  append(uri: string, client: string): LeasedFile {
    const file = this.#closedFile(uri);
    file.holder = client;
    return file;
  }

  /** The length of a closed file, and its bytes. */
  read(uri: string): Buffer {
    return this.#closedFile(uri).bytes;
  }

  #find(uri: string): LeasedFile {
    const file = this.#names.get(uri);
    if (file === undefined) throw new Refused('notFound', uri);
    this.#catchUp(file);
    return file;
  }

  #closedFile(uri: string): LeasedFile {
    const file = this.#find(uri);
    if (file.holder !== null || file.busy !== null) throw new Refused('beingCreated', uri);
    return file;
  }

  /** What a recovery or truncation whose time is over has done. */
  #catchUp(file: LeasedFile): void {
    const { busy } = file;
    if (busy === null || busy.untilMs > this.#destination.nowMs) return;
    file.bytes = file.bytes.subarray(0, busy.length);
    file.flushedLength = busy.length;
    file.busy = null;
  }

  /**
   * Data goes to blocks without asking whose the lease is; a block that the metadata does not know (no lease, no flush) is
   * nowhere. With flush merging off a flush makes blocks of its own, and rewrites none of before.
   */
  write(file: LeasedFile, client: string, bytes: Buffer): void {
    if (file.holder !== client || file.isDeleted) return;
    file.bytes = Buffer.concat([file.bytes, bytes]);
  }

  /** Confirms everything that was written: by file id, by the holder of the lease alone. */
  flush(file: LeasedFile, client: string): void {
    if (file.isDeleted) throw new Refused('notFound', 'the file of a flush');
    if (file.holder !== client) throw new Refused('leaseExpired', `client ${client}`);
    file.flushedLength = file.bytes.length;
    this.#show(file);
  }

  /** Flushes, and gives the lease back. */
  complete(file: LeasedFile, client: string): void {
    this.flush(file, client);
    file.holder = null;
  }

  /** Takes the lease from whoever holds it. False: the recovery goes on for a while. */
  recoverLease(uri: string): boolean {
    const file = this.#find(uri);
    if (file.holder !== null) {
      file.holder = null;
      // What was written and never flushed may have reached the blocks, or not.
      const unconfirmed = file.bytes.length - file.flushedLength;
      this.#beBusy(file, file.flushedLength + this.#destination.random.below(unconfirmed + 1));
    }
    return file.busy === null;
  }

  isClosed(uri: string): boolean {
    const file = this.#find(uri);
    return file.holder === null && file.busy === null;
  }

  /** False: the file is being cut, and not closed until then. */
  truncate(uri: string, length: number): boolean {
    const file = this.#closedFile(uri);
    if (file.bytes.length < length) throw new Refused('tooShort', uri);
    if (file.bytes.length === length) return true;
    this.#beBusy(file, length);
    return file.busy === null;
  }

  #beBusy(file: LeasedFile, length: number): void {
    const { random, nowMs } = this.#destination;
    file.busy = { untilMs: nowMs + (random.percent(50) ? 0 : random.below(RECOVERY_MS_MAX + 1)), length };
    this.#catchUp(file);
  }

  /** Moves the name, also of a file that is being written. What stood under the new name is gone, as in the worst case. */
  rename(from: string, to: string): void {
    const file = this.#find(from);
    this.delete(to);
    this.#names.delete(from);
    this.#destination.hide(from);
    this.#names.set(to, file);
    this.#destination.show(to, file.bytes);
  }

  delete(uri: string): void {
    const file = this.#names.get(uri);
    if (file === undefined) return;
    file.isDeleted = true;
    file.holder = null;
    this.#names.delete(uri);
    // A name that is about to be taken by another file changes what stands under it, it does not go.
  }

  /** Removes a file as somebody else would. */
  remove(uri: string): void {
    this.delete(uri);
    this.#destination.hide(uri);
  }

  #show(file: LeasedFile): void {
    for (const [uri, other] of this.#names) if (other === file) this.#destination.show(uri, file.bytes);
  }
}
