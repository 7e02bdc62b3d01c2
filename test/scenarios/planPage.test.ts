/** docs/plan.md: its command prints what the page shows. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { earthquakeLines } from '../../examples/earthquakes.ts';

const CHECKOUT = path.resolve(import.meta.dirname, '../..');
const PAGE = readFileSync(path.join(CHECKOUT, 'docs/plan.md'), 'utf8');

/** Without what differs from machine to machine, and from day to day. */
function plain(text: string, folder: string): string {
  return text
    .replaceAll(folder, 'FOLDER')
    .replaceAll(/about [\d.]+ MiB used/g, 'about MEMORY used')
    .replaceAll(/[\d.]+ MiB (?=program|fetches|write)/g, 'MEMORY ')
    .replaceAll(/[\d,]+ allowed/g, 'MANY allowed')
    .replaceAll(/\d+ d old/g, 'AGE old');
}

it('shows what its command prints', { timeout: 60_000 }, () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'tidemark-plan-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  mkdirSync(path.join(folder, 'examples'));
  const job = 'examples/earthquakes.yaml';
  copyFileSync(path.join(CHECKOUT, job), path.join(folder, job));
  writeFileSync(path.join(folder, 'examples/earthquakes.ndjson'), earthquakeLines().text);
  const [, command = '', shown = ''] = /```console\n\$ npx tidemark (.*)\n([\s\S]*?)```/.exec(PAGE) ?? [];
  const bin = path.join(CHECKOUT, 'bin/tidemark.js');
  const printed = execFileSync(process.execPath, [bin, ...command.split(' ')], {
    cwd: folder,
    encoding: 'utf8',
  });
  expect(plain(printed, folder)).toBe(plain(shown, '/data'));
});
