/**
 * An HDFS-like namespace: names lead to files, and files know their blocks and their lease holder. Creating,
 * appending and renaming use the name; writing, flushing and closing use the file itself, even after a
 * rename. Only the lease fences them: it belongs to one client until another client's recovery takes it away.
 *
 * If the behaviour of the real service is not known (FACTS: lease recovery, truncate, rename onto an existing
 * file) it does the worst that HDFS allows.
 */
import { isHidden, isNobodys, type Destination, type Litter } from '../destination.ts';
import { Refused } from '../errors.ts';
import { withOtherByte } from '../server.ts';

/** Longest time of a recovery or a truncation. */
const RECOVERY_MS_MAX = 60;

export class LeasedFile {
  /** The content of its blocks; beyond `flushedLength` no flush has confirmed it. */
  bytes: Buffer = Buffer.alloc(0);
  flushedLength = 0;
  /** The client that may write; null if the file is closed. */
  holder: string | null = null;
  /** A recovery or a truncation to `length` lasts until then. */
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

  /** Every hidden name. */
  hidden(): { readonly uri: string; readonly bytes: number }[] {
    return [...this.#names].flatMap(([uri, { bytes }]) =>
      isHidden(uri) ? [{ uri, bytes: bytes.length }] : [],
    );
  }

  uris(): string[] {
    return [...this.#names.keys()];
  }

  /** In bytes; of an open file, as far as a flush has confirmed it. */
  lengthOf(uri: string): number {
    const { holder, bytes, flushedLength } = this.#find(uri);
    return holder === null ? bytes.length : flushedLength;
  }

  isThere(uri: string): boolean {
    return this.#names.has(uri);
  }

  /** A new file under an unused name; the client gets its lease. */
  create(uri: string, client: string | null, litter: Litter | null): LeasedFile {
    if (this.#names.has(uri)) throw new Refused('exists', uri);
    const file = new LeasedFile(litter);
    file.holder = client;
    this.#names.set(uri, file);
    return file;
  }

  /** Opens a closed file for appending: the client gets its lease. */
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

  /** Applies a recovery or truncation whose time is over. */
  #catchUp(file: LeasedFile): void {
    const { busy } = file;
    if (busy === null || busy.untilMs > this.#destination.nowMs) return;
    file.bytes = file.bytes.subarray(0, busy.length);
    file.flushedLength = busy.length;
    file.busy = null;
  }

  /**
   * Data reaches blocks without a check of the lease. A block that the metadata does not know (no lease, no
   * flush) is lost. Without flush merging a flush creates its own blocks, and rewrites no earlier ones.
   */
  write(file: LeasedFile, client: string, bytes: Buffer): void {
    if (file.holder !== client || file.isDeleted) return;
    file.bytes = Buffer.concat([file.bytes, bytes]);
  }

  /** Confirms everything that was written: by file id, by the lease holder alone. */
  flush(file: LeasedFile, client: string): void {
    if (file.isDeleted) throw new Refused('notFound', 'the file of a flush');
    if (file.holder !== client) throw new Refused('leaseExpired', `client ${client}`);
    file.flushedLength = file.bytes.length;
    this.#show(file);
  }

  /** Flushes, and returns the lease. */
  complete(file: LeasedFile, client: string): void {
    this.flush(file, client);
    file.holder = null;
  }

  /** Takes the lease from its holder. False: the recovery is still under way. */
  recoverLease(uri: string): boolean {
    const file = this.#find(uri);
    if (file.holder !== null) {
      file.holder = null;
      // Written data that was never flushed may have reached the blocks, or not.
      const unconfirmed = file.bytes.length - file.flushedLength;
      this.#beBusy(file, file.flushedLength + this.#destination.random.below(unconfirmed + 1));
    }
    return file.busy === null;
  }

  isClosed(uri: string): boolean {
    const file = this.#find(uri);
    return file.holder === null && file.busy === null;
  }

  /** False: the file is still being truncated, and not closed until then. */
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

  /** Moves the name, even of an open file. The worst case: a file under the new name is lost. */
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
    // If another file takes over the name, its content changes; the name does not disappear.
  }

  /** Its first byte is another one. False if it has none. */
  change(uri: string): boolean {
    const file = this.#find(uri);
    if (file.flushedLength === 0) return false;
    file.bytes = withOtherByte(file.bytes);
    return true;
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
