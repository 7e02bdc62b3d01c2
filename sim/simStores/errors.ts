/** The errors of the world's stores, with the codes of the real ones; every message ends in the names. */
import { TidemarkError, type ErrorCode } from '../../journal/errors.ts';
import type { Failpoint } from '../../src/system/failpoints.ts';
import type { PartTarget } from '../../src/stores/port.ts';

/** Why a server refuses a request. */
export type Refusal =
  | 'notFound'
  | 'exists'
  | 'leaseExpired'
  | 'beingCreated'
  | 'tooShort'
  | 'noSuchUpload'
  | 'invalidPart'
  | 'partTooSmall';

/** A server's answer, as its client gets it; the store decides what it means for the part file. */
export class Refused extends Error {
  readonly reason: Refusal;

  constructor(reason: Refusal, what: string) {
    super(`${what}: ${reason}`);
    this.reason = reason;
  }
}

export function isRefused(error: unknown, ...reasons: Refusal[]): error is Refused {
  return error instanceof Refused && reasons.includes(error.reason);
}

function storeError(code: ErrorCode, what: string, ...files: string[]): TidemarkError {
  return new TidemarkError(code, `${what}: ${files.join(', ')}`, { fields: { files } });
}

export function missing({ temporaryUri, finalUri }: PartTarget): TidemarkError {
  return storeError(
    'STORE_FILE_MISSING',
    'The durable bytes of a part file are gone',
    temporaryUri,
    finalUri,
  );
}

export function differs({ temporaryUri, finalUri }: PartTarget, how: string): TidemarkError {
  return storeError('STORE_CONTENT_DIFFERS', `A part file ${how}`, temporaryUri, finalUri);
}

export function exists(uri: string): TidemarkError {
  return storeError('STORE_EXISTS', 'The name stands already', uri);
}

export function handleInvalid(why: string, uri: string): TidemarkError {
  return storeError('STORE_HANDLE_INVALID', why, uri);
}

/** The error of the file store: code that handles full disks looks for the system's code. */
export function noSpace(point: Failpoint, file: string): TidemarkError {
  return new TidemarkError('STORE_UNAVAILABLE', `There is no room for ${point}: ${file}`, {
    fields: { files: [file], systemCode: 'ENOSPC' },
  });
}

/** Written data that found no room when it was synced. */
export function noSpaceToSync(file: string): TidemarkError {
  return new TidemarkError('STORE_OUTCOME_UNKNOWN', `There is no room to make it durable: ${file}`, {
    fields: { files: [file], systemCode: 'ENOSPC' },
  });
}

/** The call failed for a reason of its own: an old owner that has lost its lease or its upload. */
export function refusedForGood(why: string, uri: string): TidemarkError {
  return storeError('STORE_OUTCOME_UNKNOWN', why, uri);
}

export function outcomeUnknown(point: Failpoint): TidemarkError {
  return new TidemarkError('STORE_OUTCOME_UNKNOWN', `The reply of ${point} did not come in time.`);
}

export function unavailable(point: Failpoint): TidemarkError {
  return new TidemarkError('STORE_UNAVAILABLE', `The store of the world refuses ${point} for now.`);
}
