import { TidemarkError, type ErrorCode } from '../../journal/errors.ts';
import type { StopSignal } from './io.ts';

export const EXIT_OK = 0;
export const EXIT_FAILURE = 1;
export const EXIT_CONFIG = 2;

/** Wrong is the world around (another process, a missing topic), not what the user wrote. */
const WORLD_CODES: readonly ErrorCode[] = ['JOURNAL_LOCKED', 'SOURCE_TOPIC_MISSING'];

/** 2 where the job file or the command line must be changed, else 1. */
export function exitCodeOf(error: unknown): number {
  const isConfig =
    error instanceof TidemarkError && error.retry === 'config' && !WORLD_CODES.includes(error.code);
  return isConfig ? EXIT_CONFIG : EXIT_FAILURE;
}

/** As shells count it: 128 and the signal's number. */
export function exitCodeOfSignal(signal: StopSignal): number {
  return signal === 'SIGINT' ? 130 : 143;
}
