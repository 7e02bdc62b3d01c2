/** Waits that end. */
import type { Clock } from './clock.ts';

/** Waits for the work, but no longer than `limitMs`. Its later outcome is ignored. */
export async function within(clock: Clock, limitMs: number, work: Promise<unknown>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const timer = clock.timer(limitMs, () => resolve(undefined));
  try {
    await Promise.race([work, promise]);
  } finally {
    timer.cancel();
  }
}

/** The work's result. Rejects with the error of `late` if there is none within `limitMs`. */
export async function orLate<T>(
  clock: Clock,
  limitMs: number,
  work: Promise<T>,
  late: () => Error,
): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = clock.timer(limitMs, () => reject(late()));
  try {
    return await Promise.race([work, promise]);
  } finally {
    timer.cancel();
  }
}

/** The work's result. Rejects with the signal's reason as soon as it is aborted. */
export async function orAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', abort);
  try {
    if (signal.aborted) abort();
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/**
 * Runs work that ends as soon as one of the signals is aborted. Keeps no reference to the signals after the
 * work has ended.
 */
export async function untilAny<T>(
  signals: readonly (AbortSignal | undefined)[],
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const abort = (): void => over.abort();
  for (const signal of signals) {
    signal?.addEventListener('abort', abort);
    if (signal?.aborted === true) abort();
  }
  try {
    return await work(over.signal);
  } finally {
    for (const signal of signals) signal?.removeEventListener('abort', abort);
  }
}
