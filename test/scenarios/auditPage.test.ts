/** docs/audit.md: its incident happens here, and each command prints what the page shows. */
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { earthquakeLines } from '../../examples/earthquakes.ts';
import { FINDINGS } from '../../src/audit/findings.ts';

const CHECKOUT = path.resolve(import.meta.dirname, '../..');
const PAGE = readFileSync(path.join(CHECKOUT, 'docs/audit.md'), 'utf8');
const DAMAGED = 'out/2018-02-04/part-earthquakes.ndjson-0-00000000000000000476';
/** Length of the last line that the page's incident removes, in bytes. */
const LOST_BYTES = 694;

interface Example {
  readonly args: readonly string[];
  readonly output: string;
}

function examples(): Example[] {
  const blocks = [...PAGE.matchAll(/```console\n\$ npx tidemark (.*)\n([\s\S]*?)```/g)];
  return blocks.map(([, command = '', output = '']) => ({ args: command.split(' '), output }));
}

/** Without what differs from run to run: times, ids, processes, places, versions, the order of commits. */
function plain(text: string, folder: string): string {
  return text
    .replaceAll(path.join(path.dirname(folder), 'next'), 'NEXT')
    .replaceAll(folder, 'FOLDER')
    .replaceAll(/\(\d+\.\d+\.\d+\)/g, '(VERSION)')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}/g, 'JOURNAL')
    .replaceAll(/\b[0-9a-f]{32}\b/g, 'ID')
    .replaceAll(/ [\w.-]+:\d+(?=\)| {2})/g, ' OWNER')
    .replaceAll(/(entry |#)\d+/g, '$1N')
    .replaceAll(/[\d.]+ KiB, every hash/g, 'BYTES, every hash')
    .replaceAll(/(ENTRIES[^\n]*\n\S+ +\S+ +)\d+/g, '$1N');
}

function tidemark(args: readonly string[], cwd: string): string {
  try {
    return execFileSync(process.execPath, [path.join(CHECKOUT, 'bin/tidemark.js'), ...args], {
      ...{ cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
    });
  } catch (error) {
    // An audit that finds damage ends with 1.
    if (error instanceof Error && 'status' in error && error.status === 1 && 'stdout' in error)
      return String(error.stdout);
    throw error;
  }
}

function startedJob(): string {
  const root = mkdtempSync(path.join(tmpdir(), 'tidemark-audit-'));
  onTestFinished(() => {
    rmSync(root, { recursive: true });
  });
  const folder = path.join(root, 'data');
  mkdirSync(path.join(folder, 'examples'), { recursive: true });
  const next = path.join(root, 'next/node_modules');
  mkdirSync(next, { recursive: true });
  // The other version is this one, as a package elsewhere.
  symlinkSync(CHECKOUT, path.join(next, 'tidemark'));
  copyFileSync(
    path.join(CHECKOUT, 'examples/earthquakes.yaml'),
    path.join(folder, 'examples/earthquakes.yaml'),
  );
  writeFileSync(path.join(folder, 'examples/earthquakes.ndjson'), earthquakeLines().text);
  tidemark(['run', 'examples/earthquakes.yaml', '--until-end'], folder);
  return folder;
}

it('shows what its commands print', { timeout: 120_000 }, () => {
  const folder = startedJob();
  const file = path.join(folder, DAMAGED);
  const whole = readFileSync(file);
  const shown = examples();
  const names = shown.map(({ args: [command, of] }) =>
    command === 'journal' ? `journal ${of ?? ''}` : command,
  );
  expect(names).toEqual([
    'audit',
    'explain',
    'explain',
    'replay',
    'audit',
    'journal export',
    'replay',
    'journal verify',
    'journal diff',
  ]);
  truncateSync(file, whole.length - LOST_BYTES);
  for (const [index, { args, output }] of shown.entries()) {
    if (names.lastIndexOf('audit') === index) writeFileSync(file, whole);
    const printed = plain(tidemark(args, folder), folder);
    expect(printed, args.join(' ')).toBe(plain(output, '/data'));
  }
});

it('lists every finding, with its meaning and what to do', () => {
  const rows = [...PAGE.matchAll(/^\| `([A-Z_]+)` +\| (.*?) +\| (.*?) +\|$/gm)].map(
    ([, code, meaning, help]) => ({
      code,
      meaning,
      help,
    }),
  );
  expect(rows).toEqual(Object.entries(FINDINGS).map(([code, kind]) => ({ code, ...kind })));
});
