/** Small tools for concurrent work. */
import { asTidemarkError, type TidemarkError } from '../../journal/errors.ts';

/**
 * Runs `work` for every item, at most `limit` at once. Waits for all that were started, then rejects with the
 * first failure.
 */
export async function forEachBounded<T>(
  items: Iterable<T>,
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  let failure: { readonly error: unknown } | null = null;
  const lane = async (): Promise<void> => {
    for (let next = iterator.next(); failure === null && next.done !== true; next = iterator.next()) {
      try {
        await work(next.value);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: limit }, lane));
  const failed = failure as { readonly error: unknown } | null;
  if (failed !== null) throw failed.error;
}

/**
 * The first failure of any work in the background. Every wait also waits for this. Keeps no reference to a
 * caller that has stopped waiting: an epoch lasts for months, and waits every second.
 */
export class FailureLatch {
  readonly #waiting = new Set<(error: TidemarkError) => void>();
  #failure: TidemarkError | null = null;

  get failure(): TidemarkError | null {
    return this.#failure;
  }

  fail(error: unknown, doing: string): void {
    if (this.#failure !== null) return;
    const failure = asTidemarkError(error, doing);
    this.#failure = failure;
    for (const reject of this.#waiting) reject(failure);
    this.#waiting.clear();
  }

  /** The result of `work`, or the latch's failure, whichever is first. */
  race<T>(work: Promise<T>): Promise<T> {
    const failed = Promise.withResolvers<never>();
    if (this.#failure === null) this.#waiting.add(failed.reject);
    else failed.reject(this.#failure);
    return Promise.race([work, failed.promise]).finally(() => this.#waiting.delete(failed.reject));
  }
}

/**
 * Resolves when it is opened; opening it again has no effect. A caller that may end before the gate opens
 * waits by `orOpened` or `whenOpen`, since `opened` keeps a reference to its readers.
 */
export class Gate {
  readonly #waiting = new Set<() => void>();
  readonly opened: Promise<void>;
  #open: () => void = () => undefined;
  isOpen = false;

  constructor() {
    this.opened = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  open(): void {
    this.isOpen = true;
    this.#open();
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  /**
   * Calls back once when the gate opens, or at once if it is open. Returns a function that removes the
   * callback, for a caller that ends before.
   */
  whenOpen(callback: () => void): () => void {
    if (this.isOpen) callback();
    else this.#waiting.add(callback);
    return () => void this.#waiting.delete(callback);
  }

  /**
   * Resolves when `work` has ended or the gate is open. Rejects if the work does. Keeps no reference
   * afterwards.
   */
  async orOpened(work: Promise<unknown>): Promise<void> {
    const opened = Promise.withResolvers<undefined>();
    const forget = this.whenOpen(() => opened.resolve(undefined));
    try {
      await Promise.race([work, opened.promise]);
    } finally {
      forget();
    }
  }
}
