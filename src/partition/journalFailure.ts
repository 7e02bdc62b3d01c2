/** What a failure of the journal means for a partition that it belongs to. */
import { JournalFailure, type JournalProblem } from '../../journal/failure.ts';

/**
 * - `away`: it may answer later.
 * - `inDoubt`: what it says is not what was journaled: nothing may be appended to it.
 * - `other`: it is refused, or no journal for this process, before any partition is claimed.
 */
type Meaning = 'away' | 'inDoubt' | 'other';

function meaningOf(problem: JournalProblem): Meaning {
  switch (problem) {
    case 'unavailable':
      return 'away';
    case 'corrupt':
    case 'rolledBack':
    case 'replaced':
    case 'witnessUnreadable':
      return 'inDoubt';
    case 'refused':
    case 'full':
    case 'entryTooLarge':
    case 'newer':
    case 'missing':
    case 'locked':
    case 'streamInvalid':
    case 'importUnfinished':
      return 'other';
  }
}

function means(error: unknown, ...meanings: Meaning[]): error is JournalFailure {
  return error instanceof JournalFailure && meanings.includes(meaningOf(error.problem));
}

/** Whether the journal itself is in doubt: the partition halts, and nothing is appended. */
export function isJournalInDoubt(error: unknown): error is JournalFailure {
  return means(error, 'inDoubt');
}

/** Whether nothing can be read from the journal until it is there again, or mended. */
export function isJournalUnreadable(error: unknown): error is JournalFailure {
  return means(error, 'away', 'inDoubt');
}
