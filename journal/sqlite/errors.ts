/** Meaning of errors of node:sqlite, and of the file system below it, for an append, a read or an open. */
import { asTidemarkError, TidemarkError } from '../errors.ts';
import { JournalFailure } from '../failure.ts';
import type { AppendOutcome } from '../port.ts';

/** Primary result codes of SQLite; extended codes carry more in their higher bits. */
export const SQLITE = {
  ERROR: 1,
  PERM: 3,
  BUSY: 5,
  LOCKED: 6,
  READONLY: 8,
  IOERR: 10,
  CORRUPT: 11,
  FULL: 13,
  CANTOPEN: 14,
  SCHEMA: 17,
  CONSTRAINT: 19,
  MISMATCH: 20,
  FORMAT: 24,
  RANGE: 25,
  NOTADB: 26,
} as const;

/** The statements are few and fixed. If a journal rejects one that a sound journal accepts, it is damaged. */
const DAMAGE_CODES: readonly number[] = [
  SQLITE.CORRUPT,
  SQLITE.NOTADB,
  ...[SQLITE.ERROR, SQLITE.SCHEMA, SQLITE.CONSTRAINT, SQLITE.MISMATCH, SQLITE.FORMAT, SQLITE.RANGE],
];
const FULL_ERRNOS: readonly string[] = ['ENOSPC', 'EDQUOT'];

/** The primary result code; null if the error is not from SQLite. */
function sqliteCode(error: unknown): number | null {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return null;
  return error.errcode & 0xff;
}

export function isSqliteError(error: unknown, ...codes: readonly number[]): boolean {
  const code = sqliteCode(error);
  return code !== null && codes.includes(code);
}

type Meaning = 'full' | 'busy' | 'forbidden' | 'damaged' | 'bug' | 'other';

function meaningOf(cause: unknown): Meaning {
  const code = sqliteCode(cause);
  if (code === null) return meaningOfOther(cause);
  if (DAMAGE_CODES.includes(code)) return 'damaged';
  switch (code) {
    case SQLITE.FULL:
      return 'full';
    case SQLITE.BUSY:
    case SQLITE.LOCKED:
      return 'busy';
    case SQLITE.PERM:
    case SQLITE.READONLY:
    case SQLITE.CANTOPEN:
      return 'forbidden';
    default:
      return 'other';
  }
}

/**
 * Errors of the file system, or of a closed database. Any other error is a value of a type that no sound
 * journal holds.
 */
function meaningOfOther(cause: unknown): Meaning {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (FULL_ERRNOS.includes(code)) return 'full';
  const isOfFileSystem = cause instanceof Error && 'syscall' in cause;
  if (isOfFileSystem || code === 'ERR_INVALID_STATE') return 'other';
  return code === '' ? 'bug' : 'damaged';
}

/**
 * Outcome of a failed append. It is refused if the transaction certainly left nothing. An I/O error may have
 * occurred before or after the commit reached the disk, so its outcome is unknown, as for every unlisted
 * error. Throws JOURNAL_CORRUPT if the file is damaged: no later attempt can help.
 */
export function failedAppend(cause: unknown, path: string): AppendOutcome {
  if (cause instanceof TidemarkError) throw cause;
  switch (meaningOf(cause)) {
    case 'full':
      return { type: 'refused', retryable: true, cause: noRoom(path, cause) };
    case 'busy':
      return { type: 'refused', retryable: true, cause: unavailable(path, BUSY, cause) };
    case 'forbidden':
      return {
        type: 'refused',
        retryable: true,
        cause: unavailable(path, 'may not be written by this user', cause),
      };
    case 'damaged':
      throw damaged(path, cause);
    case 'bug':
      throw asTidemarkError(cause, `An append to the journal ${path}`);
    case 'other':
      return {
        type: 'unknown',
        cause: unavailable(path, `could not be written (${reasonOf(cause)})`, cause),
      };
  }
}

const BUSY = 'is being written by another process';

/** Whether this user may never write the journal. */
export function isForbidden(cause: unknown): boolean {
  return isSqliteError(cause, SQLITE.PERM, SQLITE.READONLY, SQLITE.CANTOPEN);
}

function noRoom(path: string, cause: unknown): TidemarkError {
  return new JournalFailure('full', `The disk of the journal ${path} is full: make room.`, {
    fields: { path },
    cause,
  });
}

function unavailable(path: string, what: string, cause: unknown): TidemarkError {
  return new JournalFailure('unavailable', `The journal ${path} ${what}.`, {
    fields: { path },
    cause,
  });
}

/** The error of a failed read or open. */
export function failedRead(cause: unknown, path: string): TidemarkError {
  if (cause instanceof TidemarkError) return cause;
  switch (meaningOf(cause)) {
    case 'full':
      return noRoom(path, cause);
    case 'busy':
      return unavailable(path, BUSY, cause);
    case 'damaged':
      return damaged(path, cause);
    case 'bug':
      return asTidemarkError(cause, `Reading the journal ${path}`);
    case 'forbidden':
    case 'other':
      return unavailable(
        path,
        `cannot be opened or read (${reasonOf(cause)}): check its folder and its permissions`,
        cause,
      );
  }
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

export function damaged(path: string, cause?: unknown): TidemarkError {
  const reason = cause === undefined ? '' : ` (${reasonOf(cause)})`;
  return new JournalFailure(
    'corrupt',
    `${path} is no Tidemark journal, or a damaged one${reason}: restore it from a copy, or correct its path.`,
    { fields: { path }, cause },
  );
}
