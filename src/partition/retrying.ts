/** Trying again, ever more rarely: one rule for whatever of a partition is away. */
import { TidemarkError } from '../../journal/errors.ts';
import { backoffMs } from '../system/backoff.ts';
import type { Clock } from '../system/clock.ts';
import type { Gate } from '../system/concurrency.ts';

const LONGEST_MS = 10_000;
const FIRST_MS = 200;

/** Before the next try, after `failures` in a row: twice the one before, and 10 s at most. */
export function retryDelayMs(failures: number, firstMs = FIRST_MS): number {
  return backoffMs({ firstMs, longestMs: LONGEST_MS }, failures);
}

export interface Retrying<T> {
  readonly clock: Clock;
  /** Opens when nobody wants it any more: it is then not tried again. */
  readonly end: Gate;
  /** Told its number, from 1. */
  readonly attempt: (attempt: number) => Promise<T>;
  /** Told of each failure that is got over by trying again. */
  readonly failed: (error: TidemarkError, attempt: number) => void;
}

/** Rejects with what cannot pass at once, and with the last failure where `end` has opened. */
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
