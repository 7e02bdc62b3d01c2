/** Small Java sources of the bench, compiled once against the jars that they need. */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { checkoutDir } from '../../scripts/services/common.ts';
import { runCommand } from '../../scripts/services/processes.ts';

/** Everything that the bench keeps between runs. Git ignores it. */
export const benchCacheDir = path.join(checkoutDir, '.cache', 'bench');

/** Resolves with a class path of the compiled source and the jars. */
export async function compiled(source: string, jars: string, signal?: AbortSignal): Promise<string> {
  const key = createHash('sha256').update(readFileSync(source)).update(jars).digest('hex').slice(0, 16);
  const classes = path.join(benchCacheDir, 'classes', `${path.basename(source, '.java')}-${key}`);
  if (!existsSync(classes)) {
    mkdirSync(path.dirname(classes), { recursive: true });
    // Compiles into a separate folder, so that an interrupted compilation is never mistaken for a complete
    // one.
    const partial = mkdtempSync(`${classes}.partial-`);
    try {
      await runCommand('javac', ['-d', partial, '-cp', jars, source], { signal });
      if (!existsSync(classes)) renameSync(partial, classes);
    } finally {
      rmSync(partial, { recursive: true, force: true });
    }
  }
  return `${classes}${path.delimiter}${jars}`;
}
