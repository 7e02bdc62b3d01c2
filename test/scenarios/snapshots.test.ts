import { describe, expect, test } from 'vitest';
import { defaultRollingPolicy } from '../../actors/rolling/policy.ts';
import { JournalFailure } from '../../journal/failure.ts';
import { jobName } from '../../journal/ids.ts';
import { createMemoryJournal } from '../../journal/memory/journal.ts';
import { decodeSnapshot } from '../../journal/snapshot.ts';
import { partitionSubject } from '../../journal/subjects.ts';
import { encodeWitness, parseWitness } from '../../journal/witness.ts';
import type { CoordinatorReport } from '../../src/run/coordinator.ts';
import { expectEachRecordOnce, hastyClock, JobFixture, NO_LIMITS, numbered } from './jobFixture.ts';
import { MemorySource } from './memorySource.ts';
import { Listening } from './service.ts';

const partition = { topic: 'numbers', partition: 0 };
const subject = partitionSubject(jobName('numbers'), partition);
const rolling = defaultRollingPolicy({ ...NO_LIMITS, maxBytes: 50 });

function run(job: JobFixture, source: MemorySource, more: object = {}): Promise<CoordinatorReport> {
  const options = { source, untilEnd: true, rolling, clock: hastyClock(200), ...more };
  return job.coordinator(options).run(new AbortController().signal);
}

const seqOf = (bytes: Uint8Array | undefined): number =>
  decodeSnapshot(bytes ?? new Uint8Array())?.tail.seq ?? 0;

/** Behind which revisions the partition's entries are read, in order. */
function countingReads(job: JobFixture) {
  const after: number[] = [];
  const journal = createMemoryJournal({
    backing: job.backing,
    onRead: (of, revision) => {
      if (of === subject) after.push(revision);
      return null;
    },
  });
  return { journal, after };
}

describe('snapshots of a coordinator', () => {
  test('are written after some entries; the next one begins there, and every record is committed once', async () => {
    const job = new JobFixture();
    const source = new MemorySource(1);
    source.append(0, ...numbered(0, 100));
    await run(job, source);
    const [newest, older] = job.backing.snapshots.get(subject) ?? [];
    expect(seqOf(newest)).toBeGreaterThan(seqOf(older));
    expect(seqOf(older)).toBeGreaterThan(0);
    source.append(0, ...numbered(0, 50, 100));
    const { journal, after } = countingReads(job);
    await run(job, source, { journal });
    // The snapshot's own entry, then what stands behind it; the witness may lead further back.
    const [proof = 0, rest = 0] = after;
    expect([proof > 0, rest]).toEqual([true, proof + 1]);
    expectEachRecordOnce(job, 1, 150);
  });

  test('that cannot be written are said and do no harm', async () => {
    const job = new JobFixture();
    const source = new MemorySource(1);
    source.append(0, ...numbered(0, 100));
    const journal = createMemoryJournal({ backing: job.backing });
    journal.writeSnapshot = () => Promise.reject(new JournalFailure('full', 'No room for snapshots.'));
    const { log, seen } = new Listening();
    expect((await run(job, source, { journal, log })).stopped).toEqual([]);
    expect(seen).toContain('a snapshot was not written');
    expectEachRecordOnce(job, 1, 100);
  });

  test('that never come to an end keep nothing waiting', async () => {
    const job = new JobFixture();
    const source = new MemorySource(1);
    source.append(0, ...numbered(0, 100));
    const journal = createMemoryJournal({ backing: job.backing });
    let asked = 0;
    journal.writeSnapshot = () => {
      asked += 1;
      return new Promise(() => undefined);
    };
    expect((await run(job, source, { journal })).stopped).toEqual([]);
    expect(asked).toBe(1);
    expectEachRecordOnce(job, 1, 100);
  });

  test('newer than the witness: the witness is judged all the same', async () => {
    const job = new JobFixture();
    const source = new MemorySource(1);
    source.append(0, ...numbered(0, 100));
    await run(job, source);
    const [newest] = job.backing.snapshots.get(subject) ?? [];
    const told = source.commits.find(({ witness }) => (parseWitness(witness)?.seq ?? 0) < seqOf(newest));
    const witness = parseWitness(told?.witness ?? null);
    expect(witness?.seq).toBeLessThan(seqOf(newest));
    if (witness === null) return;
    await source.commitOffset(partition, 1n, encodeWitness(witness));
    expect((await run(job, source)).stopped).toEqual([]);
    const hash = `${witness.hash.slice(1)}0` as typeof witness.hash;
    await source.commitOffset(partition, 1n, encodeWitness({ ...witness, hash }));
    expect((await run(job, source)).stopped.map(({ stop }) => stop.code)).toEqual(['JOURNAL_ROLLED_BACK']);
  });
});
