/** One source file that cannot be read holds up its own partition, and no other. */
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { expectCode, TestJob, uniqueName } from './testJob.ts';

/** `circle.txt` leads to itself: not even root can read it. */
function jobWithCircle(): TestJob {
  const job = new TestJob({
    brokers: [],
    topic: uniqueName('unreadable'),
    sections: {
      source: { file: { path: 'data/*.txt' } },
      roll: { maxBytes: '64MiB', maxAge: '1h', maxIdle: '500ms' },
    },
  });
  mkdirSync(path.join(job.folder, 'data'));
  writeFileSync(path.join(job.folder, 'data', 'good.txt'), 'one\ntwo\n');
  symlinkSync('circle.txt', path.join(job.folder, 'data', 'circle.txt'));
  return job;
}

test('a bounded run reads the others, names it, ends with 1, and reads it the next time', async () => {
  const job = jobWithCircle();
  const end = await job.untilEnd();
  expectCode(end, 1);
  expect(end.stdout + end.stderr).toContain('circle.txt cannot be read: ELOOP');
  expect([...job.committed().values()]).toEqual([['one', 'two']]);

  const circle = path.join(job.folder, 'data', 'circle.txt');
  rmSync(circle);
  writeFileSync(circle, 'three\n');
  await job.finish();
  expect([...job.committed().values()].toSorted()).toEqual([['one', 'two'], ['three']].toSorted());
});

test('a service reads the others, and reads it once it can', async () => {
  const job = jobWithCircle();
  const service = job.start();
  await service.said('file committed');
  expect([...job.committed().values()]).toEqual([['one', 'two']]);
  expect(service.has('circle.txt cannot be read: ELOOP')).toBe(true);
  // Before its partition stops, which takes half a minute.
  const told = async (): Promise<unknown> => (await job.status()).coordinators[0]?.conditions[0];
  while ((await told()) === undefined);
  expect(await told()).toMatchObject({
    ...{ kind: 'retried', about: 'data/circle.txt/0', code: 'SOURCE_UNREADABLE' },
  });

  const circle = path.join(job.folder, 'data', 'circle.txt');
  rmSync(circle);
  writeFileSync(circle, 'three\n');
  await service.said('file committed', 2);
  expect([...job.committed().values()].flat().toSorted()).toEqual(['one', 'three', 'two']);
}, 60_000);
