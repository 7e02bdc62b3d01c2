/** The life of files and records, of a job that has run twice to its end. */
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createMemoryBacking, createMemoryJournal } from '../../../journal/memory/journal.ts';
import type { Journal } from '../../../journal/port.ts';
import { jobName, type PartId, type Subject, type TopicPartition } from '../../../journal/ids.ts';
import { decodeToken, partitionOf, partitionSubject } from '../../../journal/subjects.ts';
import { explainFile, livesOf } from '../../../src/audit/explainFile.ts';
import { explainRecord } from '../../../src/audit/explainRecord.ts';
import { EVERYTHING, replayJob, type TimelineFilter } from '../../../src/audit/replayJob.ts';
import { ledgerAt } from '../../../src/audit/stateAt.ts';
import type { TimelineStep } from '../../../src/audit/timeline.ts';
import { goldenJournals } from '../../golden/goldenFile.ts';
import { FinishedJob, JOB, RECORDS } from './finishedJob.ts';

const PARTITION = { topic: 'numbers', partition: 0 };

async function steps(journal: Journal, filter: Partial<TimelineFilter> = {}): Promise<TimelineStep[]> {
  const found: TimelineStep[] = [];
  for await (const step of replayJob(journal, { job: JOB, filter: { ...EVERYTHING, ...filter } }))
    found.push(step);
  return found;
}

describe('a job that has run twice', () => {
  let finished: FinishedJob;
  let journal: Journal;
  let files: string[];

  beforeAll(async () => {
    finished = await FinishedJob.made(false);
    journal = createMemoryJournal({ backing: finished.job.backing, readBatchEntries: 2 });
    files = finished.files(0);
    return () => finished.remove();
  });

  it('has a timeline of all subjects, by time, each in its order', async () => {
    const all = await steps(journal);
    expect(all.map(({ at }) => at)).toEqual(all.map(({ at }) => at).toSorted());
    const own = all.filter(({ partition }) => partition?.partition === 0).map(({ seq }) => seq);
    expect(own).toEqual(own.toSorted((a, b) => a - b));
    expect(new Set(all.map(({ actor }) => actor))).toEqual(new Set(['job', 'partition', 'part']));
  });

  it.each([
    [{ partition: PARTITION }, ({ partition }: TimelineStep) => partition?.partition === 0],
    [{ event: 'partCommitted' }, ({ event }: TimelineStep) => event === 'partCommitted'],
    [{ bucket: '' }, ({ part }: TimelineStep) => part?.bucket === ''],
    [
      { from: { type: 'entry', seq: 3 }, to: { type: 'entry', seq: 5 } },
      ({ seq }: TimelineStep) => seq >= 3 && seq <= 5,
    ],
  ] as const)('shows what is asked for: %j', async (filter, isWanted) => {
    const all = await steps(journal);
    const wanted = all.filter(isWanted);
    expect(await steps(journal, filter)).toEqual(wanted);
    expect(wanted.length).toBeGreaterThan(0);
    expect(wanted.length).toBeLessThan(all.length);
  });

  it('follows new entries until it is told to end', async () => {
    const ending = new AbortController();
    const seen: number[] = [];
    const follow = async (): Promise<void> => {
      if (seen.length > 0) ending.abort(new Error('enough'));
    };
    const following = async (): Promise<void> => {
      const options = { job: JOB, filter: EVERYTHING, follow, signal: ending.signal };
      for await (const { seq } of replayJob(journal, options)) seen.push(seq);
    };
    await expect(following()).rejects.toThrow('enough');
    expect(seen).toHaveLength((await steps(journal)).length);
  });

  it.each([
    ['URI', (name: string) => `file://${finished.job.folder}/${name}`],
    ['path below the sink', (name: string) => name],
  ])('tells the life of a file by its %s', async (_, nameOf) => {
    const [life, ...others] = await explainFile(journal, JOB, nameOf(files[1] ?? ''));
    expect(others).toEqual([]);
    expect(life).toMatchObject({ partition: PARTITION, state: 'committed', waitsFor: null });
    expect(life?.steps.map(({ from, to }) => [from, to])).toEqual([
      [null, 'open'],
      ['open', 'pending'],
      ['pending', 'committed'],
    ]);
    expect(life?.committedAt).toBe(life?.steps.at(-1)?.at);
  });

  it('tells it by the temporary name that the file once had', async () => {
    const [byFinal] = await explainFile(journal, JOB, files[0] ?? '');
    const temporary = byFinal?.part.temporaryUri ?? '';
    expect(await explainFile(journal, JOB, temporary)).toEqual([byFinal]);
  });

  it('reads the journal once for a file', async () => {
    const read = vi.spyOn(journal, 'read');
    onTestFinished(() => read.mockRestore());
    await explainFile(journal, JOB, files[1] ?? '');
    const subjects = read.mock.calls.map(([subject]) => subject);
    expect(subjects).toContain(partitionSubject(JOB, PARTITION));
    expect(new Set(subjects).size).toBe(subjects.length);
  });

  it('knows no file that the journal does not hold', async () => {
    await expect(explainFile(journal, JOB, 'part-numbers-0-1')).rejects.toMatchObject({
      code: 'REQUEST_REFUSED',
    });
  });

  it('finds the file of each record', async () => {
    for (const offset of [0n, 31n, 32n, BigInt(RECORDS - 1)]) {
      const { outcomes } = await explainRecord(journal, JOB, PARTITION, offset);
      expect(outcomes).toHaveLength(1);
      const [outcome] = outcomes;
      if (outcome?.type !== 'read') throw new Error(`offset ${offset} was not read`);
      const holding = files.filter((name) =>
        (finished.job.committed().get(name) ?? '').split('\n').includes(`0:${offset}`),
      );
      expect(outcome.candidates.map(({ finalUri }) => finalUri)).toEqual(
        holding.map((name) => finished.uri(name)),
      );
    }
  });

  it('says of a record that it was not read yet', async () => {
    const { outcomes } = await explainRecord(journal, JOB, PARTITION, BigInt(RECORDS));
    expect(outcomes).toEqual([{ type: 'not-read', nextOffset: BigInt(RECORDS) }]);
  });

  it('knows no partition that the journal does not hold', async () => {
    const elsewhere = { topic: 'letters', partition: 0 };
    await expect(explainRecord(journal, JOB, elsewhere, 0n)).rejects.toMatchObject({
      code: 'REQUEST_REFUSED',
    });
  });

  it('has the state of then', async () => {
    const subject = partitionSubject(JOB, PARTITION);
    const end = finished.entries(0).length;
    const then = await ledgerAt(journal, subject, { type: 'entry', seq: 2 });
    expect(then?.facts).toMatchObject({ epoch: 1, checkpoint: 0 });
    expect((await ledgerAt(journal, subject, { type: 'entry', seq: end }))?.facts.nextOffset).toBe(
      BigInt(RECORDS),
    );
    expect(await ledgerAt(journal, subject, { type: 'time', iso: '2001-01-01T00:00:00.000Z' })).toBeNull();
  });
});

/** The golden journals hold what a finished job does not: stops, answers, losses, takeovers. */
describe.each(goldenJournals().map(({ name, subjects }) => ({ name, subjects })))(
  'the journal $name',
  ({ subjects }) => {
    it('has a timeline without a gap, in words', async () => {
      const { journal, entries } = journalOf(subjects);
      const job = jobOf([...subjects.keys()][0] ?? '');
      const seen = new Set<string>();
      for await (const { partition, seq, why } of replayJob(journal, {
        job,
        filter: EVERYTHING,
      })) {
        seen.add(`${partition?.topic ?? ''}/${partition?.partition ?? ''}#${seq}`);
        expect(why).toMatch(/^[a-z0-9]/);
        expect(why).not.toMatch(/undefined|\[object|NaN/);
      }
      expect(seen.size).toBe(entries);
    });

    it('tells the same life of a file by each of its names', async () => {
      const { journal } = journalOf(subjects);
      const job = jobOf([...subjects.keys()][0] ?? '');
      const parts = new Map<PartId, { partition: TopicPartition; names: Set<string> }>();
      for await (const { part, partition } of replayJob(journal, { job, filter: EVERYTHING })) {
        if (part === null || partition === null) continue;
        const known = parts.get(part.partId) ?? { partition, names: new Set() };
        for (const name of [part.finalUri, part.temporaryUri, ...part.formerUris]) known.names.add(name);
        parts.set(part.partId, known);
      }
      expect(parts.size).toBeGreaterThan(0);
      for (const [id, { partition, names }] of parts) {
        const [life] = await livesOf(journal, job, partition, new Set([id]));
        expect(life?.part.partId).toBe(id);
        for (const name of names) expect(await explainFile(journal, job, name), name).toContainEqual(life);
      }
    });
  },
);

it('tells offsets that were read, and those that were given up', async () => {
  const stops = goldenJournals().find(({ name }) => name === '0.2.0-stops');
  const outcomes = new Set<string>();
  for (const [name, { entries }] of stops?.subjects ?? []) {
    const subject = name as Subject;
    const partition = partitionOf(subject);
    if (partition === null) continue;
    const backing = createMemoryBacking();
    const stored = entries.map((text, index) => ({
      revision: index + 1,
      bytes: new TextEncoder().encode(text),
    }));
    backing.subjects.set(subject, stored);
    backing.lastRevision = stored.length;
    const journal = createMemoryJournal({ backing });
    for (let offset = 0n; offset < 40n; offset += 1n) {
      const { outcomes: found } = await explainRecord(journal, jobOf(subject), partition, offset);
      for (const { type } of found) outcomes.add(type);
    }
  }
  expect([...outcomes].sort()).toEqual(expect.arrayContaining(['lost', 'not-read', 'read']));
});

function journalOf(subjects: ReadonlyMap<string, { readonly entries: readonly string[] }>) {
  const backing = createMemoryBacking();
  let entries = 0;
  for (const [subject, { entries: texts }] of subjects) {
    const stored = texts.map((text) => ({
      revision: (entries += 1),
      bytes: new TextEncoder().encode(text),
    }));
    backing.subjects.set(subject as Subject, stored);
  }
  backing.lastRevision = entries;
  return { journal: createMemoryJournal({ backing }), entries };
}

const jobOf = (subject: string) => jobName(decodeToken(subject.split('.')[0] ?? ''));
