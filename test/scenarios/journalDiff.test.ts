/**
 * `journal diff` with real packages: this checkout, a copy of it with one changed line, and folders that are
 * none.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { earthquakeLines } from '../../examples/earthquakes.ts';

const CHECKOUT = path.resolve(import.meta.dirname, '../..');
const JOB = 'examples/earthquakes.yaml';
/** A state machine that forgets one offset of each checkpoint. */
/** Of the checkpoint: the line begins with it. */
const CHANGED = ['  nextOffset: event.nextOffset,', '  nextOffset: event.nextOffset - 1n,'] as const;

let folder = '';

function tidemark(...args: string[]): { code: number | null; stdout: string; stderr: string } {
  const bin = path.join(CHECKOUT, 'bin/tidemark.js');
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args], {
    cwd: folder,
    encoding: 'utf8',
  });
  return { code: status, stdout, stderr };
}

/** The other version's package, where its `bin/tidemark.js` is this script. */
function packageOf(script: string): string {
  const made = mkdtempSync(path.join(folder, 'package-'));
  mkdirSync(path.join(made, 'bin'));
  writeFileSync(path.join(made, 'bin/tidemark.js'), script);
  return made;
}

function changedCopy(): string {
  const made = mkdtempSync(path.join(folder, 'changed-'));
  for (const part of ['actors', 'bin', 'journal', 'kernels', 'sim', 'src', 'package.json'])
    cpSync(path.join(CHECKOUT, part), path.join(made, part), { recursive: true });
  symlinkSync(path.join(CHECKOUT, 'node_modules'), path.join(made, 'node_modules'));
  const machine = path.join(made, 'actors/partition.ts');
  const text = readFileSync(machine, 'utf8');
  expect(text.split(CHANGED[0])).toHaveLength(2);
  writeFileSync(machine, text.replace(...CHANGED));
  return made;
}

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tidemark-versions-'));
  mkdirSync(path.join(folder, 'examples'));
  cpSync(path.join(CHECKOUT, JOB), path.join(folder, JOB));
  writeFileSync(path.join(folder, 'examples/earthquakes.ndjson'), earthquakeLines().text);
  expect(tidemark('run', JOB, '--until-end').code).toBe(0);
  expect(tidemark('journal', 'export', JOB, 'quakes.journal').code).toBe(0);
  return () => rmSync(folder, { recursive: true });
}, 60_000);

describe('journal diff', () => {
  it('with the same version: same, of the journal and of its copy', () => {
    for (const args of [[], ['--journal', 'quakes.journal']]) {
      const { code, stdout } = tidemark('journal', 'diff', JOB, '--with', CHECKOUT, ...args);
      expect(stdout).toMatch(/\nsame: \d+ entries, and the same state after each\n$/);
      expect(code).toBe(0);
    }
  });

  it('with a version that counts offsets otherwise: the first checkpoint, and what differs', () => {
    const other = changedCopy();
    const { code, stdout } = tidemark('journal', 'diff', JOB, '--with', other, '--json');
    expect(code).toBe(1);
    const report = JSON.parse(stdout) as { entries: number; difference: { seq: number } };
    expect(report).toMatchObject({
      ...{ verdict: 'differs', otherPackage: other, problem: null },
      difference: { events: ['checkpointCompleted'], sides: ['offsets'] },
    });
    expect(report.difference.seq).toBe(report.entries + 1);
    expect(tidemark('journal', 'diff', JOB, '--with', other).stdout).toContain('another state (offsets)');
  });

  it.each([
    ['no package', () => path.join(folder, 'none'), 'there is no'],
    [
      'one that knows no such command',
      () => packageOf('console.error("unknown"); process.exit(2)'),
      'exit code 2',
    ],
    ['one that prints something else', () => packageOf('console.log("hello")'), 'something else: hello'],
    ['one that prints less', () => packageOf(lesser()), 'ends before the journal does|exit code 0'],
    ['one that tells it in another format', () => packageOf(lesser('"format":1', '"format":2')), 'format 2'],
  ] as const)('with %s: cannot be compared', (_, made, problem) => {
    const { code, stdout } = tidemark('journal', 'diff', JOB, '--with', made());
    expect(stdout).toMatch(
      new RegExp(`\nincomplete: the other version cannot be compared with: .*(${problem})`),
    );
    expect(code).toBe(3);
  });
});

/** A version that loses its last two lines, and replaces a text. */
function lesser(from = '', to = ''): string {
  return `
    const { execFileSync } = require('node:child_process');
    const bin = ${JSON.stringify(path.join(CHECKOUT, 'bin/tidemark.js'))};
    const lines = execFileSync(process.execPath, [bin, ...process.argv.slice(2)], { encoding: 'utf8' }).trimEnd().split('\\n');
    console.log(lines.slice(0, -2).join('\\n').replace(${JSON.stringify(from)}, ${JSON.stringify(to)}));
  `;
}
