/** What `tidemark doctor` checks of files as a source. */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { check, fail, pass, someOf, warn, type Check, type Finding } from '../../../kernels/checks/check.ts';
import { counted } from '../../../kernels/checks/sizes.ts';
import type { SourceProbe } from '../kind.ts';
import type { NamedFile } from './errors.ts';
import { matchingFiles } from './matching.ts';

export interface FilesProbing {
  readonly baseDir: string;
  readonly pattern: string;
  /** Part of what the system lets the process hold open. */
  readonly filesMax: number;
  /** Rejects if the file may not be read. */
  readonly mayRead?: (path: string) => Promise<void>;
}

export function filesProbe(probing: FilesProbing): SourceProbe {
  const { mayRead = (path: string) => access(path, constants.R_OK) } = probing;
  let files: readonly NamedFile[] | null = null;
  const checks: readonly Check[] = [
    check('files-match', [], async () => {
      files = await matchingFiles(probing.baseDir, probing.pattern);
      return matchFinding(files, probing);
    }),
    check('files-read', ['files-match'], () => readFinding(files ?? [], mayRead)),
  ];
  return {
    checks,
    partitions: () => files?.length ?? null,
    isAway: () => false,
    close: async () => Promise.resolve(),
  };
}

function matchFinding(files: readonly NamedFile[], { pattern, filesMax }: FilesProbing): Finding {
  const found = `${counted(files.length, 'file')} of ${pattern}`;
  if (files.length === 0)
    return fail(
      found,
      'Correct source.file.path, which begins at the folder of the job file, or put files there.',
    );
  return files.length <= filesMax
    ? pass(found)
    : warn(
        `${found}, and ${filesMax} may be open at once`,
        'Raise the limit of open files: more of them are read by turns.',
      );
}

async function readFinding(
  files: readonly NamedFile[],
  mayRead: (path: string) => Promise<void>,
): Promise<Finding> {
  const refused: string[] = [];
  for (const { topic, path } of files) {
    try {
      await mayRead(path);
    } catch (error) {
      refused.push(`${topic} (${error instanceof Error ? error.message : String(error)})`);
    }
  }
  return refused.length === 0
    ? pass('all of them may be read')
    : fail(
        `files that may not be read: ${someOf(refused)}`,
        'Give the user that runs Tidemark the right to read them.',
      );
}
