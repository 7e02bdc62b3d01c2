/** More source files than the system lets the process hold open. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { expectCode, TestJob, uniqueName } from './testJob.ts';

const FILES = 150;
const LINES = 20;
/** What the program needs besides, and room for some files. */
const HANDLES_MAX = 160;

test(`${FILES} files are read by a process that may hold ${HANDLES_MAX} open`, async () => {
  const job = new TestJob({
    brokers: [],
    topic: uniqueName('many-files'),
    sections: { source: { file: { path: 'data/*.txt' } }, checkpoint: { interval: '1s' } },
  });
  mkdirSync(path.join(job.folder, 'data'));
  const lines = new Set<string>();
  for (let file = 0; file < FILES; file += 1) {
    const own = Array.from({ length: LINES }, (_, line) => `${file}:${line}`);
    for (const line of own) lines.add(line);
    writeFileSync(path.join(job.folder, 'data', `${file}.txt`), `${own.join('\n')}\n`);
  }

  const end = await job.startLimited(HANDLES_MAX, '--until-end').ended;

  expectCode(end, 0);
  expect(end.stderr).not.toContain('EMFILE');
  const committed = [...job.committed().values()].flat();
  expect(committed.length).toBe(lines.size);
  expect(new Set(committed)).toEqual(lines);
});
