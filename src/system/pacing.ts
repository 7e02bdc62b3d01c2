/** Waits: for a time that a signal cuts short, for a wake-up, for the next attempt. */
import { backoffMs, type Backoff } from './backoff.ts';
import type { Clock } from './clock.ts';

/** Resolves after `delayMs`, or as soon as the signal is aborted. The caller checks which. */
export function pauseUnless(signal: AbortSignal, clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const end = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = clock.timer(delayMs, end);
    signal.addEventListener('abort', end);
  });
}

const BACKOFF: Backoff = { firstMs: 100, longestMs: 2_000 };

/** How long to wait after the `failures`-th failure in a row. */
export function retryDelayMs(failures: number): number {
  return backoffMs(BACKOFF, failures);
}

/**
 * The first failure in a row is logged as a warning, later ones ever more rarely: the 4th, the 16th, the 64th
 * ...
 */
export function retryLevel(failures: number): 'warn' | 'debug' {
  return failures > 0 && Number.isInteger(Math.log2(failures) / 2) ? 'warn' : 'debug';
}

/** A wake-up that is not lost if nobody waits yet. */
export class Wakeup {
  #pending = false;
  #resolve: (() => void) | null = null;

  notify(): void {
    if (this.#resolve === null) this.#pending = true;
    this.#resolve?.();
    this.#resolve = null;
  }

  wait(): Promise<void> {
    if (this.#pending) {
      this.#pending = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }
}
