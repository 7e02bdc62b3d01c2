/**
 * Runs every check in turn, all of them even if one fails: types, lint, format, then the tests (which check
 * the import directions). Ends with the slowest tests and `N passed, N failed`. `--full` runs the tests of
 * every tier (scripts/testTiers.ts).
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { addCounts, closingLine, type Counts, countTests, slowestTests } from './checkSummary.ts';
import { checkoutDir } from './services/common.ts';
import { TIER_VARIABLE, type Tier } from './testTiers.ts';

const reportFile = path.join(checkoutDir, '.cache', 'check', 'vitest.json');
const binDir = path.join(checkoutDir, 'node_modules', '.bin');

const tier: Tier = process.argv.includes('--full') ? 'full' : 'check';

const staticSteps = [
  { name: 'types', command: ['tsc', '-p', '.', '--noEmit'] },
  { name: 'lint', command: ['eslint', '.', '--max-warnings', '0'] },
  { name: 'format', command: ['prettier', '--check', '.'] },
] as const;

const testCommand = [
  ...['vitest', 'run', '--reporter=default', '--reporter=json'],
  `--outputFile.json=${reportFile}`,
] as const;

/** Runs one step and passes its output through; resolves with its exit code. */
function runStep(name: string, [command, ...args]: readonly [string, ...string[]]): Promise<number> {
  process.stdout.write(`\n=== ${name}: ${command} ${args.slice(0, 4).join(' ')}\n`);
  const startedAt = Date.now();
  const child = spawn(path.join(binDir, command), args, {
    cwd: checkoutDir,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      ...process.env,
      [TIER_VARIABLE]: tier,
      PATH: `${binDir}${path.delimiter}${process.env['PATH'] ?? ''}`,
    },
  });
  return new Promise((resolve) => {
    const end = (code: number, why: string): void => {
      const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
      process.stdout.write(`=== ${name}: ${code === 0 ? 'passed' : `FAILED (${why})`} in ${seconds} s\n`);
      resolve(code);
    };
    child.once('error', (error) => end(1, error.message));
    child.once('close', (code, signal) => end(code ?? 1, signal ?? `exit ${String(code)}`));
  });
}

const SLOWEST = 20;
const counts: Counts[] = [];
for (const { name, command } of staticSteps) {
  const code = await runStep(name, command);
  counts.push({ passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 });
}

mkdirSync(path.dirname(reportFile), { recursive: true });
rmSync(reportFile, { force: true });
const testsCode = await runStep('tests', testCommand);
const report = existsSync(reportFile) ? readFileSync(reportFile, 'utf8') : undefined;
counts.push(countTests(report, testsCode));

const total = addCounts(counts);
process.exitCode = total.failed === 0 ? 0 : 1;
const slowest = slowestTests(report, SLOWEST);
if (slowest.length > 0) process.stdout.write(`\nthe slowest tests:\n${slowest.join('\n')}\n`);
process.stdout.write(`\n${closingLine(total)}\n`);
