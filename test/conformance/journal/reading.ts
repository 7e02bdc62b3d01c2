import { describe, expect, test } from 'vitest';
import { jobName } from '../../../journal/ids.ts';
import { replay } from '../../../journal/replay.ts';
import { jobPrefix, jobSubject, partitionSubject, requestSubject } from '../../../journal/subjects.ts';
import {
  chain,
  claimed,
  committed,
  identity,
  JOB,
  readAll,
  replayAll,
  subjectOf,
  writerOn,
} from '../../unit/journal/fixtures.ts';
import { append, text, type MakeWorld } from './world.ts';

const subject = subjectOf();

export function reading(makeWorld: MakeWorld): void {
  describe('reading', () => {
    test('begins behind a revision, also one that belongs to another subject', async () => {
      await using world = await makeWorld();
      const journal = await world.open();
      const first = await append(journal, subject, 0, text('one'));
      const between = await append(journal, subjectOf('other'), 0, text('other'));
      const second = await append(journal, subject, first, text('two'));
      const third = await append(journal, subject, second, text('three'));
      expect(await readAll(journal, subject, 0)).toHaveLength(3);
      expect(await readAll(journal, subject, first)).toEqual([text('two'), text('three')]);
      expect(await readAll(journal, subject, between)).toEqual([text('two'), text('three')]);
      expect(await readAll(journal, subject, second)).toEqual([text('three')]);
      expect(await readAll(journal, subject, third)).toEqual([]);
      expect(await readAll(journal, subject, third + 1_000)).toEqual([]);
      expect(await readAll(journal, subjectOf('nobody'))).toEqual([]);
    });

    test('tells each revision as the append did', async () => {
      await using world = await makeWorld();
      const journal = await world.open();
      const writer = writerOn(journal, subject);
      const tails = [await writer.append(identity(), [claimed()])];
      for (let number = 1; number < 5; number += 1)
        tails.push(await writer.append(identity(), [committed(number)]));
      expect((await replayAll(journal, subject)).map(({ tail }) => tail)).toEqual(tails);
    });

    test('ends at what was there when it began, although appends continue', async () => {
      await using world = await makeWorld();
      const journal = await world.open();
      await world.store(subject, chain(1_500));
      const reader = journal.read(subject, 0)[Symbol.asyncIterator]();
      let seen = 0;
      for (let step = await reader.next(); step.done !== true; step = await reader.next()) {
        if (seen === 0) await journal.fileRequest(subject, text('late'));
        seen += step.value.length;
      }
      expect(seen).toBe(1_500);
    });

    test('a replay of 100,000 entries is complete and in order', { timeout: 60_000 }, async () => {
      await using world = await makeWorld();
      const journal = await world.open();
      await world.store(subject, chain(100_000));
      let seen = 0;
      for await (const { entry } of replay(journal, subject)) {
        seen += 1;
        if (entry.seq !== seen) throw new Error(`entry ${entry.seq} where ${seen} was due`);
      }
      expect(seen).toBe(100_000);
    });

    test('large entries are read in batches that stay small', async () => {
      await using world = await makeWorld();
      const journal = await world.open();
      const sizeBytes = Math.min(journal.entryBytesMax, 500_000);
      const entries = Array.from({ length: 30 }, (_, index) => new Uint8Array(sizeBytes).fill(index));
      await world.store(subject, entries);
      let at = 0;
      for await (const batch of journal.read(subject, 0)) {
        for (const { bytes } of batch) {
          expect(Buffer.compare(bytes, entries[at] ?? new Uint8Array())).toBe(0);
          at += 1;
        }
      }
      expect(at).toBe(30);
    });

    test("lists a job's subjects and no other's", async () => {
      await using world = await makeWorld();
      const journal = await world.open();
      const other = jobName('clicks-2');
      const partitions = ['a', 'a.b', '*'].flatMap((topic) =>
        [0, 1, 10].map((partition) => partitionSubject(JOB, { topic, partition })),
      );
      const mine = [jobSubject(JOB), requestSubject(JOB, { topic: 'a', partition: 0 }), ...partitions];
      for (const name of [...mine, jobSubject(other)]) await append(journal, name, 0, text('x'));
      expect([...(await journal.subjects(jobPrefix(JOB)))].sort()).toEqual([...mine].sort());
      expect(await journal.subjects(jobPrefix(other))).toEqual([jobSubject(other)]);
      expect(await journal.subjects(jobPrefix(jobName('nobody')))).toEqual([]);
      expect([...(await journal.subjects(`${JOB}.partition.a.`))].sort()).toEqual(
        [0, 1, 10].map((partition) => partitionSubject(JOB, { topic: 'a', partition })).sort(),
      );
    });
  });
}
