import { hasCode, type ErrorCode } from '../../journal/errors.ts';
import type { StopSignal } from './io.ts';

export const EXIT_OK = 0;
export const EXIT_FAILURE = 1;
export const EXIT_CONFIG = 2;

/** Wrong is what the user wrote; of all others the world around is to blame, and the same command may work later. */
const CONFIG_CODES: readonly ErrorCode[] = [
  'CONFIG_INVALID',
  'USAGE',
  'GROUP_CHANGED',
  'JOURNAL_STREAM_INVALID',
  'KAFKA_AUTHENTICATION',
];

/** 2 where the job file or the command line must be changed, else 1. */
export function exitCodeOf(error: unknown): number {
  return hasCode(error, ...CONFIG_CODES) ? EXIT_CONFIG : EXIT_FAILURE;
}

/** As shells count it: 128 and the signal's number. */
export function exitCodeOfSignal(signal: StopSignal): number {
  return signal === 'SIGINT' ? 130 : 143;
}
