/**
 * The memory of unpacked batches, counted: a small packed batch may hold very much. A batch that alone is larger than all of the
 * room never fits, and is told; one that only has no room beside others waits for them.
 */
import type { TidemarkError } from '../../journal/errors.ts';

/** Others hold the room now: whoever holds nothing itself tries again after `whenRoom`. */
export class NoRoomYet extends Error {
  override readonly name = 'NoRoomYet';
  /** Resolves when some of the room has been given back. */
  readonly whenRoom: Promise<void>;

  constructor(whenRoom: Promise<void>) {
    super('Other batches take the memory for unpacking now.');
    this.whenRoom = whenRoom;
  }
}

/** The batch is larger than all of the room. */
export class NeverFits extends Error {
  override readonly name = 'NeverFits';
  readonly bytesMax: number;

  /** @param cause where a library found it out. */
  constructor(bytesMax: number, cause?: TidemarkError | Error) {
    super(`It takes more than ${bytesMax} bytes.`, cause === undefined ? undefined : { cause });
    this.bytesMax = bytesMax;
  }
}

export class UnpackRoom {
  readonly bytesMax: number;
  #heldBytes = 0;
  #freed: { readonly promise: Promise<undefined>; readonly resolve: (value: undefined) => void } | null =
    null;

  /** @param bytesMax of all batches that are unpacked at one time. */
  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Takes room for a batch that holds `ownBytes` of it already. Throws NeverFits or NoRoomYet, and takes nothing then. */
  grow(ownBytes: number, byBytes: number): void {
    if (ownBytes + byBytes > this.bytesMax) throw new NeverFits(this.bytesMax);
    if (this.#heldBytes > ownBytes && this.#heldBytes + byBytes > this.bytesMax) {
      this.#freed ??= Promise.withResolvers<undefined>();
      throw new NoRoomYet(this.#freed.promise);
    }
    this.#heldBytes += byBytes;
  }

  giveBack(bytes: number): void {
    this.#heldBytes -= bytes;
    this.#freed?.resolve(undefined);
    this.#freed = null;
  }
}
