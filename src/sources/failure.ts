/**
 * How a source fails, as its port tells it: a source names the problem, and callers decide by it. The code
 * is for people.
 */
import { currentCode, TidemarkError, type ErrorCode, type ErrorDetails } from '../../journal/errors.ts';

const CODES = {
  /** It does not answer, and may later. */
  unavailable: 'SOURCE_UNAVAILABLE',
  /** It refuses this client: its credentials, certificate or rights. */
  refused: 'SOURCE_AUTHENTICATION',
  /** Another process has taken this one's place among the readers. */
  instanceFenced: 'SOURCE_INSTANCE_FENCED',
  /** The job names what does not exist. */
  topicMissing: 'SOURCE_TOPIC_MISSING',
  /** The job is to begin where the source has nothing to read. */
  startInvalid: 'SOURCE_START_INVALID',
  /** It exists, but cannot be read by this process. */
  unreadable: 'SOURCE_UNREADABLE',
  /** It no longer has the affected offsets. */
  rangeLost: 'SOURCE_RANGE_LOST',
  /** It ends before the offset to read. */
  beyondEnd: 'SOURCE_BEYOND_END',
  /** Its log no longer holds what was read: `affected.truncation` says from where on. */
  truncated: 'SOURCE_TRUNCATED',
  /** Another topic, file or cluster has its name. */
  replaced: 'SOURCE_REPLACED',
  /** What was read does not exist any more. */
  deleted: 'SOURCE_REPLACED',
  /** The affected offsets are damaged. */
  batchCorrupt: 'SOURCE_BATCH_CORRUPT',
  /**
   * The record at the affected offset cannot be written in the job's format, and the job says to stop then.
   */
  recordBad: 'SOURCE_RECORD_BAD',
  /** The affected offsets do not fit the memory. */
  batchTooLarge: 'SOURCE_BATCH_TOO_LARGE',
} as const satisfies Record<string, ErrorCode>;

export type SourceProblem = keyof typeof CODES;

export class SourceFailure extends TidemarkError {
  readonly problem: SourceProblem;

  constructor(problem: SourceProblem, message: string, details: ErrorDetails = {}) {
    super(CODES[problem], message, details);
    this.problem = problem;
  }
}

/** Whether a source failed with one of these problems. */
export function isSourceFailure(error: unknown, ...problems: SourceProblem[]): error is SourceFailure {
  return error instanceof SourceFailure && problems.includes(error.problem);
}

/**
 * The problem that a journaled code means, one of an earlier version included. Null if it is none of a
 * source. The code does not tell `deleted` from `replaced`.
 */
export function journaledProblem(code: string): SourceProblem | null {
  const current = currentCode(code);
  const problems = Object.keys(CODES) as SourceProblem[];
  return problems.find((problem) => CODES[problem] === current) ?? null;
}
