/** A hidden file is removed while nothing runs: its partition stops, and a repair reads its records again. */
import { appendFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { TestJob, expectCode } from './testJob.ts';

vi.setConfig({ testTimeout: 120_000 });

const valueOf = (number: number): string => JSON.stringify({ n: number, b: number % 3 });
const linesOf = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, index) => `${valueOf(from + index)}\n`).join('');

/** Three folders, so that a range that is read again holds records of other files, too. */
function fieldJob(): TestJob {
  const job = new TestJob({
    brokers: [],
    topic: 'lines',
    sections: {
      source: { file: { path: 'lines.txt' } },
      sink: { path: 'lake', format: 'json' },
      value: { decode: 'json' },
      bucket: { by: 'record-time', pattern: "'b='{value.b}" },
    },
  });
  writeFileSync(path.join(job.folder, 'lines.txt'), linesOf(0, 90));
  return job;
}

const everyNumber = (job: TestJob): number[] =>
  [...job.committed().values()]
    .flat()
    .map((line) => (JSON.parse(line) as { n: number }).n)
    .sort((a, b) => a - b);

/** Hidden part files of a bucket. */
function hidden(job: TestJob, bucket: string): string[] {
  const folder = path.join(job.lake, bucket);
  return readdirSync(folder)
    .filter((name) => name.startsWith('.tidemark-'))
    .map((name) => path.join(folder, name));
}

test('each record is once in the files; the audit says what was held already', async () => {
  const job = fieldJob();
  const run = job.start();
  await run.said('checkpoint completed');
  run.kill('SIGKILL');
  await run.ended;
  const [lost] = hidden(job, 'b=1');
  if (lost === undefined) throw new Error('no hidden file');
  rmSync(lost);
  appendFileSync(path.join(job.folder, 'lines.txt'), linesOf(90, 120));

  const stopped = await job.untilEnd();
  expectCode(stopped, 1);
  expect(stopped.stderr).toContain('STORE_FILE_MISSING');
  const status = await job.command('status');
  expect(status.stdout).toMatch(
    /to have the records of damaged files read again: tidemark repair \S+ --partition lines.txt\/0\n/,
  );

  expectCode(await job.command('repair', '--partition', 'lines.txt/0', '--no-wait'), 0);
  await job.finish();
  expect(everyNumber(job)).toEqual(Array.from({ length: 120 }, (_, number) => number));
  const events = await job.events({ topic: 'lines.txt', partition: 0 });
  expect(events.filter(({ type }) => type === 'partitionRewound')).toHaveLength(1);

  const audit = await job.command('audit', '--deep', '--json');
  expectCode(audit, 0);
  const { verdict, partitions, deep } = JSON.parse(audit.stdout) as {
    readonly verdict: string;
    readonly partitions: readonly { readonly records: object; readonly offsets: object }[];
    readonly deep: readonly object[];
  };
  expect(verdict).toBe('clean');
  // 90 had been read; of those from the first of b=1 on, 60 were in other files, of which 59 come after it.
  expect(partitions[0]?.records).toMatchObject({ committed: 120, open: 0, lost: 30, alreadyHeld: 59 });
  expect(deep[0]).toMatchObject({ records: 120, files: { notCompared: 0 } });
});
