/** The file that `--journal` names. */
import { resolve } from 'node:path';
import type { JournalChoice } from '../app/journalCopy.ts';
import type { CliIo } from './io.ts';

export function journalChoice(file: string | undefined, { cwd }: Pick<CliIo, 'cwd'>): JournalChoice {
  return { journalFile: file === undefined ? null : resolve(cwd, file) };
}

/** What a reader has to keep in mind of a copy; no lines for the job's own journal. */
export function copyLines({ journalFile }: JournalChoice): readonly string[] {
  if (journalFile === null) return [];
  return [
    `read from ${journalFile} in place of the job's journal. What was journaled after it was ` +
      'written is not in it: later files are unknown to it, and later witnesses and group offsets ahead ' +
      'of it',
  ];
}
