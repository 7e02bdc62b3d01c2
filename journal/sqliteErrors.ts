/** What the errors of node:sqlite mean for an append. */
import { TidemarkError } from './errors.ts';
import type { AppendOutcome } from './port.ts';

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
  NOTADB: 26,
} as const;

/** The primary result code, or null where the error is not SQLite's. */
function sqliteCode(error: unknown): number | null {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return null;
  return error.errcode & 0xff;
}

export function isSqliteError(error: unknown, ...codes: readonly number[]): boolean {
  const code = sqliteCode(error);
  return code !== null && codes.includes(code);
}

/**
 * The outcome of a failed append. Refused where the transaction is certain to have left nothing; an input-output error may
 * have hit before or after the commit reached the disk, so it is unknown, as is all that has no name here. Rejects with
 * JOURNAL_CORRUPT where the file is damaged: no later attempt can help.
 */
export function failedAppend(cause: unknown, path: string): AppendOutcome {
  switch (sqliteCode(cause)) {
    case SQLITE.FULL:
      return refused('JOURNAL_FULL', `The disk of the journal ${path} is full: make room.`, path, cause);
    case SQLITE.BUSY:
    case SQLITE.LOCKED:
      return refused(
        'JOURNAL_UNAVAILABLE',
        `The journal ${path} is being written by another process.`,
        path,
        cause,
      );
    case SQLITE.PERM:
    case SQLITE.READONLY:
    case SQLITE.CANTOPEN:
      return refused('JOURNAL_UNAVAILABLE', `The journal ${path} may not be written.`, path, cause);
    case SQLITE.CORRUPT:
    case SQLITE.NOTADB:
      throw damaged(path, cause);
    default:
      return { type: 'unknown', cause };
  }
}

function refused(
  code: 'JOURNAL_FULL' | 'JOURNAL_UNAVAILABLE',
  message: string,
  path: string,
  cause: unknown,
): AppendOutcome {
  return {
    type: 'refused',
    retryable: true,
    cause: new TidemarkError(code, message, { fields: { path }, cause }),
  };
}

/** What a failed read or open rejects with. */
export function failedRead(cause: unknown, path: string): TidemarkError {
  if (cause instanceof TidemarkError) return cause;
  if (isSqliteError(cause, SQLITE.CORRUPT, SQLITE.NOTADB)) return damaged(path, cause);
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new TidemarkError(
    'JOURNAL_UNAVAILABLE',
    `The journal ${path} cannot be opened or read (${reason}): check its folder and its permissions.`,
    { fields: { path }, cause },
  );
}

export function damaged(path: string, cause?: unknown): TidemarkError {
  return new TidemarkError(
    'JOURNAL_CORRUPT',
    `${path} is no Tidemark journal, or a damaged one: restore it from a copy, or correct its path.`,
    { fields: { path }, cause },
  );
}
