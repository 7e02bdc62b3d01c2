/** The command that is measured: the package as `npm pack` makes it, unpacked in `.cache`. */
import { globSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { checkoutDir } from '../../scripts/services/common.ts';
import { runCommand } from '../../scripts/services/processes.ts';
import { benchCacheDir } from '../harness/java.ts';

/** Runs the sources: what Node compiles at each start is part of the time, so this is for smoke runs. */
export function sourcesBin(checkout = checkoutDir): string {
  return path.join(checkout, 'bin/tidemark.js');
}

/**
 * Packs a checkout anew, since nothing tells whether an older build is of these sources; resolves with the command's file. What the
 * package depends on is found in that checkout's node_modules, above it.
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
