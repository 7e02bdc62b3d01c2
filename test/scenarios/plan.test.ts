/** What a plan says of a job in each of its states. The job is run by the real coordinator. */
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { jobName, journalId } from '../../journal/ids.ts';
import { createMemoryBacking, createMemoryJournal } from '../../journal/memory/journal.ts';
import { JournalFailure } from '../../journal/failure.ts';
import { planJob, type PlanPorts, type PlanRule } from '../../src/plan/planJob.ts';
import type { PlanReport } from '../../src/plan/planReport.ts';
import { createFileStore } from '../../src/stores/local/store.ts';
import { systemClock } from '../../src/system/clock.ts';
import { silentLog } from '../../src/telemetry/log.ts';
import { JobFixture, type FixtureOptions } from './jobFixture.ts';
import { MemorySource } from './memorySource.ts';

const MIB = 1024 * 1024;
const JOB = jobName('numbers');

interface Planned {
  readonly job?: JobFixture;
  readonly ports?: Partial<PlanPorts>;
  readonly settings?: Partial<FixtureOptions>;
  readonly sampleOffsets?: number;
}

function plan(source: MemorySource, options: Planned = {}): Promise<PlanReport> {
  const { job = new JobFixture(), ports = {}, settings = {}, sampleOffsets = 1_000 } = options;
  const { naming, assigner, format, bad, startFrom } = job.settings({ source, ...settings });
  const rule: PlanRule = {
    config: {
      ...{ job: JOB, bad, checkpoint: { intervalMs: 10_000 } },
      sink: {
        ...{ ...naming, type: 'file', uri: naming.sinkUri, format: 'text' },
        ...{ envelope: 'value', compression: null },
      },
    },
    settings: { naming, assigner, format, startFrom },
    limits: { bytes: 128 * MIB, records: Infinity, ageMs: 600_000, idleMs: 60_000 },
    memory: {
      ...{ ceilingBytes: 256 * MIB, isSet: false, takenBytes: 60 * MIB, rowGroupBytes: null },
      filesMax: 1_000,
    },
    texts: { source: 'memory', bucket: 'none', roll: [] },
    journal: { kind: 'memory', location: 'here' },
    sampleOffsets,
  };
  return planJob(rule, {
    ...{ source, clock: systemClock, log: silentLog, storeMs: 20_000 },
    openJournal: async () => createMemoryJournal({ backing: job.backing }),
    openStore: async () => createFileStore(),
    signal: new AbortController().signal,
    onProgress: () => undefined,
    ...ports,
  });
}

const noJournal = () => Promise.reject(new JournalFailure('missing', 'There is no journal.'));

/** A record a second. */
function sourceOf(partitions: number, records = 5): MemorySource {
  const source = new MemorySource(partitions);
  for (let partition = 0; partition < partitions; partition += 1)
    for (let number = 0; number < records; number += 1)
      source.append(partition, { value: `${partition}:${number}`, timestampMs: number * 1_000 });
  return source;
}

async function ran(source: MemorySource): Promise<JobFixture> {
  const job = new JobFixture();
  await job.coordinator({ source, untilEnd: true }).run(new AbortController().signal);
  return job;
}

test('before the first run: where it begins, and what it finds there', async () => {
  const job = new JobFixture();
  const progress: number[] = [];
  const onProgress: PlanPorts['onProgress'] = ({ partitionsDone }) => void progress.push(partitionsDone);
  const report = await plan(sourceOf(2), { job, ports: { openJournal: noJournal, onProgress } });
  expect(report).toMatchObject({
    ...{ isFirstStart: true, findings: [], journal: { state: 'none' }, destination: { marker: 'none' } },
    checkpoint: { recordsAgain: 20, bytesAgain: 60 },
  });
  expect(report.topics).toMatchObject([
    {
      partitions: [
        { logEnd: 5n, start: 0n, startReason: 'startFrom', behind: 5n, sample: { records: 5 } },
        { logEnd: 5n, start: 0n, startReason: 'startFrom', behind: 5n },
      ],
      record: { sourceBytes: 3, fileBytes: 4 },
      rate: { recordsPerSecond: 2, windowMs: 4_000, basis: 'sample' },
      files: { perHour: expect.closeTo(12, 1) as number, open: 2, endedBy: 'age', isSmall: true },
      backlog: { records: 10n, fileBytes: 40 },
    },
  ]);
  expect(progress).toEqual([1, 2]);
  expect(readdirSync(job.folder)).toEqual([]);
});

test('after a run: it goes on where the journal is; a partition that was added begins at 0', async () => {
  const source = sourceOf(1);
  const job = await ran(source);
  source.append(0, { value: 'later', timestampMs: 9_000 });
  source.logs.push([]);
  const entries = JSON.stringify([...job.backing.subjects].map(([subject, all]) => [subject, all.length]));
  const report = await plan(source, { job, sampleOffsets: 2 });
  expect(report).toMatchObject({ isFirstStart: false, findings: [], destination: { marker: 'own' } });
  expect(report.topics[0]?.partitions).toMatchObject([
    { start: 5n, startReason: 'journal', behind: 1n, sample: { from: 4n, to: 6n, records: 2 } },
    { start: 0n, startReason: 'added', behind: 0n, rate: { type: 'none' } },
  ]);
  expect(JSON.stringify([...job.backing.subjects].map(([subject, all]) => [subject, all.length]))).toBe(
    entries,
  );
});

test('a job file that a run refuses', async () => {
  const source = sourceOf(1);
  const job = await ran(source);
  const naming = { ...job.settings({ source }).naming, sinkUri: `file://${job.folder}/other` };
  const describe = source.describe.bind(source);
  source.describe = async () => ({ ...(await describe()), groupId: 'group-2' });
  const { findings } = await plan(source, { job, settings: { naming } });
  expect(findings).toEqual([
    'The job was started with group "group-1", and the job file says "group-2": a run refuses that without ' +
      '--move-group.',
    expect.stringMatching(
      /^The job writes to .*, and the job file says .*\/other: .* without --move-sink\.$/,
    ),
  ]);
});

test('another journal, or none, where this one or its marker was', async () => {
  const source = sourceOf(1);
  const job = await ran(source);
  const backing = createMemoryBacking(journalId('another-journal'));
  const other = await plan(source, {
    job,
    ports: { openJournal: async () => createMemoryJournal({ backing }) },
  });
  expect(other).toMatchObject({ destination: { marker: 'other' } });
  expect(other.findings[0]).toContain('was written by another journal');
  const none = await plan(source, { job, ports: { openJournal: noJournal } });
  expect(none.findings[0]).toMatch(/^There is no journal, but the destination .* remembers one/);
});

test('what is bad, by reason, with its first offset; a stop is a finding, a skip is not', async () => {
  const source = sourceOf(1, 2);
  source.append(0, { value: 'a\nb', timestampMs: 3_000 }, { value: 'c\nd', timestampMs: 4_000 });
  const badOf = async (to: 'stop' | 'skip' | 'file') => {
    const report = await plan(source, { settings: { bad: { to, stopAfter: 10 } } });
    expect(report.topics[0]?.partitions[0]?.sample.bad).toEqual([
      { reason: 'line-feed', records: 2, firstOffset: 2n },
    ]);
    return report;
  };
  expect((await badOf('stop')).findings).toEqual([
    expect.stringMatching(/^2 of 4 sampled records .* \(line-feed at numbers\/0@2\).*bad\.to/),
  ]);
  const skipped = await badOf('skip');
  expect(skipped.findings).toEqual([]);
  expect(skipped.advice[0]).toBe('2 sampled records of numbers cannot be written, and would be in no file.');
  const { topics } = await badOf('file');
  expect(topics[0]?.paths.map(({ bucket, offset }) => [bucket, offset])).toEqual([
    ['', 1n],
    ['_bad', 3n],
  ]);
});

test('not one record that fits is a finding, whatever becomes of bad ones', async () => {
  const source = new MemorySource(1);
  source.append(0, { value: 'a\nb', timestampMs: 0 });
  const { findings } = await plan(source, { settings: { bad: { to: 'skip', stopAfter: 10 } } });
  expect(findings).toEqual(['None of 1 sampled record of numbers fits: line-feed at numbers/0@0.']);
});

test('a log that has lost what is to be read, or ends before it', async () => {
  const source = sourceOf(1);
  const job = await ran(source);
  const ranges = (startOffset: bigint, endOffset: bigint) => async () => [{ startOffset, endOffset }];
  source.append(0, ...Array.from({ length: 5 }, () => ({ value: 'x', timestampMs: 0 })));
  source.ranges = ranges(7n, 10n);
  const lost = await plan(source, { job });
  expect(lost.findings).toEqual([
    'numbers/0 is to go on at 5, but its log begins at 7: those offsets are lost.',
  ]);
  source.ranges = ranges(0n, 3n);
  expect((await plan(source, { job })).findings).toEqual([
    'numbers/0 is to go on at 5, but its log ends at 3: it went back.',
  ]);
});

test('a destination that does not answer is told, and the rest is there', async () => {
  const silent = new Promise<never>(() => undefined);
  const report = await plan(sourceOf(1), { ports: { openStore: () => silent, storeMs: 1 } });
  expect(report).toMatchObject({
    destination: { marker: 'notReached', code: 'STORE_UNAVAILABLE' },
    topics: [{ partitions: [{ start: 0n }] }],
    findings: [],
  });
});

test('a journal that does not answer leaves the starts unknown', async () => {
  const openJournal = () => Promise.reject(new JournalFailure('unavailable', 'It is away.'));
  const report = await plan(sourceOf(1), { ports: { openJournal } });
  expect(report).toMatchObject({
    ...{ isFirstStart: null, journal: { state: 'notReached', message: 'It is away.' } },
    topics: [{ partitions: [{ start: null, behind: null, sample: { records: 5 } }], backlog: null }],
  });
});

test('it ends when its time is over, whatever the source does', async () => {
  const over = new AbortController();
  const source = sourceOf(1);
  source.open = () => {
    queueMicrotask(() => over.abort(new Error('the time is over')));
    return { next: () => new Promise(() => undefined), close: () => Promise.resolve() };
  };
  await expect(plan(source, { ports: { signal: over.signal } })).rejects.toThrow('the time is over');
});

test('what is drawn when a file is opened is shown as such', async () => {
  const naming = {
    ...{ sinkUri: 'file:///lake/{rnd}/x', prefix: 'part', suffix: '.txt' },
    entropy: { key: '{rnd}', length: 4 },
  };
  const { topics } = await plan(sourceOf(1), { settings: { naming } });
  expect(topics[0]?.paths.map(({ uri }) => uri)).toEqual([
    'file:///lake/????/x/part-numbers-0-00000000000000000004.txt',
  ]);
});
