/**
 * How a journal fails, as its port tells it: a journal names the problem, and callers decide by it. The code
 * is for people. Another owner is no failure of the journal: that is FENCED.
 */
import { hasCode, TidemarkError, type ErrorCode, type ErrorDetails } from './errors.ts';

const CODES = {
  /** It does not answer, or may be behind: the same call may succeed later. */
  unavailable: 'JOURNAL_UNAVAILABLE',
  /** It refuses this client. */
  refused: 'JOURNAL_AUTHENTICATION',
  full: 'JOURNAL_FULL',
  entryTooLarge: 'JOURNAL_ENTRY_TOO_LARGE',
  /** An entry is damaged, missing, or in the wrong place. */
  corrupt: 'JOURNAL_CORRUPT',
  /** A later version of Tidemark writes it. */
  newer: 'JOURNAL_NEWER',
  /** It is older than a witness. */
  rolledBack: 'JOURNAL_ROLLED_BACK',
  /** It is another one than that of the job. */
  replaced: 'JOURNAL_REPLACED',
  witnessUnreadable: 'WITNESS_UNREADABLE',
  missing: 'JOURNAL_MISSING',
  /** Another process has it. */
  locked: 'JOURNAL_LOCKED',
  streamInvalid: 'JOURNAL_STREAM_INVALID',
  /** Only a part of a copy was put into its place. */
  importUnfinished: 'JOURNAL_IMPORT_UNFINISHED',
} as const satisfies Record<string, ErrorCode>;

export type JournalProblem = keyof typeof CODES;

export class JournalFailure extends TidemarkError {
  readonly problem: JournalProblem;

  constructor(problem: JournalProblem, message: string, details: ErrorDetails = {}) {
    super(CODES[problem], message, details);
    this.problem = problem;
  }
}

/** Whether the journal failed with one of these problems. */
export function isJournalFailure(error: unknown, ...problems: JournalProblem[]): error is JournalFailure {
  return error instanceof JournalFailure && problems.includes(error.problem);
}

/**
 * The error of a fold that refuses an entry, as a failure of the journal. The fold tells the code alone: its
 * source text is its version, which snapshots name. Returns any other error as it is.
 */
export function asFailureOfFold(error: unknown): unknown {
  if (error instanceof JournalFailure || !hasCode(error, 'JOURNAL_CORRUPT')) return error;
  return new JournalFailure('corrupt', error.message, { fields: error.fields, cause: error });
}
