import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { defaultRollingPolicy } from '../../actors/rolling/policy.ts';
import type { OperatorRequest } from '../../journal/events.ts';
import { jobName, type Subject } from '../../journal/ids.ts';
import { createMemoryJournal, type AppendFault, type ReadFault } from '../../journal/memory/journal.ts';
import { partitionSubject, requestSubject } from '../../journal/subjects.ts';
import { fileOperatorRequest } from '../../src/partition/requests.ts';
import { noFailpoints, type Failpoints } from '../../src/system/failpoints.ts';
import { createFileStore } from '../../src/stores/local/store.ts';
import { SourceFailure, type SourceProblem } from '../../src/sources/failure.ts';
import type { FetchedBatch, PartitionFeed } from '../../src/sources/port.ts';
import { expectEachRecordOnce, hastyClock, JobFixture, NO_LIMITS, numbered } from './jobFixture.ts';
import { MemorySource } from './memorySource.ts';
import { serve, STOPPED, until } from './service.ts';

const RECORDS = 30;
const JOB = jobName('numbers');
const at = (partition: number) => ({ topic: 'numbers', partition });
const rolling = defaultRollingPolicy({ ...NO_LIMITS, maxBytes: 50 });

/** A source whose partition 0 cannot be read behind an offset, until it is mended. */
class BreakingSource extends MemorySource {
  readonly error: SourceFailure;
  readonly breaksAt: bigint;
  isMended = false;

  constructor(cluster: number | MemorySource, breaksAt: bigint, problem: SourceProblem) {
    super(cluster);
    this.breaksAt = breaksAt;
    const affected = { fromOffset: breaksAt, toOffset: breaksAt + 5n };
    this.error = new SourceFailure(problem, 'records 14 to 18 cannot be read', { affected });
  }

  override open(partition: ReturnType<typeof at>, offset: bigint): PartitionFeed {
    const feed = super.open(partition, offset);
    if (partition.partition !== 0) return feed;
    const next = async (): Promise<FetchedBatch> => {
      const batch = await feed.next();
      if (!this.isMended && batch.nextOffset > this.breaksAt && batch.fetchedOffset < this.breaksAt + 5n)
        throw this.error;
      return batch;
    };
    return { next, close: () => feed.close() };
  }
}

async function ask(job: JobFixture, request: OperatorRequest): Promise<number> {
  const journal = createMemoryJournal({ backing: job.backing });
  return fileOperatorRequest({ journal, failpoints: noFailpoints }, JOB, at(0), request);
}

const filled = (source: MemorySource): void => {
  for (const partition of source.logs.keys()) source.append(partition, ...numbered(partition, RECORDS));
};
const linesOf = (job: JobFixture, partition: number): string[] =>
  [...job.committed().values()]
    .flatMap((content) => content.split('\n').slice(0, -1))
    .filter((line) => line.startsWith(`${partition}:`));

describe('a stopped partition', () => {
  test('leaves the others running, is in the report, and goes on where an operator resumes it', async () => {
    const job = new JobFixture();
    const source = new BreakingSource(2, 14n, 'rangeLost');
    filled(source);
    const service = serve(job, { source, rolling: defaultRollingPolicy({ ...NO_LIMITS, maxBytes: 1 }) });
    await service.listening.heard(STOPPED);
    await until(() => linesOf(job, 1).length === RECORDS);
    expect(linesOf(job, 0).length).toBe(14);
    source.isMended = true;
    await ask(job, { type: 'resume', from: null, acceptLoss: false });
    await until(() => linesOf(job, 0).length === RECORDS);
    const report = await service.stop();
    expect(report.stopped).toEqual([]);
    expectEachRecordOnce(job, 2, RECORDS);
  });

  test('stays stopped over a restart, and a bounded run ends with it', async () => {
    const job = new JobFixture();
    const source = new BreakingSource(2, 14n, 'rangeLost');
    filled(source);
    const options = { source, rolling, untilEnd: true, clock: hastyClock() };
    const first = await job.coordinator(options).run(new AbortController().signal);
    source.isMended = true;
    const second = await job.coordinator(options).run(new AbortController().signal);
    for (const { stopped } of [first, second]) {
      expect(
        stopped.map(({ partition, stop }) => [partition, stop.code, stop.fromOffset, stop.toOffset]),
      ).toEqual([['numbers/0', 'SOURCE_RANGE_LOST', 14n, 19n]]);
    }
    expect(linesOf(job, 1).length).toBe(RECORDS);
  });

  test('goes on behind a loss that an operator accepts, and only behind that one', async () => {
    const job = new JobFixture();
    const source = new BreakingSource(1, 14n, 'rangeLost');
    filled(source);
    const service = serve(job, { source, rolling: defaultRollingPolicy({ ...NO_LIMITS, maxBytes: 1 }) });
    await service.listening.heard(STOPPED);
    await ask(job, { type: 'acceptLoss', fromOffset: 13n, toOffset: 25n });
    await ask(job, { type: 'acceptLoss', fromOffset: 15n, toOffset: 25n });
    await ask(job, { type: 'acceptLoss', fromOffset: 14n, toOffset: 21n });
    await until(() => linesOf(job, 0).length === RECORDS - 7);
    await service.stop();
    expect(linesOf(job, 0)).not.toContain('0:20');
    expect(linesOf(job, 0)).toContain('0:21');
  });

  test('refuses a request that cannot be read, and takes up the one behind it', async () => {
    const job = new JobFixture();
    const source = new BreakingSource(1, 14n, 'rangeLost');
    filled(source);
    const service = serve(job, { source, rolling: defaultRollingPolicy({ ...NO_LIMITS, maxBytes: 1 }) });
    const { listening } = service;
    await listening.heard(STOPPED);
    const journal = createMemoryJournal({ backing: job.backing });
    for (const text of ['{"type":"rew', '{"type":"rewind"}']) {
      await journal.fileRequest(requestSubject(JOB, at(0)), new TextEncoder().encode(text));
    }
    source.isMended = true;
    await ask(job, { type: 'resume', from: null, acceptLoss: false });
    await until(() => linesOf(job, 0).length === RECORDS);
    expect((await service.stop()).stopped).toEqual([]);
  });

  test('leaves what is asked after a resume to the next epoch: a roll rolls what it opens', async () => {
    const job = new JobFixture();
    const source = new BreakingSource(1, 14n, 'rangeLost');
    filled(source);
    let areHidden = true;
    const onRead = (subject: Subject): ReadFault | null =>
      areHidden && subject === requestSubject(JOB, at(0)) ? { type: 'unavailable' } : null;
    const journal = createMemoryJournal({ backing: job.backing, onRead });
    const service = serve(job, { source, journal, rolling: defaultRollingPolicy(NO_LIMITS) });
    await service.listening.heard(STOPPED);
    source.isMended = true;
    await ask(job, { type: 'resume', from: null, acceptLoss: false });
    await ask(job, { type: 'roll' });
    areHidden = false;
    // Only the roll publishes anything: what the epoch has read by then, however much that is.
    await until(() => linesOf(job, 0).length > 0);
    await service.stop();
    expectEachRecordOnce(job, 1, linesOf(job, 0).length);
  });

  test('waits for the journal where that is away, and the others go on', async () => {
    const job = new JobFixture();
    const source = new BreakingSource(2, 14n, 'rangeLost');
    filled(source);
    const isAway = { requests: 0 };
    const onRead = (subject: Subject): ReadFault | null => {
      if (subject !== requestSubject(JOB, at(0)) || isAway.requests === 0) return null;
      isAway.requests -= 1;
      return { type: 'unavailable' };
    };
    const journal = createMemoryJournal({ backing: job.backing, onRead });
    const service = serve(job, { source, journal, rolling });
    await service.listening.heard(STOPPED);
    isAway.requests = 3;
    await until(() => isAway.requests === 0);
    source.append(1, ...numbered(1, 10, RECORDS));
    await until(() => linesOf(job, 1).length > RECORDS);
    const report = await service.stop();
    expect(report.stopped.map(({ partition }) => partition)).toEqual(['numbers/0']);
  });
});

describe('what goes wrong while a partition is being stopped', () => {
  test.each([
    { what: 'another owner claims', fault: { type: 'conflict' } as const, stops: 2 },
    { what: 'the journal refuses the entry for good', fault: { type: 'refused' } as const, stops: 1 },
  ])('$what: the other partitions go on', async ({ fault, stops }) => {
    const job = new JobFixture();
    const source = new BreakingSource(2, 14n, 'rangeLost');
    filled(source);
    let isHit = false;
    const rival = createMemoryJournal({ backing: job.backing });
    const onAppend = (subject: Subject, expected: number | null, bytes: Uint8Array): AppendFault | null => {
      if (isHit || !new TextDecoder().decode(bytes).includes('"partitionStopped"')) return null;
      isHit = true;
      if (fault.type !== 'conflict') return fault;
      const text = JSON.parse(new TextDecoder().decode(bytes)) as { epoch: number };
      const claim = 'b'.repeat(32);
      const epoch = text.epoch + 1;
      const event = { type: 'epochClaimed', epoch, claimId: claim, startOffset: '0' };
      const entry = new TextEncoder().encode(
        JSON.stringify({ ...text, epoch, claimId: claim, events: [event] }),
      );
      void rival.append(subject, expected ?? 0, entry);
      return { type: 'conflict', lastRevision: (expected ?? 0) + 1 };
    };
    const journal = createMemoryJournal({ backing: job.backing, onAppend });
    const service = serve(job, { source, journal, rolling });
    await until(
      () => service.listening.seen.filter((line) => line === 'the partition stops').length === stops,
    );
    source.append(1, ...numbered(1, 10, RECORDS));
    await until(() => linesOf(job, 1).length > RECORDS);
    const report = await service.stop();
    expect(report.stopped.map(({ partition, stop }) => [partition, stop.code])).toEqual([
      ['numbers/0', 'SOURCE_RANGE_LOST'],
    ]);
  });
});

describe('what must not go on silently', () => {
  test('a bounded run whose source ends before nextOffset: the partition stops', async () => {
    const job = new JobFixture();
    const source = new MemorySource(2);
    filled(source);
    const options = { untilEnd: true, clock: hastyClock(500) };
    await job.coordinator({ source, ...options }).run(new AbortController().signal);
    const truncated = new MemorySource(source);
    truncated.logs[1]?.splice(RECORDS - 5);
    const report = await job.coordinator({ source: truncated, ...options }).run(new AbortController().signal);
    expect(report.stopped.map(({ partition, stop }) => [partition, stop.code])).toEqual([
      ['numbers/1', 'SOURCE_TRUNCATED'],
    ]);
  });

  test('a bounded run with nothing to read from a topic made anew: each partition stops', async () => {
    const job = new JobFixture();
    const source = new MemorySource(1);
    filled(source);
    await job.coordinator({ source, untilEnd: true }).run(new AbortController().signal);
    const anew = new MemorySource(1);
    anew.topicId = 'topic-2';
    filled(anew);
    const report = await job.coordinator({ source: anew, untilEnd: true }).run(new AbortController().signal);
    expect(report.stopped.map(({ stop }) => stop.code)).toEqual(['SOURCE_REPLACED']);
  });

  test.each([
    ['lost its end', 6],
    ['lost everything', 0],
  ])(
    'a journal that %s, behind its witness: the partition stops and nothing is published',
    async (_title, kept) => {
      const job = new JobFixture();
      const source = new MemorySource(1);
      filled(source);
      const options = { source, untilEnd: true, rolling, clock: hastyClock(200) };
      await job.coordinator(options).run(new AbortController().signal);
      const before = job.committed();
      const subject = partitionSubject(JOB, at(0));
      const revision = job.backing.subjects.get(subject)?.[kept - 1]?.revision ?? 0;
      createMemoryJournal({ backing: job.backing }).loseEnd(subject, revision);
      source.append(0, ...numbered(0, 10, RECORDS));
      const report = await job.coordinator(options).run(new AbortController().signal);
      expect(report.stopped.map(({ stop }) => stop.code)).toEqual(['JOURNAL_ROLLED_BACK']);
      expect(job.committed()).toEqual(before);
    },
  );

  const damages = [
    { what: 'a pending file', crashAt: 'store.commit', damage: 'is gone', code: 'STORE_FILE_MISSING' },
    {
      what: 'a pending file',
      crashAt: 'store.commit',
      damage: 'has one byte changed',
      code: 'STORE_CONTENT_DIFFERS',
    },
    { what: 'a file in progress', crashAt: null, damage: 'is gone', code: 'STORE_FILE_MISSING' },
    {
      what: 'a file in progress',
      crashAt: null,
      damage: 'has one byte changed',
      code: 'STORE_CONTENT_DIFFERS',
    },
    { what: 'a file in progress', crashAt: null, damage: 'is cut short', code: 'STORE_CONTENT_DIFFERS' },
  ] as const;
  test.each(damages)('$what that $damage while nobody runs: $code', async ({ crashAt, damage, code }) => {
    const job = new JobFixture();
    const source = new MemorySource(1);
    source.append(0, ...numbered(0, 5));
    const crashed = Promise.withResolvers<undefined>();
    const failpoints: Failpoints = {
      hit(point) {
        if (point !== crashAt) return undefined;
        crashed.resolve(undefined);
        return new Promise(() => undefined);
      },
    };
    if (crashAt === null) {
      const service = serve(job, { source });
      await until(() => service.coordinator.stats.recordsRead === 5);
      await service.stop();
    } else {
      void job.coordinator({ source, untilEnd: true, failpoints }).run(new AbortController().signal);
      await crashed.promise;
    }
    const [name = ''] = job.temporary();
    const path = join(job.folder, name);
    if (damage === 'is gone') rmSync(path);
    if (damage === 'is cut short') truncateSync(path, 3);
    if (damage === 'has one byte changed')
      writeFileSync(path, readFileSync(path, 'utf8').replace('0:3', '0:8'));
    const store = createFileStore({ pacer: hastyClock() });
    const report = await job.coordinator({ source, store, untilEnd: true }).run(new AbortController().signal);
    expect(report.stopped.map(({ stop }) => stop.code)).toEqual([code]);
    expect(report.stopped[0]?.stop.files).toContain(path);
    expect(job.committed().size).toBe(0);
    // Giving up offsets that were not read yet would lose them, too, and not bring the file back.
    await ask(job, { type: 'acceptLoss', fromOffset: 5n, toOffset: 9n });
    source.append(0, ...numbered(0, 5, 5));
    const again = await job.coordinator({ source, store, untilEnd: true }).run(new AbortController().signal);
    expect(again.stopped.map(({ stop }) => stop.code)).toEqual([code]);
    const entries = job.backing.subjects.get(partitionSubject(JOB, at(0))) ?? [];
    const texts = entries.map(({ bytes }) => new TextDecoder().decode(bytes));
    expect(texts.filter((text) => text.includes('"requestRefused"')).length).toBe(1);
  });

  test('a foreign file under a final name: the partition stops and names both files', async () => {
    const job = new JobFixture();
    const source = new MemorySource(2);
    filled(source);
    const name = 'part-numbers-0-00000000000000000000';
    writeFileSync(join(job.folder, name), 'foreign\n');
    const report = await job.coordinator({ source, untilEnd: true }).run(new AbortController().signal);
    expect(report.stopped.map(({ partition, stop }) => [partition, stop.code])).toEqual([
      ['numbers/0', 'STORE_CONTENT_DIFFERS'],
    ]);
    expect(report.stopped[0]?.stop.files).toContain(join(job.folder, name));
    expect(job.committed().get(name)).toBe('foreign\n');
    expect(linesOf(job, 1).length).toBe(RECORDS);
  });
});
