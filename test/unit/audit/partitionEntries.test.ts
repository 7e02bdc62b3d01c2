import { expect, it } from 'vitest';
import { createMemoryJournal } from '../../../journal/memory/journal.ts';
import { partitionEntries } from '../../../src/audit/partitionEntries.ts';
import { FinishedJob, JOB } from './finishedJob.ts';

async function collected<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function entriesOf(finished: FinishedJob, partition: number) {
  const journal = createMemoryJournal({ backing: finished.job.backing, readBatchEntries: 3 });
  return collected(partitionEntries(journal, JOB, { topic: 'numbers', partition }));
}

it('yields the entries of the job, then those of the one partition', async () => {
  const finished = await FinishedJob.made();
  const entries = await entriesOf(finished, 1);
  const job = entries.filter(({ partition }) => partition < 0);
  expect(entries.slice(0, job.length)).toEqual(job);
  expect(job.flatMap(({ events }) => events.map(({ type }) => type))).toContain('jobStopped');
  const own = entries.slice(job.length);
  expect(own.map(({ partition }) => partition)).toEqual(own.map(() => 1));
  expect(own).toHaveLength(finished.entries(1).length);
});

it('names the partitions that there are where the one is unknown', async () => {
  const finished = await FinishedJob.made();
  await expect(entriesOf(finished, 7)).rejects.toMatchObject({
    code: 'REQUEST_REFUSED',
    message: 'The journal of job "numbers" does not know partition numbers/7. It holds numbers/0, numbers/1.',
  });
});

it('says that a journal is empty', async () => {
  const empty = collected(partitionEntries(createMemoryJournal(), JOB, { topic: 'numbers', partition: 0 }));
  await expect(empty).rejects.toMatchObject({
    code: 'REQUEST_REFUSED',
    message: 'The journal of job "numbers" holds no partition yet: no coordinator has claimed one.',
  });
});

it('stops at an entry that was changed', async () => {
  const finished = await FinishedJob.made();
  const [first, second, ...rest] = finished.entries(0);
  const bytes = Uint8Array.from(second!.bytes);
  bytes[bytes.indexOf(0x22)] = 0x20;
  finished.replaceEntries(0, [first!, { ...second!, bytes }, ...rest]);
  await expect(entriesOf(finished, 0)).rejects.toMatchObject({ code: 'JOURNAL_CORRUPT' });
});
