/** An export that is killed in the middle: a real process, a journal whose reads never end. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

const CHECKOUT = path.resolve(import.meta.dirname, '../../../..');

const SCRIPT = `
  const { backupPortable } = await import('${CHECKOUT}/journal/backup/portable.ts');
  const { processMarks } = await import('${CHECKOUT}/src/system/processMarks.ts');
  const { chain, JOB, subjectOf } = await import('${CHECKOUT}/test/unit/journal/fixtures.ts');
  const journal = {
    id: 'journal-1',
    subjects: async () => [subjectOf()],
    async *read() {
      yield chain(3_000).map((bytes, index) => ({ revision: index + 1, bytes }));
      console.log('half');
      await new Promise((resolve) => setInterval(resolve, 2 ** 30));
    },
  };
  const file = process.argv[1];
  await backupPortable({ journal, job: JOB, file, force: false, onProgress: () => {}, marks: processMarks() });
`;

const FILE = 'journal.export';
const drafts = (folder: string, of = FILE): string[] =>
  readdirSync(folder).filter((name) => name.startsWith(`${of}.`));

function newFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'tidemark-killed-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** An export that has written half of its file. */
async function halfExport(file: string): Promise<ChildProcess> {
  const args = ['--input-type=module', '-e', SCRIPT, file];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => kill(child));
  await once(child.stdout, 'data');
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

test('leaves a file under another name only, until the next export of that file', async () => {
  const folder = newFolder();
  const file = path.join(folder, FILE);
  const dead = await halfExport(file);
  await kill(dead);
  const [left = '', ...more] = readdirSync(folder);
  expect(left).toMatch(new RegExp(`^journal[.]export[.][0-9a-f]{8}-${String(dead.pid)}-[0-9]+[.]draft$`));
  expect(more).toEqual([]);

  const other = path.join(folder, 'other.export');
  await kill(await halfExport(other));
  const alive = await halfExport(file);
  expect(drafts(folder)).toEqual([expect.stringContaining(`-${String(alive.pid)}-`)]);
  expect(drafts(folder, 'other.export')).toHaveLength(1);

  const last = await halfExport(file);
  const pids = drafts(folder).map((name) => Number(name.split('-')[1]));
  expect(pids.sort((a, b) => a - b)).toEqual([alive.pid, last.pid].sort((a = 0, b = 0) => a - b));
});
