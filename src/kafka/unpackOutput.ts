/** Where a batch is unpacked to: memory that is used again, since new buffers would make the garbage collector run all the time. */
import { giveFrame, takeFrame } from './framePool.ts';

/** Most batches fit. */
const FIRST_BYTES = 1024 * 1024;

export class Output {
  /** bytes[0, length) is what was unpacked so far. */
  bytes: Buffer;
  length = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  get roomBytes(): number {
    return this.bytes.length - this.length;
  }

  append(piece: Uint8Array): void {
    if (this.roomBytes < piece.length) this.grow(this.length + piece.length);
    this.bytes.set(piece, this.length);
    this.length += piece.length;
  }

  /** Keeps what was unpacked. */
  grow(bytes: number): void {
    throw new RangeError(`there is no room for ${bytes} bytes`);
  }
}

/** Grows as it must; its memory is the frames'. */
export class PooledOutput extends Output {
  constructor() {
    super(takeFrame(FIRST_BYTES));
  }

  override grow(bytes: number): void {
    const longer = takeFrame(Math.max(bytes, 2 * this.bytes.length));
    longer.set(this.bytes.subarray(0, this.length));
    giveFrame(this.bytes);
    this.bytes = longer;
  }

  /** Nobody may read any of it any more. */
  release(): void {
    giveFrame(this.bytes);
  }
}
