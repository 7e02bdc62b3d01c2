/** `journal fold`, and `journal diff`, which compares two of it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isPortable } from '../../journal/backup/blocks.ts';
import { headOf } from '../../journal/backup/existingFile.ts';
import { backupPortable } from '../../journal/backup/portable.ts';
import { openPortableJournal } from '../../journal/backup/portableJournal.ts';
import type { JobName } from '../../journal/ids.ts';
import { firstDifference, NotComparable, type FoldDifference } from '../audit/compareFolds.ts';
import { FOLD_FORMAT, foldLines } from '../audit/foldLines.ts';
import type { JobConfig } from '../config/jobConfig.ts';
import { VERSION } from '../system/version.ts';
import type { Log } from '../telemetry/log.ts';
import type { Composition } from './compose.ts';
import type { JournalChoice } from './journalCopy.ts';
import { foldedByOther } from './otherVersion.ts';

const HEAD_BYTES = 8;
const noProgress = (): void => undefined;

export interface DiffOptions extends JournalChoice {
  /** Folder of the other installed version. */
  readonly otherPackage: string;
  readonly log: Log;
  /** Called with the number of entries that were compared, at any rate. */
  readonly onProgress: (entries: number) => void;
}

/** How two versions read one journal. */
export interface DiffReport {
  readonly job: string;
  readonly journalId: string;
  readonly version: string;
  /** Null if it does not say. */
  readonly otherVersion: string | null;
  readonly otherPackage: string;
  /** Entries of partitions that both read alike. */
  readonly entries: number;
  readonly verdict: 'same' | 'differs' | 'incomplete';
  /** The first one. */
  readonly difference: FoldDifference | null;
  /** Why the two cannot be compared. */
  readonly problem: string | null;
}

/** The lines of `journal fold`, as `otherVersion.ts` of another version reads them. */
export async function* printedFold(job: JobName, file: string): AsyncGenerator<string> {
  const journal = await openPortableJournal({ file, job, onProgress: noProgress });
  try {
    yield JSON.stringify({ type: 'head', format: FOLD_FORMAT, version: VERSION });
    let lines = 0;
    for await (const line of foldLines(journal, job)) {
      lines += 1;
      yield JSON.stringify(line);
    }
    yield JSON.stringify({ type: 'end', lines });
  } finally {
    await journal.close();
  }
}

/** Both versions read the same file: a copy that is made for them, or the portable one that is named. */
export async function diffJournal(
  composition: Composition,
  config: JobConfig,
  options: DiffOptions,
): Promise<DiffReport> {
  const { journalFile, log } = options;
  if (journalFile !== null && isPortable(await headOf(journalFile, HEAD_BYTES)))
    return compare(config.job, journalFile, options);
  const folder = mkdtempSync(path.join(tmpdir(), 'tidemark-diff-'));
  try {
    const file = path.join(folder, 'journal.export');
    const journal = await composition.journalOrCopy(config, journalFile, log);
    try {
      await backupPortable({ journal, job: config.job, file, force: false, onProgress: noProgress });
    } finally {
      await journal.close();
    }
    return await compare(config.job, file, options);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function compare(job: JobName, file: string, options: DiffOptions): Promise<DiffReport> {
  const { otherPackage, onProgress } = options;
  const journal = await openPortableJournal({ file, job, onProgress: noProgress });
  const other = foldedByOther(otherPackage, job, file);
  let entries = 0;
  const about = () => ({
    ...{ job, journalId: journal.id, version: VERSION, otherVersion: other.version, otherPackage, entries },
  });
  try {
    const difference = await firstDifference(foldLines(journal, job), other.lines, () => {
      entries += 1;
      onProgress(entries);
    });
    return { ...about(), verdict: difference === null ? 'same' : 'differs', difference, problem: null };
  } catch (error) {
    if (!(error instanceof NotComparable)) throw error;
    return { ...about(), verdict: 'incomplete', difference: null, problem: error.message };
  } finally {
    other.stop();
    await journal.close();
  }
}
