/**
 * Buffers for long answers, and for what is unpacked of them, used again and again. New ones for each would make the garbage collector run every few answers,
 * since it counts their bytes. What is never given back is collected like anything else.
 */

/** Coarse, so that an answer finds one that fits although none is as long as another. */
const UNIT_BYTES = 2 * 1024 * 1024;
/** Shorter answers are seldom, or no fetches. */
const POOLED_BYTES_MIN = 256 * 1024;
/**
 * What lies idle in the pool, at most. More than all prefetched bytes: less, and each batch that is written throws some away which the
 * next answer makes anew, a quarter of the processor's time in the worst case. The peak is the same: all of it was in use at one time.
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

/** Of those that are equally long the one given last: it may still be in the processor's caches. */
function shortestIdle(length: number): ArrayBufferLike | undefined {
  let shortest: ArrayBufferLike | undefined;
  for (const one of idle) {
    const isNoLonger = shortest === undefined || one.byteLength <= shortest.byteLength;
    if (one.byteLength >= length && isNoLonger) shortest = one;
  }
  return shortest;
}

/** Nobody may read any part of the frame any more. Any slice of it names it. */
export function giveFrame({ buffer }: Buffer): void {
  if (!pooled.has(buffer) || idle.includes(buffer) || idleBytes + buffer.byteLength > IDLE_BYTES_MAX) return;
  idle.push(buffer);
  idleBytes += buffer.byteLength;
}

/** Counts who reads a frame; the last one to let go gives it back. */
export class FrameLease {
  readonly #frame: Buffer;
  #readers = 1;

  /** Held by its maker until `release`. */
  constructor(frame: Buffer) {
    this.#frame = frame;
  }

  /** One more reader; its function lets go, once. */
  hold(): () => void {
    this.#readers += 1;
    let isHeld = true;
    return () => {
      if (isHeld) this.release();
      isHeld = false;
    };
  }

  release(): void {
    this.#readers -= 1;
    if (this.#readers === 0) giveFrame(this.#frame);
  }
}
