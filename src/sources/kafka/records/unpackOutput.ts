/**
 * The memory that a batch is unpacked into. Reused, since new buffers would keep the garbage collector busy.
 */
import { NeverFits, type UnpackRoom } from '../../unpackRoom.ts';
import { giveFrame, takeFrame } from '../wire/framePool.ts';

/** Most batches fit. */
const FIRST_BYTES = 1024 * 1024;

export class Output {
  /** bytes[0, length) is unpacked so far. */
  bytes: Buffer;
  length = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  get roomBytes(): number {
    return this.bytes.length - this.length;
  }

  /** How many more bytes may be unpacked. */
  get leftBytesMax(): number {
    return this.roomBytes;
  }

  append(piece: Uint8Array): void {
    this.reserve(piece.length);
    this.bytes.set(piece, this.length);
    this.length += piece.length;
  }

  /** Makes room for this many more bytes. Throws if they do not fit. */
  reserve(moreBytes: number): void {
    if (this.roomBytes < moreBytes) this.grow(this.length + moreBytes);
  }

  /** Grows to at least `bytes`, and keeps what is unpacked. */
  grow(bytes: number): void {
    throw new RangeError(`there is no room for ${bytes} bytes`);
  }
}

/** Grows as needed, within the room. Its memory comes from the frame pool. */
export class PooledOutput extends Output {
  readonly #room: UnpackRoom;
  #isReleased = false;

  /** Throws NoRoomYet if others hold all of the room. */
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

  /** None of it may be read any more. */
  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#room.giveBack(this.bytes.length);
    giveFrame(this.bytes);
  }
}
