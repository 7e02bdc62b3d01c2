/** What an epoch may try again after a failure of its store. */
import { StoreFailure, type StoreProblem } from '../stores/failure.ts';

/**
 * - `otherName`: the file may be created under another name; this name is discarded.
 * - `sameCall`: the call had no effect, and may succeed later.
 * - `nothing`: the epoch ends.
 */
type Retry = 'otherName' | 'sameCall' | 'nothing';

function retryAfter(problem: StoreProblem): Retry {
  switch (problem) {
    case 'exists':
    case 'outcomeUnknown':
      return 'otherName';
    case 'unavailable':
    case 'beingWritten':
    case 'refused':
      return 'sameCall';
    case 'contentDiffers':
    case 'missing':
    case 'handleInvalid':
      return 'nothing';
  }
}

/** Whether creating the file under another name may succeed. */
export function mayTakeOtherName(error: unknown): error is StoreFailure {
  return error instanceof StoreFailure && retryAfter(error.problem) === 'otherName';
}

/** Whether the same call may succeed later, and had no effect now. */
export function isStoreAway(error: unknown): error is StoreFailure {
  return error instanceof StoreFailure && retryAfter(error.problem) === 'sameCall';
}
