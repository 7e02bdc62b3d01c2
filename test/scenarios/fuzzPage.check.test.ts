/** docs/fuzzing.md: its example runs here, and prints what the page shows. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { earthquakeLines } from '../../examples/earthquakes.ts';

const CHECKOUT = path.resolve(import.meta.dirname, '../..');
const PAGE = readFileSync(path.join(CHECKOUT, 'docs/fuzzing.md'), 'utf8');
const EXAMPLE = /```console\n\$ npx tidemark (.*)\n([\s\S]*?)\n\.\.\.\n```/;

function tidemark(args: readonly string[], cwd: string): string {
  return execFileSync(process.execPath, [path.join(CHECKOUT, 'bin/tidemark.js'), ...args], {
    ...{ cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
  });
}

function finishedJob(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'tidemark-fuzz-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  mkdirSync(path.join(folder, 'examples'));
  copyFileSync(
    path.join(CHECKOUT, 'examples/earthquakes.yaml'),
    path.join(folder, 'examples/earthquakes.yaml'),
  );
  writeFileSync(path.join(folder, 'examples/earthquakes.ndjson'), earthquakeLines().text);
  tidemark(['run', 'examples/earthquakes.yaml', '--until-end'], folder);
  return folder;
}

/** Without times, and what follows from how long the real run took. */
function plain(text: string): string {
  return (
    text
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
      .replaceAll(/at \d+ ms/g, 'at N ms')
      // A slower run leaves a longer stretch of time, in which more points are passed.
      .replaceAll(/\d+ (schedules|crash points)/g, 'N $1')
      .replaceAll(/(\w+ \d+) \/ \d+/g, '$1 / N')
  );
}

it('shows what its command prints of a journal', { timeout: 120_000 }, () => {
  const [, command = '', output = ''] = EXAMPLE.exec(PAGE) ?? [];
  expect(command).toMatch(/^fuzz --from-journal /);
  const shown = output.split('\n');
  const printed = tidemark(command.split(' '), finishedJob()).split('\n').slice(0, shown.length);
  expect(plain(printed.join('\n'))).toBe(plain(output));
});
