/** The command that is measured: the package as `npm pack` makes it, unpacked in `.cache`. */
import { globSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { checkoutDir } from '../../scripts/services/common.ts';
import { runCommand } from '../../scripts/services/processes.ts';
import { benchCacheDir } from '../harness/java.ts';

/** Runs the sources: what Node compiles at each start is part of the time, so this is for smoke runs. */
export const sourcesBin = path.join(checkoutDir, 'bin/tidemark.js');

/** Packs anew, since nothing tells whether an older build is of these sources; resolves with the command's file. */
export async function buildPackage(log: (line: string) => void, signal?: AbortSignal): Promise<string> {
  const folder = path.join(benchCacheDir, 'package');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  log('building the package ...');
  await runCommand('npm', ['pack', '--pack-destination', folder], { cwd: checkoutDir, signal });
  const [tarball = ''] = globSync('*.tgz', { cwd: folder });
  // What it depends on is found in the checkout's node_modules, above it.
  await runCommand('tar', ['-xzf', tarball, '--strip-components=1'], { cwd: folder, signal });
  return path.join(folder, 'bin/tidemark.js');
}
