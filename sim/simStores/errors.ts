/** The errors of the world's stores, with the problems of the real ones; every message ends in the names. */
import type { TidemarkError } from '../../journal/errors.ts';
import { StoreFailure, type StoreProblem } from '../../src/stores/failure.ts';
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
  | 'positionTaken'
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

function storeError(problem: StoreProblem, what: string, ...files: string[]): TidemarkError {
  return new StoreFailure(problem, `${what}: ${files.join(', ')}`, { affected: { files } });
}

export function missing({ temporaryUri, finalUri }: PartTarget): TidemarkError {
  return storeError('missing', 'The durable bytes of a part file are gone', temporaryUri, finalUri);
}

export function differs({ temporaryUri, finalUri }: PartTarget, how: string): TidemarkError {
  return storeError('contentDiffers', `A part file ${how}`, temporaryUri, finalUri);
}

export function exists(uri: string): TidemarkError {
  return storeError('exists', 'The name stands already', uri);
}

export function handleInvalid(why: string, uri: string): TidemarkError {
  return storeError('handleInvalid', why, uri);
}

/** The error of the file store on a full disk. */
export function noSpace(point: Failpoint, file: string): TidemarkError {
  return new StoreFailure('unavailable', `There is no room for ${point}: ${file}`, {
    affected: { files: [file] },
    isFull: true,
  });
}

/** Written data that found no room when it was synced. */
export function noSpaceToSync(file: string): TidemarkError {
  return new StoreFailure('outcomeUnknown', `There is no room to make it durable: ${file}`, {
    affected: { files: [file] },
    isFull: true,
  });
}

/** The call failed for a reason of its own: an old owner that has lost its lease or its upload. */
export function refusedForGood(why: string, uri: string): TidemarkError {
  return storeError('outcomeUnknown', why, uri);
}

export function outcomeUnknown(point: Failpoint): TidemarkError {
  return new StoreFailure('outcomeUnknown', `The reply of ${point} did not come in time.`);
}

export function unavailable(point: Failpoint): TidemarkError {
  return new StoreFailure('unavailable', `The store of the world refuses ${point} for now.`);
}
