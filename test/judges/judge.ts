import path from 'node:path';
import { describe, test } from 'vitest';
import { messageOf, ServiceUnavailableError } from '../../scripts/services/common.ts';
import { runCommand, succeeds } from '../../scripts/services/processes.ts';

/** What a judge takes, or why this machine cannot have it. */
export type Found<Judge> =
  { readonly type: 'found'; readonly judge: Judge } | { readonly type: 'missing'; readonly reason: string };

export async function find<Judge>(fetch: () => Promise<Judge>): Promise<Found<Judge>> {
  try {
    return { type: 'found', judge: await fetch() };
  } catch (error) {
    if (!(error instanceof ServiceUnavailableError)) throw error;
    return { type: 'missing', reason: messageOf(error).split('\n')[0] ?? '' };
  }
}

/**
 * A `describe` for tests that need a judge. Where it cannot be had they are skipped and say why; with CI=true
 * that is a failure.
 */
export function describeJudge<Judge>(name: string, found: Found<Judge>, body: (judge: Judge) => void): void {
  if (found.type === 'found') {
    describe(name, { timeout: 120_000 }, () => body(found.judge));
    return;
  }
  const { reason } = found;
  describe.skip(`${name} (skipped: ${reason})`, () => test('needs the judge', () => undefined));
  if (process.env['CI'] === 'true') {
    test(`${name}: the judge is there`, () => {
      throw new Error(`with CI=true the judges must run, but: ${reason}`);
    });
  }
}

/** A script of this folder, and what it prints: one document of JSON. */
export async function runPython(
  python: string,
  pythonPath: string,
  script: string,
  ...args: readonly string[]
): Promise<unknown> {
  const file = path.join(import.meta.dirname, script);
  const env = { PYTHONPATH: pythonPath, PYTHONDONTWRITEBYTECODE: '1' };
  const { stdout } = await runCommand(python, [file, ...args], { env });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}

/** A command that runs this version of Python: native modules are built for just one. */
export async function pythonOfVersion(version: string): Promise<string> {
  const check = `import sys; sys.exit('%d.%d' % sys.version_info[:2] != '${version}')`;
  for (const command of [`python${version}`, 'python3']) {
    if (await succeeds(command, ['-c', check])) return command;
  }
  throw new ServiceUnavailableError(`not on the PATH: python${version}`);
}
