/** Drafts of backups and exports: FILE.MARK.draft, where the mark names the process that writes it. */
import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { removeDraft } from './newFile.ts';

/** Tells the processes apart that may write to one folder. */
export interface DraftMarks {
  /** Of this process. Letters, digits and `-`. */
  readonly own: string;
  /** Whether the process with this mark is certainly gone. False if it may run elsewhere. */
  isGone(mark: string): boolean;
}

/** Of whoever cannot tell whether another process lives. */
export const BY_PID: DraftMarks = { own: String(process.pid), isGone: () => false };

const MARK = /^[\w-]+$/;
const SUFFIX = '.draft';

/** @param path absolute path of the file that the draft is to become. */
export function draftOf(path: string, { own }: DraftMarks): string {
  return `${path}.${own}${SUFFIX}`;
}

/** Removes what killed processes have left of the same file. Throws an error of the file system. */
export function removeDeadDrafts(path: string, marks: DraftMarks): void {
  const prefix = `${basename(path)}.`;
  for (const name of readdirSync(dirname(path))) {
    if (!name.startsWith(prefix) || !name.endsWith(SUFFIX)) continue;
    const mark = name.slice(prefix.length, -SUFFIX.length);
    if (MARK.test(mark) && mark !== marks.own && marks.isGone(mark)) removeDraft(join(dirname(path), name));
  }
}
