/** Two jobs with one sink: told by name, and not refused. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { scratchFolder, TestJob, uniqueName } from './testJob.ts';

test('another job in the sink is named once, in the log and in status', async () => {
  const folder = scratchFolder();
  writeFileSync(path.join(folder, 'a.txt'), 'one\n');
  const source = { file: { path: 'a.txt' } };
  const journal = (name: string) => ({ sqlite: { path: `${name}.db` } });
  const [before, after] = [uniqueName('before'), uniqueName('after')];
  const first = new TestJob({
    brokers: [],
    topic: before,
    folder,
    sections: { source, journal: journal(before) },
  });
  expect((await first.finish()).stderr).not.toContain('also has files of');

  const second = new TestJob({
    brokers: [],
    topic: after,
    folder,
    sections: { source, journal: journal(after), sink: { path: 'lake', prefix: 'other' } },
  });
  const service = second.start();
  await service.said('partition claimed');
  expect(service.lines(`also has files of job "${before}"`)).toHaveLength(1);
  await service.said('checkpoint completed');
  await expect
    .poll(async () => (await second.status()).coordinators.flatMap(({ conditions }) => conditions), {
      timeout: 15_000,
    })
    .toContainEqual(expect.objectContaining({ kind: 'noticed', about: 'the sink' }));
});
