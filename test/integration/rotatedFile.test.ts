/** A log that is rotated between two runs and begins with the same header: the new one is another file. */
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { expectCode, TestJob, uniqueName } from './testJob.ts';

const HEADER = 'time,value\n';
const rows = (name: string, count: number): string =>
  Array.from({ length: count }, (_, row) => `${name}${row}\n`).join('');

test('a file that began with its header alone is not taken for the next one, with more lines', async () => {
  const job = new TestJob({
    brokers: [],
    topic: uniqueName('rotated'),
    sections: {
      source: { file: { path: 'data/*.csv' } },
      roll: { maxBytes: '64MiB', maxAge: '1h', maxIdle: '300ms' },
    },
  });
  mkdirSync(path.join(job.folder, 'data'));
  const file = path.join(job.folder, 'data', 'log.csv');
  writeFileSync(file, HEADER);
  const service = job.start();
  await service.said('file committed');
  appendFileSync(file, rows('old', 1_000));
  await service.said('file committed', 2);
  service.kill('SIGTERM');
  expectCode(await service.ended, 0);
  // It has read all of it, and a bounded run finds nothing to complain of.
  await job.finish();

  writeFileSync(file, HEADER + rows('new', 3_000));
  const end = await job.untilEnd();
  expectCode(end, 1);
  expect(end.stdout + end.stderr).toContain('SOURCE_REPLACED');
  expect([...job.committed().values()].flat()).toEqual(
    [HEADER, rows('old', 1_000)].join('').trim().split('\n'),
  );
});
