/** What an import puts into a journal's place, and how it ends. */
import type { CheckedCopy } from './backup/checkedCopy.ts';
import type { BackupFound, OnBackupProgress } from './backup/check.ts';
import { JournalFailure } from './failure.ts';

export interface JournalImporting {
  readonly copy: CheckedCopy;
  /** Called with what is in the new journal so far. */
  readonly onProgress: OnBackupProgress;
  readonly onWarning: (message: string) => void;
  /** Ends the import early: it rejects with JOURNAL_IMPORT_UNFINISHED, which says what is left. */
  readonly signal: AbortSignal;
}

/** What the file holds, and what became of it. */
export interface ImportFound extends BackupFound {
  /** Entries that an earlier import of the same file had left in the journal's place. */
  readonly entriesThere: number;
  /** Requests that were taken up long ago, and are not in the new journal. */
  readonly requestsLeftOut: number;
}

export function interrupted(left: string, cause: unknown): JournalFailure {
  return new JournalFailure('importUnfinished', `The import was interrupted. ${left}`, { cause });
}

export const NOTHING_WRITTEN = 'Nothing was written.';
