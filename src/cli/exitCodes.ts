import { TidemarkError, type ErrorCode } from '../../journal/errors.ts';
import type { StopSignal } from './io.ts';

/** Done, or nothing found. */
export const EXIT_OK = 0;
/** A finding, a failure, or a stopped partition. */
export const EXIT_FAILURE = 1;
/** Usage, configuration or secret: the same command fails again until a person changes something. */
export const EXIT_CONFIG = 2;
/** Could not finish: a dependency is unavailable, and the same command may succeed later. */
export const EXIT_UNFINISHED = 3;

/** For the help text and the docs. */
export const EXIT_CODES: readonly (readonly [code: number, meaning: string])[] = [
  [
    EXIT_OK,
    'done or clean; for run also after SIGTERM, SIGINT or SIGHUP, once every last checkpoint is journaled',
  ],
  [EXIT_FAILURE, 'a finding, a failure, or a partition that is stopped or ended without its last checkpoint'],
  [
    EXIT_CONFIG,
    'the command line, the job file or a secret is wrong: one line per problem on standard error',
  ],
  [EXIT_UNFINISHED, 'could not finish: the journal, the source, the destination or an owner did not answer'],
];

/**
 * Errors whose class alone would mislead. Waiting for something else (a lock, a topic, a first run) is no
 * fault of the job file. A stop that was cut short is a finding, although the next run recovers from it. A
 * refused secret is wrong, although a run that has begun retries.
 */
const EXCEPTIONS: Partial<Record<ErrorCode, number>> = {
  GROUP_IN_USE: EXIT_FAILURE,
  JOURNAL_IMPORT_UNFINISHED: EXIT_FAILURE,
  JOURNAL_LOCKED: EXIT_FAILURE,
  JOURNAL_MISSING: EXIT_FAILURE,
  SOURCE_NOT_AT_END: EXIT_FAILURE,
  SOURCE_TOPIC_MISSING: EXIT_FAILURE,
  STOP_INCOMPLETE: EXIT_FAILURE,
  STORE_AUTHENTICATION: EXIT_CONFIG,
};

/** The exit code for an error, by its retry class; 1 for errors that are not Tidemark's. */
export function exitCodeOf(error: unknown): number {
  if (!(error instanceof TidemarkError)) return EXIT_FAILURE;
  const exception = EXCEPTIONS[error.code];
  if (exception !== undefined) return exception;
  if (error.retry === 'config') return EXIT_CONFIG;
  return error.retry === 'transient' ? EXIT_UNFINISHED : EXIT_FAILURE;
}

const SIGNAL_NUMBERS: Readonly<Record<StopSignal, number>> = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 };

/** By the convention of shells: 128 plus the signal's number. */
export function exitCodeOfSignal(signal: StopSignal): number {
  return 128 + SIGNAL_NUMBERS[signal];
}
