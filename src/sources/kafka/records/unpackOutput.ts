/** Where a batch is unpacked to: memory that is used again, since new buffers would make the garbage collector run all the time. */
import { NeverFits, type UnpackRoom } from '../../unpackRoom.ts';
import { giveFrame, takeFrame } from '../protocol/framePool.ts';

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

  /** How many bytes may be unpacked behind those that were. */
  get leftBytesMax(): number {
    return this.roomBytes;
  }

  append(piece: Uint8Array): void {
    this.reserve(piece.length);
    this.bytes.set(piece, this.length);
    this.length += piece.length;
  }

  /** Makes room for so many bytes more. Throws where they do not fit. */
  reserve(moreBytes: number): void {
    if (this.roomBytes < moreBytes) this.grow(this.length + moreBytes);
  }

  /** Gives `bytes` at least; keeps what was unpacked. */
  grow(bytes: number): void {
    throw new RangeError(`there is no room for ${bytes} bytes`);
  }
}

/** Grows as it must, within the room; its memory is the frames'. */
export class PooledOutput extends Output {
  readonly #room: UnpackRoom;
  #isReleased = false;

  /** Throws NoRoomYet where others hold all of the room. */
  constructor(room: UnpackRoom) {
    const firstBytes = Math.min(FIRST_BYTES, room.bytesMax);
    room.grow(0, firstBytes);
    super(takeFrame(firstBytes));
    this.#room = room;
  }

  override get leftBytesMax(): number {
    return this.#room.bytesMax - this.length;
  }

  override grow(bytes: number): void {
    if (bytes > this.#room.bytesMax) throw new NeverFits(this.#room.bytesMax);
    const longerBytes = Math.min(Math.max(bytes, 2 * this.bytes.length), this.#room.bytesMax);
    this.#room.grow(this.bytes.length, longerBytes - this.bytes.length);
    const longer = takeFrame(longerBytes);
    longer.set(this.bytes.subarray(0, this.length));
    giveFrame(this.bytes);
    this.bytes = longer;
  }

  /** Nobody may read any of it any more. */
  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#room.giveBack(this.bytes.length);
    giveFrame(this.bytes);
  }
}
