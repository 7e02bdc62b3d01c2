/** Maps system errors of the file store to typed errors that say what to do. */
import { TidemarkError } from '../../../journal/errors.ts';
import { failedCall, unknownOutcome, type FailedCall } from '../failure.ts';

const HINTS: Readonly<Record<string, string>> = {
  ENOSPC: 'The disk is full: free some space; Tidemark keeps trying.',
  EDQUOT: 'The disk quota is used up: raise it or free some space; Tidemark keeps trying.',
  EFBIG: 'The file is larger than the file system or the limit `ulimit -f` allows: lower roll.maxBytes.',
  EACCES: 'The user that runs Tidemark may not do this: correct the owner or the mode of the folder.',
  EPERM:
    'The system does not permit this to the user that runs Tidemark: check owner, mode and mount options.',
  EROFS: 'The file system is mounted read-only: mount it writable or choose another sink.path.',
  EIO: 'The disk reports an input/output error: check it (dmesg) before you continue.',
  EMFILE: 'Too many open files: raise `ulimit -n` of the process or roll files earlier.',
  ENFILE: 'Too many open files on this machine: raise fs.file-max.',
  ENOTDIR: 'A part of the path is a file, not a folder: remove it or choose another sink.path.',
  EISDIR: 'A folder is where a file is expected: remove it or choose another sink.path.',
  ENAMETOOLONG:
    'The name is too long for the file system: shorten the bucket pattern, the prefix or the suffix.',
  ELOOP: 'The path holds a loop of symbolic links: correct it.',
  ESTALE: 'The network file system lost the file: check its server.',
};

/** Codes of calls that may have taken effect although they failed. */
const OUTCOME_UNKNOWN: ReadonlySet<string> = new Set([
  'EIO',
  'ETIMEDOUT',
  'EINTR',
  'ESTALE',
  'EREMOTEIO',
  'ECANCELED',
]);

/** Codes of a full disk, or of a quota that is used up. */
const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT']);

function systemCode(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}

export function hasSystemCode(error: unknown, ...codes: string[]): boolean {
  const code = systemCode(error);
  return code !== null && codes.includes(code);
}

function callOf(doing: string, file: string, cause: unknown): FailedCall {
  const code = systemCode(cause);
  const reason = code ?? (cause instanceof Error ? cause.message : String(cause));
  return { doing, file, reason, hint: code === null ? undefined : HINTS[code] };
}

function detailsOf(cause: unknown) {
  const code = systemCode(cause);
  return { fields: { systemCode: code }, isFull: code !== null && FULL.has(code), cause };
}

/** The call failed, without an effect that matters. */
export function unavailable(doing: string, path: string, cause: unknown): TidemarkError {
  if (cause instanceof TidemarkError) return cause;
  return failedCall('unavailable', callOf(doing, path, cause), detailsOf(cause));
}

/** It is unknown what reached the disk: a failed fsync may have dropped the bytes. */
export function outcomeUnknown(doing: string, path: string, cause: unknown): TidemarkError {
  if (cause instanceof TidemarkError) return cause;
  return unknownOutcome(callOf(doing, path, cause), 'What reached the disk', detailsOf(cause));
}

/** `outcomeUnknown` or `unavailable`, depending on the system code. */
export function failed(doing: string, path: string, cause: unknown): TidemarkError {
  const code = systemCode(cause);
  return code !== null && OUTCOME_UNKNOWN.has(code)
    ? outcomeUnknown(doing, path, cause)
    : unavailable(doing, path, cause);
}
