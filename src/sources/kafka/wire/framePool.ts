/**
 * Reusable buffers for long answers and for their unpacked records. New ones for each answer would trigger
 * the garbage collector every few answers, since it counts their bytes. Buffers not returned are collected.
 */
import { TidemarkError } from '../../../../journal/errors.ts';

/** Coarse, so that an answer finds a buffer that fits although answers differ in length. */
const UNIT_BYTES = 2 * 1024 * 1024;
/** Shorter answers are rare, or not fetches. */
const POOLED_BYTES_MIN = 256 * 1024;
/**
 * The most idle bytes in the pool. It exceeds all prefetched bytes: with less, each written batch frees
 * memory that the next answer allocates again, in the worst case for a quarter of the processor time. The
 * peak is the same, because all of it was in use at one time.
 */
const IDLE_BYTES_MAX = 48 * 1024 * 1024;

const idle: ArrayBufferLike[] = [];
const pooled = new WeakSet<ArrayBufferLike>();
let idleBytes = 0;

/** A buffer of exactly this length; its memory may be longer. */
export function takeFrame(length: number): Buffer {
  if (length < POOLED_BYTES_MIN) return Buffer.allocUnsafeSlow(length);
  const found = shortestIdle(length);
  if (found !== undefined) {
    idle.splice(idle.indexOf(found), 1);
    idleBytes -= found.byteLength;
    return Buffer.from(found, 0, length);
  }
  const made = Buffer.allocUnsafeSlow(Math.ceil(length / UNIT_BYTES) * UNIT_BYTES);
  pooled.add(made.buffer);
  return made.subarray(0, length);
}

/** Of equally long buffers the one returned last: it may still be in the processor's caches. */
function shortestIdle(length: number): ArrayBufferLike | undefined {
  let shortest: ArrayBufferLike | undefined;
  for (const one of idle) {
    const isNoLonger = shortest === undefined || one.byteLength <= shortest.byteLength;
    if (one.byteLength >= length && isNoLonger) shortest = one;
  }
  return shortest;
}

/** No part of the frame may be read any more. The argument may be any slice of it. */
export function giveFrame({ buffer }: Buffer): void {
  if (!pooled.has(buffer) || idle.includes(buffer) || idleBytes + buffer.byteLength > IDLE_BYTES_MAX) return;
  idle.push(buffer);
  idleBytes += buffer.byteLength;
}

/** Counts the readers of a frame; the last release returns it to the pool. */
export class FrameLease {
  readonly #frame: Buffer;
  #readers = 1;
  #isReleased = false;

  /** The creator holds the lease until `release`. */
  constructor(frame: Buffer) {
    this.#frame = frame;
  }

  /** Adds a reader. The returned function releases it, once. */
  hold(): () => void {
    this.#readers += 1;
    let isHeld = true;
    return () => {
      if (isHeld) this.#left();
      isHeld = false;
    };
  }

  /**
   * Called by the creator, once: throws INTERNAL the second time, which would take the frame from a reader.
   */
  release(): void {
    if (this.#isReleased) throw new TidemarkError('INTERNAL', 'A frame is released twice by its creator.');
    this.#isReleased = true;
    this.#left();
  }

  #left(): void {
    this.#readers -= 1;
    if (this.#readers === 0) giveFrame(this.#frame);
  }
}
