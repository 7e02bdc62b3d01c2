/**
 * How a store fails, as its port tells it: a store names the problem, and callers decide by it. The code is
 * for people.
 */
import { currentCode, TidemarkError, type ErrorCode, type ErrorDetails } from '../../journal/errors.ts';

const CODES = {
  /** The name is taken: nothing was created. */
  exists: 'STORE_EXISTS',
  /** The call had no effect that matters, and may succeed later. */
  unavailable: 'STORE_UNAVAILABLE',
  /** Its writer has the file open, and the service lets nobody else read it meanwhile. */
  beingWritten: 'STORE_UNAVAILABLE',
  /** The access key is unknown, or its secret is wrong. */
  refused: 'STORE_AUTHENTICATION',
  /** The call may have taken effect. */
  outcomeUnknown: 'STORE_OUTCOME_UNKNOWN',
  /** A file with the expected name has other bytes. */
  contentDiffers: 'STORE_CONTENT_DIFFERS',
  /** No name holds the file. */
  missing: 'STORE_FILE_MISSING',
  /** The journaled handle is none of this store. */
  handleInvalid: 'STORE_HANDLE_INVALID',
} as const satisfies Record<string, ErrorCode>;

export type StoreProblem = keyof typeof CODES;

export interface StoreFailureDetails extends ErrorDetails {
  /** The disk is full, or its quota is used up: freeing files helps. */
  readonly isFull?: boolean;
}

export class StoreFailure extends TidemarkError {
  readonly problem: StoreProblem;
  readonly isFull: boolean;

  constructor(problem: StoreProblem, message: string, details: StoreFailureDetails = {}) {
    super(CODES[problem], message, details);
    this.problem = problem;
    this.isFull = details.isFull ?? false;
  }
}

/** Whether a store failed with one of these problems. */
export function isStoreFailure(
  error: unknown,
  ...problems: readonly [StoreProblem, ...StoreProblem[]]
): error is StoreFailure {
  return error instanceof StoreFailure && problems.includes(error.problem);
}

/** Whether the journaled code says that a file is gone, or has other bytes. */
export function isCodeOfDamage(code: string): boolean {
  const current = currentCode(code);
  return current === CODES.missing || current === CODES.contentDiffers;
}

/** What was attempted, on which file, and the answer of the service or the system. */
export interface FailedCall {
  /** `create`, `publish`: continues "Cannot". */
  readonly doing: string;
  readonly file: string;
  readonly reason: string;
  /** What to do, if the reason tells. */
  readonly hint?: string | undefined;
}

/** The call failed, without an effect that matters. */
export function failedCall(
  problem: 'unavailable' | 'refused',
  call: FailedCall,
  details: Omit<StoreFailureDetails, 'affected'>,
): StoreFailure {
  return new StoreFailure(problem, sentenceOf(call), { ...details, affected: { files: [call.file] } });
}

/** @param unknown what is not known: `What reached the disk`. */
export function unknownOutcome(
  call: FailedCall,
  unknown: string,
  details: Omit<StoreFailureDetails, 'affected'>,
): StoreFailure {
  const message = `${sentenceOf(call)} ${unknown} is not known: the epoch is settled anew.`;
  return new StoreFailure('outcomeUnknown', message, { ...details, affected: { files: [call.file] } });
}

function sentenceOf({ doing, file, reason, hint }: FailedCall): string {
  return `Cannot ${doing} ${file}: ${reason}. ${hint ?? 'Check the destination; Tidemark keeps trying.'}`;
}

export function exists(file: string, cause?: unknown): StoreFailure {
  const message = `${file} exists already: a file is only ever created under a new name.`;
  return new StoreFailure('exists', message, { affected: { files: [file] }, cause });
}

/** @param others further names that may hold the right bytes. */
export function contentDiffers(
  file: string,
  difference: string,
  advice: string,
  others: readonly string[] = [],
): StoreFailure {
  const message = `${file} ${difference}. ${advice}`;
  return new StoreFailure('contentDiffers', message, { affected: { files: [file, ...others] } });
}

export function fileMissing(message: string, files: readonly string[], cause?: unknown): StoreFailure {
  return new StoreFailure('missing', message, { affected: { files }, cause });
}

export function handleInvalid(message: string, file: string): StoreFailure {
  return new StoreFailure('handleInvalid', message, { affected: { files: [file] } });
}

/** The life of an open file. Only an open one takes calls. */
export type FileLife =
  | { readonly type: 'open' | 'closed' | 'abandoned' }
  | { readonly type: 'failed'; readonly cause: TidemarkError };

/** Throws if a former call has failed, or if this process has closed or abandoned the file. */
export function mustBeOpen(life: FileLife, doing: string, file: string): void {
  switch (life.type) {
    case 'open':
      return;
    case 'failed': {
      const message =
        `Cannot ${doing} ${file}: an earlier call on it failed, so what it holds is ` +
        `not known; abandon it.`;
      throw new StoreFailure('outcomeUnknown', message, { affected: { files: [file] }, cause: life.cause });
    }
    case 'closed':
    case 'abandoned':
      throw handleInvalid(`Cannot ${doing} ${file}: this process has ${life.type} it.`, file);
  }
}
