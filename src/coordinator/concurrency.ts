/** Small tools for work that overlaps. */
import { asTidemarkError, type TidemarkError } from '../../journal/errors.ts';

/** Runs `work` for every item, at most `limit` at once; waits for all that were begun, then rejects with the first failure. */
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

/** The first failure of anything that works in the background; whoever waits, waits also for this. */
export class FailureLatch {
  readonly #promise: Promise<never>;
  #reject: (error: unknown) => void = () => undefined;
  #failure: TidemarkError | null = null;

  constructor() {
    this.#promise = new Promise((_, reject) => {
      this.#reject = reject;
    });
    // The latch may fail before anybody waits; waiters still see the rejection.
    this.#promise.catch(() => undefined);
  }

  get failure(): TidemarkError | null {
    return this.#failure;
  }

  fail(error: unknown, doing: string): void {
    if (this.#failure !== null) return;
    this.#failure = asTidemarkError(error, doing);
    this.#reject(this.#failure);
  }

  /** The result of `work`, or the latch's failure, whichever is first. */
  race<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#promise]);
  }
}

/** Resolves when it is told to; tells again are ignored. */
export class Gate {
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
  }
}
