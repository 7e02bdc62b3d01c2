/**
 * The write buffers of all part files of a process: taken when a file needs one, given back when what it held is written, so
 * that idle files hold none. They come from one area of memory, in which lines can be copied in bulk; where it is used up, from
 * the heap.
 */

export const BUFFER_BYTES_FIRST = 4 * 1024;
export const BUFFER_BYTES_MAX = 256 * 1024;
const NO_AREA = new Uint8Array(0);

/** A piece of the area, of the largest size; while it is in use, all its buffers have one size. */
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

export class WriteBuffers {
  readonly #area: Uint8Array;
  readonly #slabs: readonly Slab[];
  readonly #idle: Slab[];
  /** Slabs with room, by the size of their buffers. */
  readonly #open = new Map<number, Set<Slab>>();
  /** Bytes that are taken, of the area and of the heap. */
  takenBytes = 0;

  constructor(area: Uint8Array = NO_AREA) {
    this.#area = area;
    this.#slabs = Array.from(
      { length: Math.floor(area.length / BUFFER_BYTES_MAX) },
      (_, index) => new Slab(area.subarray(index * BUFFER_BYTES_MAX, (index + 1) * BUFFER_BYTES_MAX)),
    );
    this.#idle = this.#slabs.toReversed();
  }

  /** Whether more is taken than the area holds: who can wait for his writes should. */
  get isShort(): boolean {
    return this.takenBytes > this.#area.length && this.#area.length > 0;
  }

  /**
   * @param wantedBytes a power of two, at most BUFFER_BYTES_MAX; with many files each gets a smaller one.
   * @param files how many share the area.
   */
  take(wantedBytes: number, files = 1): Buffer<ArrayBuffer> {
    const bytes = this.#withinShare(wantedBytes, files);
    this.takenBytes += bytes;
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

  #withinShare(wantedBytes: number, files: number): number {
    if (this.#area.length === 0) return wantedBytes;
    let bytes = wantedBytes;
    while (bytes > BUFFER_BYTES_FIRST && bytes * files > this.#area.length) bytes /= 2;
    return bytes;
  }

  /** Nobody may read or write it any more. */
  give(buffer: Uint8Array): void {
    this.takenBytes -= buffer.length;
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
