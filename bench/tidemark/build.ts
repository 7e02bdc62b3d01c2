/** The command that is measured: a build, laid out as the package is, in `.cache`. */
import { copyFileSync, cpSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { checkoutDir } from '../../scripts/services/common.ts';
import { runCommand } from '../../scripts/services/processes.ts';
import { benchCacheDir } from '../harness/java.ts';

/** Runs the sources: what Node compiles at each start is part of the time, so this is for smoke runs. */
export const sourcesBin = path.join(checkoutDir, 'bin/tidemark.js');

/** Builds anew, since nothing tells whether an older build is of these sources; resolves with the command's file. */
export async function buildPackage(log: (line: string) => void, signal?: AbortSignal): Promise<string> {
  const folder = path.join(benchCacheDir, 'package');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  log('building the package ...');
  const tsc = path.join(checkoutDir, 'node_modules/typescript/bin/tsc');
  const project = ['-p', path.join(checkoutDir, 'tsconfig.build.json')];
  await runCommand(process.execPath, [tsc, ...project, '--outDir', path.join(folder, 'dist')], { signal });
  copyFileSync(path.join(checkoutDir, 'package.json'), path.join(folder, 'package.json'));
  for (const name of ['bin', 'schema']) {
    cpSync(path.join(checkoutDir, name), path.join(folder, name), { recursive: true });
  }
  return path.join(folder, 'bin/tidemark.js');
}
