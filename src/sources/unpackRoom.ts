/**
 * Limits the memory of unpacked batches: a small compressed batch may hold very much. A batch that is larger
 * than the whole room never fits, which is an error. One that only lacks room besides others waits.
 */
import type { TidemarkError } from '../../journal/errors.ts';

/** Other batches hold the room now. A caller that holds nothing itself retries after `whenRoom`. */
export class NoRoomYet extends Error {
  override readonly name = 'NoRoomYet';
  /** Resolves when some room is returned. */
  readonly whenRoom: Promise<void>;

  constructor(whenRoom: Promise<void>) {
    super('Other batches take the memory for unpacking now.');
    this.whenRoom = whenRoom;
  }
}

/** The batch is larger than the whole room. */
export class NeverFits extends Error {
  override readonly name = 'NeverFits';
  readonly bytesMax: number;

  /** @param cause set if a library found it. */
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

  /** @param bytesMax of all batches that are unpacked at the same time. */
  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /**
   * Takes more room for a batch that holds `ownBytes`. Throws NeverFits or NoRoomYet; then it takes nothing.
   */
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
