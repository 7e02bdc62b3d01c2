/** An export that is killed in the middle: a real process, a journal whose reads never end. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

const CHECKOUT = path.resolve(import.meta.dirname, '../../../..');

const SCRIPT = `
  const { backupPortable } = await import('${CHECKOUT}/journal/backup/portable.ts');
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
  await backupPortable({ journal, job: JOB, file: process.argv[1], force: false, onProgress: () => {} });
`;

test('leaves a file under another name only', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'tidemark-killed-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const args = ['--input-type=module', '-e', SCRIPT, path.join(folder, 'journal.export')];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(readdirSync(folder)).toEqual([`journal.export.${String(child.pid)}.draft`]);
});
