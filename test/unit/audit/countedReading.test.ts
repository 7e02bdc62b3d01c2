import { expect, test } from 'vitest';
import { jobName } from '../../../journal/ids.ts';
import type { EntryCounts, Journal, StoredEntry } from '../../../journal/port.ts';
import { partitionSubject } from '../../../journal/subjects.ts';
import { countedReading } from '../../../src/audit/countedReading.ts';
import { Findings } from '../../../src/audit/findings.ts';

const JOB = jobName('clicks');
const AT = { topic: 'clicks', partition: 0 };
const SUBJECT = partitionSubject(JOB, AT);
const ENTRIES: readonly StoredEntry[] = [1, 2].map((revision) => ({ revision, bytes: Buffer.alloc(1) }));

/** What is found by reading all, or what comes after the first entry, of a journal that counts so. */
async function foundBy(counts: EntryCounts | null, after = 0): Promise<readonly unknown[]> {
  const journal = {
    read: async function* () {
      yield ENTRIES.filter(({ revision }) => revision > after);
    },
    ...(counts === null ? {} : { countEntries: () => Promise.resolve(counts) }),
  } as unknown as Journal;
  const findings = new Findings();
  const reading = await countedReading(journal, JOB, findings);
  let given = 0;
  for await (const batch of reading.read(SUBJECT, after)) given += batch.length;
  expect(given).toBe(2 - after);
  return findings.listed.map(({ code, partition }) => [code, partition]);
}

const counting = (entries: number, lost = 0): EntryCounts => ({
  bySubject: new Map([[SUBJECT, entries]]),
  lost,
});

test('a journal that gives fewer entries than it counts has lost some', async () => {
  expect(await foundBy(counting(3))).toEqual([['ENTRIES_LOST', AT]]);
});

test('so has one that has dropped entries', async () => {
  expect(await foundBy(counting(2, 1))).toEqual([['ENTRIES_LOST', null]]);
});

test.each([
  ['gives all that it counts', counting(2)],
  ['gives more, because it grew meanwhile', counting(1)],
  ['does not count', null],
])('nothing is found where it %s', async (_, counts) => {
  expect(await foundBy(counts)).toEqual([]);
});

test('a part of a subject is compared with no count', async () => {
  expect(await foundBy(counting(3), 1)).toEqual([]);
});
