/**
 * The write buffers of all part files of a process. A file takes one when it needs it and gives it back when
 * its contents are written, so that idle files hold none. Buffers come from one area of memory, into which
 * lines can be copied in bulk; if it is used up, from the heap.
 *
 * With many files, buffers would be small, and so would their writes. Each file then gathers smallest buffers
 * as it fills them, and if the area runs short, the file that has gathered most writes them as one.
 */
import { Lent, type Lender } from '../system/lentMemory.ts';
import { BUFFER_BYTES_FIRST } from '../system/memoryBudget.ts';

export const BUFFER_BYTES_MAX = 256 * 1024;
/** More is not gathered: larger writes gain nothing. */
export const GATHERED_BYTES_MAX = 64 * 1024;
/** Of a compressed frame, before compression. Larger ones compress hardly better. */
const FRAME_BYTES_MAX = 1024 * 1024;
/** Share of the area for buffers that are being written. */
const WRITING_SHARE = 1 / 8;
const NO_AREA = new Uint8Array(0);

/** A write buffer that a file has taken. */
export type TakenBuffer = Lent<Buffer<ArrayBuffer>>;

/** A piece of the area, of the largest buffer size; while it is in use, all its buffers have one size. */
class Slab {
  readonly #bytes: Uint8Array;
  #bufferBytes = 0;
  #free: number[] = [];

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isIdle(): boolean {
    return this.#free.length * this.#bufferBytes === this.#bytes.length;
  }

  get isFull(): boolean {
    return this.#free.length === 0;
  }

  divide(bufferBytes: number): void {
    this.#bufferBytes = bufferBytes;
    this.#free = [];
    for (let at = 0; at < this.#bytes.length; at += bufferBytes) this.#free.push(at);
  }

  take(): Buffer<ArrayBuffer> {
    const at = this.#free.pop() ?? 0;
    return Buffer.from(this.#bytes.buffer as ArrayBuffer, this.#bytes.byteOffset + at, this.#bufferBytes);
  }

  give(buffer: Uint8Array): void {
    this.#free.push(buffer.byteOffset - this.#bytes.byteOffset);
  }
}

/** A file that gathers full buffers. */
export interface Gatherer {
  /** How many it has; every change is reported to `gathered`. */
  readonly fullBuffers: number;
  /** Starts writing all it has. */
  flush(): void;
}

export class WriteBuffers implements Lender<Buffer<ArrayBuffer>> {
  readonly #area: Uint8Array;
  readonly #slabs: readonly Slab[];
  readonly #idle: Slab[];
  /** Slabs with room, by the size of their buffers. */
  readonly #open = new Map<number, Set<Slab>>();
  /** Bytes taken, from the area and from the heap. */
  takenBytes = 0;
  /** Memory of rows that are in no group of their file yet; an estimate. */
  rowBytes = 0;
  /** Those of them that are being written to files. */
  #writingBytes = 0;
  /** Those of them that are in buffers of the smallest size. */
  #smallBytes = 0;
  /** By the number of full buffers that they have gathered. */
  readonly #gatherers: Set<Gatherer>[] = [];
  #gathererCount = 0;
  #waiting: (() => void)[] = [];

  constructor(area: Uint8Array = NO_AREA) {
    this.#area = area;
    this.#slabs = Array.from(
      { length: Math.floor(area.length / BUFFER_BYTES_MAX) },
      (_, index) => new Slab(area.subarray(index * BUFFER_BYTES_MAX, (index + 1) * BUFFER_BYTES_MAX)),
    );
    this.#idle = this.#slabs.toReversed();
  }

  /**
   * Whether callers that can wait should: more is taken than the area has, or, while files gather, writes use
   * up most of their share.
   */
  get isShort(): boolean {
    const { length } = this.#area;
    if (length === 0 || this.#writingBytes === 0) return false;
    if (this.takenBytes > length) return true;
    return this.#gathererCount > 0 && this.#writingBytes > length * WRITING_SHARE * 0.75;
  }

  /** Resolves when the next write ends. Call it only while there is one. */
  async written(): Promise<void> {
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Adds to the bytes that are being written to files; negative when a write ends. */
  countWriting(bytes: number): void {
    this.#writingBytes += bytes;
    if (bytes < 0) for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Whether this many files should gather small buffers. */
  isForGathering(files: number): boolean {
    return this.#area.length > 0 && files * GATHERED_BYTES_MAX > this.#area.length;
  }

  /** How much one of this many files gathers for a compressed frame. All together take half of the area. */
  frameBytes(files: number): number {
    const { length } = this.#area;
    if (length === 0) return FRAME_BYTES_MAX;
    return Math.min(
      FRAME_BYTES_MAX,
      Math.max(GATHERED_BYTES_MAX, Math.floor(length / 2 / Math.max(1, files))),
    );
  }

  /** The gatherer now has `fullBuffers` instead of `before`. */
  gathered(gatherer: Gatherer, before: number): void {
    if (this.#gatherers[before]?.delete(gatherer) === true) this.#gathererCount -= 1;
    const { fullBuffers } = gatherer;
    if (fullBuffers === 0) return;
    this.#gathererCount += 1;
    while (this.#gatherers.length <= fullBuffers) this.#gatherers.push(new Set());
    this.#gatherers[fullBuffers]?.add(gatherer);
  }

  /** Makes those who have gathered most write it, until there is room for another buffer. */
  makeRoom(): void {
    // Leave whole slabs free: a slab divided into small buffers provides no large ones.
    const slabs = Math.floor(this.#slabs.length * (1 - WRITING_SHARE));
    const most = slabs * BUFFER_BYTES_MAX - BUFFER_BYTES_FIRST;
    while (this.#smallBytes > most) {
      const [largest] = this.#gatherers.findLast(({ size }) => size > 0) ?? [];
      if (largest === undefined) return;
      const before = this.#smallBytes;
      largest.flush();
      // If the buffers being written take all room, buffers are free only when they are written.
      if (this.#smallBytes === before) return;
    }
  }

  /** A buffer to copy gathered bytes into; null if the area has no room for it. */
  takeFor(gatheredBytes: number): TakenBuffer | null {
    const bytes = 2 ** Math.ceil(Math.log2(gatheredBytes));
    const hasRoom = bytes <= BUFFER_BYTES_MAX && (this.#open.get(bytes)?.size ?? 0) + this.#idle.length > 0;
    return hasRoom ? this.take(bytes) : null;
  }

  /**
   * @param wantedBytes a power of two, at most BUFFER_BYTES_MAX; with many files each gets a smaller one.
   * @param files how many share the area.
   */
  take(wantedBytes: number, files = 1): TakenBuffer {
    const bytes = this.#withinShare(wantedBytes, files);
    this.#count(bytes, 1);
    return new Lent(this.#find(bytes), this);
  }

  #find(bytes: number): Buffer<ArrayBuffer> {
    const open = this.#open.get(bytes) ?? new Set();
    this.#open.set(bytes, open);
    let [slab] = open;
    if (slab === undefined) {
      slab = this.#idle.pop();
      if (slab === undefined) return Buffer.allocUnsafeSlow(bytes);
      slab.divide(bytes);
      open.add(slab);
    }
    const buffer = slab.take();
    if (slab.isFull) open.delete(slab);
    return buffer;
  }

  #count(bytes: number, buffers: 1 | -1): void {
    this.takenBytes += bytes * buffers;
    if (bytes === BUFFER_BYTES_FIRST) this.#smallBytes += bytes * buffers;
  }

  #withinShare(wantedBytes: number, files: number): number {
    if (this.#area.length === 0) return wantedBytes;
    let bytes = wantedBytes;
    while (bytes > BUFFER_BYTES_FIRST && bytes * files > this.#area.length) bytes /= 2;
    return bytes;
  }

  /** Called by `giveBack` of a taken buffer. */
  takeBack(buffer: Buffer<ArrayBuffer>): void {
    this.#count(buffer.length, -1);
    if (!this.isInArea(buffer)) return;
    const slab = this.#slabs[Math.floor((buffer.byteOffset - this.#area.byteOffset) / BUFFER_BYTES_MAX)];
    if (slab === undefined) return;
    slab.give(buffer);
    const open = this.#open.get(buffer.length);
    if (slab.isIdle) {
      open?.delete(slab);
      this.#idle.push(slab);
    } else open?.add(slab);
  }

  /** Whether lines can be copied into it in bulk. */
  isInArea(buffer: Uint8Array): boolean {
    return buffer.length > 0 && buffer.buffer === this.#area.buffer;
  }
}
