/** A store that takes little more of a file: the limit of 10,000 upload parts. */
import { expect, test } from 'vitest';
import { createMemoryJournal } from '../../journal/memory/journal.ts';
import { jobName } from '../../journal/ids.ts';
import { replay } from '../../journal/replay.ts';
import { partitionSubject } from '../../journal/subjects.ts';
import { createFileStore } from '../../src/stores/local/store.ts';
import type { OpenFile, Store } from '../../src/stores/port.ts';
import { expectEachRecordOnce, JobFixture, numbered, storeWith } from './jobFixture.ts';
import { MemorySource } from './memorySource.ts';
import { serve, until } from './service.ts';

const RECORDS = 40;

/** Each file is full as soon as it holds something. */
function soonFull(store: Store): Store {
  const full = (file: OpenFile): OpenFile => {
    let isFull = false;
    return {
      get isFull() {
        return isFull;
      },
      write: async (bytes) => {
        await file.write(bytes);
        isFull = true;
      },
      persist: () => file.persist(),
      closeForCommit: () => file.closeForCommit(),
      abandon: () => file.abandon(),
    };
  };
  return storeWith({ create: async (target) => full(await store.create(target)) }, store);
}

test('the next checkpoint rolls it, as one that has its size, and its records go on in another', async () => {
  const job = new JobFixture();
  const source = new MemorySource(1);
  source.append(0, ...numbered(0, RECORDS / 2));
  const service = serve(job, { source, store: soonFull(createFileStore()) });
  await until(() => job.committed().size === 1);
  source.append(0, ...numbered(0, RECORDS / 2, RECORDS / 2));
  await until(() => job.committed().size === 2);
  await service.stop();
  expectEachRecordOnce(job, 1, RECORDS);
  const journal = createMemoryJournal({ backing: job.backing });
  const reasons: unknown[] = [];
  const subject = partitionSubject(jobName('numbers'), { topic: 'numbers', partition: 0 });
  for await (const { entry } of replay(journal, subject)) {
    for (const event of entry.events)
      if (event.type === 'checkpointCompleted') reasons.push(...event.parts.map(({ roll }) => roll?.reason));
  }
  expect(reasons.filter((reason) => reason !== undefined)).toEqual(['size', 'size']);
});
