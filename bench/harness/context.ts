/** What every row of the bench uses. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';

export interface BenchContext {
  readonly brokers: readonly string[];
  readonly natsUrl: string;
  readonly records: number;
  /** Null: each row's own default. */
  readonly rounds: number | null;
  /** Small and short: shows that the bench works, not how fast anything is. */
  readonly isQuick: boolean;
  /** Keeps the runs' output. */
  readonly isKept: boolean;
  /** Folder for the output of runs, on the same disk for both contestants. */
  readonly runsFolder: string;
  /** The command's file: of the build or of the sources. */
  readonly tidemarkBin: string;
  /** The same from another checkout, to compare with. Null if none is named. */
  readonly otherBin: string | null;
  readonly signal: AbortSignal;
  /** One line of progress. */
  readonly log: (line: string) => void;
}

/** A folder and a name for one run. The folder is removed when `work` has ended. */
export async function inRunFolder<T>(
  { runsFolder, isKept, log }: BenchContext,
  theme: string,
  work: (run: { readonly name: string; readonly folder: string }) => Promise<T>,
): Promise<T> {
  const name = `bench-${theme}-${randomBytes(4).toString('hex')}`;
  const folder = path.join(runsFolder, name);
  mkdirSync(folder, { recursive: true });
  try {
    return await work({ name, folder });
  } finally {
    if (isKept) log(`kept: ${folder}`);
    else rmSync(folder, { recursive: true, force: true });
  }
}
