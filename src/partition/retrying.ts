/** Retries with backoff: one rule for everything that may be unavailable to a partition. */
import { TidemarkError } from '../../journal/errors.ts';
import { backoffMs } from '../system/backoff.ts';
import type { Clock } from '../system/clock.ts';
import type { Gate } from '../system/concurrency.ts';

const LONGEST_MS = 10_000;
const FIRST_MS = 200;

/** Delay before the next attempt, after `failures` in a row: twice the previous one, 10 s at most. */
export function retryDelayMs(failures: number, firstMs = FIRST_MS): number {
  return backoffMs({ firstMs, longestMs: LONGEST_MS }, failures);
}

export interface Retrying<T> {
  readonly clock: Clock;
  /** Opens when the result is no longer wanted: there are no more attempts then. */
  readonly end: Gate;
  /** Called with the number of the attempt, from 1. */
  readonly attempt: (attempt: number) => Promise<T>;
  /** Called for each failure that is retried. */
  readonly failed: (error: TidemarkError, attempt: number) => void;
}

/** Rejects at once with an error that is not transient, and with the last failure if `end` is open. */
export async function retrying<T>({ clock, end, attempt, failed }: Retrying<T>): Promise<T> {
  const isOver = (): boolean => end.isOpen;
  for (let number = 1; ; number += 1) {
    try {
      return await attempt(number);
    } catch (error) {
      if (isOver() || !(error instanceof TidemarkError) || error.retry !== 'transient') throw error;
      failed(error, number);
      await end.orOpened(clock.pause(retryDelayMs(number)));
      if (isOver()) throw error;
    }
  }
}
