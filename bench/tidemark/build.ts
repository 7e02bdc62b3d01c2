/** The command that is measured: the package from `npm pack`, unpacked in `.cache`. */
import { globSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { checkoutDir } from '../../scripts/services/common.ts';
import { runCommand } from '../../scripts/services/processes.ts';
import { benchCacheDir } from '../harness/java.ts';

/** Runs the sources. Node compiles them at each start, which adds to the time, so this is for smoke runs. */
export function sourcesBin(checkout = checkoutDir): string {
  return path.join(checkout, 'bin/tidemark.js');
}

/**
 * Always packs a checkout again, since nothing shows whether an older build matches these sources. Resolves
 * with the command's file. The package's dependencies are found in that checkout's node_modules, above it.
 */
export async function buildPackage(
  log: (line: string) => void,
  signal?: AbortSignal,
  checkout = checkoutDir,
): Promise<string> {
  const folder = path.join(checkout, path.relative(checkoutDir, benchCacheDir), 'package');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  log(checkout === checkoutDir ? 'building the package ...' : `building the package of ${checkout} ...`);
  await runCommand('npm', ['pack', '--pack-destination', folder], { cwd: checkout, signal });
  const [tarball = ''] = globSync('*.tgz', { cwd: folder });
  await runCommand('tar', ['-xzf', tarball, '--strip-components=1'], { cwd: folder, signal });
  return path.join(folder, 'bin/tidemark.js');
}
