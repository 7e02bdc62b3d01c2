import { describe, expect, test } from 'vitest';
import { defaultRollingPolicy } from '../../actors/rolling/policy.ts';
import type { TidemarkError } from '../../journal/errors.ts';
import { StoreFailure } from '../../src/stores/failure.ts';
import { jobName } from '../../journal/ids.ts';
import { createMemoryJournal } from '../../journal/memory/journal.ts';
import { jobSubject, partitionSubject } from '../../journal/subjects.ts';
import type { SourceListener } from '../../src/sources/port.ts';
import { createFileStore } from '../../src/stores/local/store.ts';
import { silentLog } from '../../src/telemetry/log.ts';
import {
  expectEachRecordOnce,
  hastyClock,
  impatientClock,
  JobFixture,
  NO_LIMITS,
  numbered,
  storeWith,
} from './jobFixture.ts';
import { MemorySource } from './memorySource.ts';
import { serve, until } from './service.ts';

const JOB = jobName('numbers');
const everyRecord = defaultRollingPolicy({ ...NO_LIMITS, maxBytes: 1 });
const recordsIn = (job: JobFixture): number => [...job.committed().values()].join('').split('\n').length - 1;

function sourceOf(partitions: number, records: number): MemorySource {
  const source = new MemorySource(partitions);
  for (let partition = 0; partition < partitions; partition += 1)
    source.append(partition, ...numbered(partition, records));
  return source;
}

const unavailable = (): TidemarkError =>
  new StoreFailure('unavailable', 'the destination was told to be away');

describe('assignments', () => {
  test('a partition that comes back while its runner is still letting go is run again', async () => {
    const job = new JobFixture();
    const source = sourceOf(2, 10);
    const service = serve(job, { source, rolling: everyRecord });
    await until(() => recordsIn(job) === 20);
    source.assign([]);
    source.assign([0, 1]);
    source.append(0, ...numbered(0, 5, 10));
    source.append(1, ...numbered(1, 5, 10));
    await until(() => recordsIn(job) === 30);
    await service.stop();
    expectEachRecordOnce(job, 2, 15);
  });

  test('a partition that moves to another coordinator and back: each record once, nothing left', async () => {
    const job = new JobFixture();
    const source = sourceOf(1, 10);
    const other = new MemorySource(source);
    const [first, second] = [
      serve(job, { source, rolling: everyRecord }),
      serve(job, { source: other, rolling: everyRecord }),
    ];
    other.assign([]);
    let records = 10;
    for (let turn = 0; turn < 4; turn += 1) {
      const [from, to] = turn % 2 === 0 ? [source, other] : [other, source];
      await until(() => recordsIn(job) > records - 5);
      from.append(0, ...numbered(0, 10, records));
      records += 10;
      from.assign([]);
      to.assign([0]);
      to.append(0);
    }
    await until(() => recordsIn(job) === records);
    await first.stop();
    await second.stop();
    expectEachRecordOnce(job, 1, records);
    expect(job.temporary()).toEqual([]);
  });
});

describe('a service that is asked to stop', () => {
  test('leaves its files in progress for the next run', async () => {
    const job = new JobFixture();
    const source = sourceOf(2, 10);
    const service = serve(job, { source });
    await until(() => service.coordinator.stats.recordsRead === 20);
    const report = await service.stop();
    expect([report.reason, report.stopped, job.committed().size]).toEqual(['signal', [], 0]);
    expect(job.temporary().length).toBe(2);
    await job.coordinator({ source, untilEnd: true }).run(new AbortController().signal);
    expectEachRecordOnce(job, 2, 10);
    expect(job.temporary()).toEqual([]);
  });

  test('while it still joins: does not wait for the group', async () => {
    const job = new JobFixture();
    class Joining extends MemorySource {
      readonly joining = Promise.withResolvers<undefined>();
      override start(_listener: SourceListener): Promise<void> {
        this.joining.resolve(undefined);
        return new Promise(() => undefined);
      }
    }
    const source = new Joining(1);
    const service = serve(job, { source });
    await source.joining.promise;
    expect((await service.stop()).reason).toBe('signal');
  });

  test.each([
    { what: 'the group takes no offsets', fails: 'group' },
    { what: 'the destination publishes nothing', fails: 'store' },
    { what: 'the destination never answers', fails: 'hanging store' },
  ])('while $what: waits for no publication, and loses nothing', async ({ fails }) => {
    const job = new JobFixture();
    const source = sourceOf(1, 10);
    let isAway = false;
    const never = (): Promise<never> => new Promise(() => undefined);
    const slow = new MemorySource(source);
    const commitOffset = slow.commitOffset.bind(slow);
    const signals: (AbortSignal | undefined)[] = [];
    slow.commitOffset = async (...args) => {
      if (isAway) signals.push(args[3]);
      if (isAway && fails === 'group') await never();
      await commitOffset(...args);
    };
    const fail = async (): Promise<void> => {
      if (isAway && fails === 'store') throw unavailable();
      if (isAway && fails === 'hanging store') await never();
    };
    const store = storeWith({
      commit: async (target, durable) => {
        await fail();
        await createFileStore().commit(target, durable);
      },
      commitAfterRecovery: async (target, durable) => {
        await fail();
        await createFileStore().commitAfterRecovery(target, durable);
      },
    });
    const clock = impatientClock(20);
    const service = serve(job, { source: slow, store, rolling: everyRecord, clock, shutdownMs: 40_000 });
    await until(() => service.coordinator.stats.committedFiles === 10);
    isAway = true;
    source.append(0, ...numbered(0, 5, 10));
    slow.append(0);
    await until(() => service.coordinator.stats.recordsRead === 15);
    expect(await service.stop()).toMatchObject({ reason: 'signal', stopped: [] });
    // The end of an epoch ends what it told the group: it is not tried on beside the next one.
    expect(signals.map((signal) => signal?.aborted)).toEqual([true]);
    await job.coordinator({ source, untilEnd: true }).run(new AbortController().signal);
    expectEachRecordOnce(job, 1, 15);
    expect(job.temporary()).toEqual([]);
  });

  test('while the journal takes no entries: ends in bounded time, names the partitions', async () => {
    const job = new JobFixture();
    const source = sourceOf(2, 10);
    let isAway = false;
    const journal = createMemoryJournal({
      backing: job.backing,
      onAppend: () => (isAway ? { type: 'unavailable' } : null),
    });
    const clock = impatientClock(20);
    const options = { source, journal, clock, checkpointIntervalMs: 1_000_000, shutdownMs: 9_000 };
    const service = serve(job, options);
    await until(() => service.coordinator.stats.recordsRead === 20);
    isAway = true;
    await expect(service.stop()).rejects.toMatchObject({
      code: 'STOP_INCOMPLETE',
      message: expect.stringContaining('without a last checkpoint of numbers/0, numbers/1:') as string,
      fields: { partitions: ['numbers/0', 'numbers/1'] },
    });
    await job.coordinator({ source, untilEnd: true }).run(new AbortController().signal);
    expectEachRecordOnce(job, 2, 10);
    expect(job.temporary()).toEqual([]);
  });

  test('leaves the group although the last checkpoint hangs', async () => {
    const job = new JobFixture();
    const left: string[] = [];
    class Leaving extends MemorySource {
      override async stop(): Promise<void> {
        left.push('group');
        await super.stop();
      }
    }
    const source = new Leaving(sourceOf(1, 10));
    source.append(0);
    let isAway = false;
    const store = storeWith({
      create: async (target) => {
        const file = await createFileStore().create(target);
        const persist = file.persist.bind(file);
        file.persist = async (...args) => (isAway ? new Promise(() => undefined) : persist(...args));
        return file;
      },
    });
    const clock = impatientClock(20);
    const service = serve(job, { source, store, clock, checkpointIntervalMs: 1_000_000, shutdownMs: 9_000 });
    await until(() => service.coordinator.stats.recordsRead === 10);
    isAway = true;
    await expect(service.stop()).rejects.toMatchObject({ code: 'STOP_INCOMPLETE' });
    expect(left).toEqual(['group']);
  });
});

describe('a bounded run', () => {
  test.each([
    { what: 'the destination', code: 'STORE_UNAVAILABLE' },
    { what: 'the journal', code: 'JOURNAL_UNAVAILABLE' },
  ])('gives up on $what that goes away and does not come back', async ({ code }) => {
    const job = new JobFixture();
    const source = sourceOf(1, 5);
    let starts = 0;
    const journal = createMemoryJournal({
      backing: job.backing,
      onAppend: () => (code === 'JOURNAL_UNAVAILABLE' && (starts += 1) > 2 ? { type: 'unavailable' } : null),
    });
    const store = storeWith(
      code === 'STORE_UNAVAILABLE' ? { create: () => Promise.reject(unavailable()) } : {},
    );
    const clock = impatientClock(200);
    const bounded = job.coordinator({ source, journal, store, untilEnd: true, clock, startupMs: 60_000 });
    await expect(bounded.run(new AbortController().signal)).rejects.toMatchObject({ code });
    await job.coordinator({ source, untilEnd: true }).run(new AbortController().signal);
    expectEachRecordOnce(job, 1, 5);
  });

  test('gives up on a group that assigns nothing', async () => {
    class Joining extends MemorySource {
      override start(_listener: SourceListener): Promise<void> {
        return new Promise(() => undefined);
      }
    }
    const clock = impatientClock(200);
    const options = { source: new Joining(1), untilEnd: true, clock, startupMs: 60_000 };
    await expect(
      new JobFixture().coordinator(options).run(new AbortController().signal),
    ).rejects.toMatchObject({
      code: 'SOURCE_UNAVAILABLE',
      message: expect.stringContaining('(startup.timeout)') as string,
    });
  });
});

describe('a service whose journal is away at first', () => {
  test('waits for it', async () => {
    const job = new JobFixture();
    let failures = 3;
    const onRead = (subject: string): { type: 'unavailable' } | null =>
      subject === jobSubject(JOB) && failures-- > 0 ? { type: 'unavailable' } : null;
    const journal = createMemoryJournal({ backing: job.backing, onRead });
    const service = serve(job, { source: sourceOf(1, 5), journal, rolling: everyRecord });
    await until(() => recordsIn(job) === 5);
    await service.stop();
  });
});

describe('a destination that goes on failing', () => {
  test.each(['unavailable', 'outcomeUnknown', 'exists'] as const)(
    'with %s: is tried again with growing pauses, and the journal does not fill with attempts',
    async (problem) => {
      const job = new JobFixture();
      const delays: number[] = [];
      const hear = (fields: object): void => {
        if ('delayMs' in fields) delays.push(Number(fields.delayMs));
      };
      const log = { ...silentLog, info: hear, warn: hear };
      let failures = 12;
      const store = storeWith({
        create: (target) => {
          if (failures-- > 0)
            return Promise.reject(new StoreFailure(problem, 'the destination was told to fail'));
          return createFileStore().create(target);
        },
      });
      const source = sourceOf(1, 5);
      // A checkpoint of long ago is no progress of today.
      await job.coordinator({ source, untilEnd: true }).run(new AbortController().signal);
      source.append(0, ...numbered(0, 5, 5));
      await job
        .coordinator({ source, store, untilEnd: true, clock: hastyClock(500), log })
        .run(new AbortController().signal);
      expectEachRecordOnce(job, 1, 10);
      expect(delays.slice(0, 3)).toEqual([500, 1_000, 2_000]);
      const entries =
        job.backing.subjects.get(partitionSubject(JOB, { topic: 'numbers', partition: 0 })) ?? [];
      expect(entries.length).toBeLessThan(60);
    },
  );
});

describe('a limit of records', () => {
  const toTheEnd = (job: JobFixture, source: MemorySource, maxRecords: number) =>
    job
      .coordinator({ source, untilEnd: true, rolling: defaultRollingPolicy({ ...NO_LIMITS, maxRecords }) })
      .run(new AbortController().signal);
  const recordsOfFiles = (job: JobFixture): number[] =>
    [...job.committed().values()].map((text) => text.split('\n').length - 1);

  test('no file has more, and each but the last is full', async () => {
    const job = new JobFixture();
    await toTheEnd(job, sourceOf(1, 10), 3);
    expect(recordsOfFiles(job)).toEqual([3, 3, 3, 1]);
  });
});

describe('a file that gets no record any more', () => {
  test.each([
    { what: 'idle', limits: { ...NO_LIMITS, maxIdleMs: 500 } },
    { what: 'old', limits: { ...NO_LIMITS, maxAgeMs: 500 } },
  ])('is committed once it is $what enough, without a new record', async ({ limits }) => {
    const job = new JobFixture();
    const service = serve(job, { source: sourceOf(2, 5), rolling: defaultRollingPolicy(limits) });
    await until(() => recordsIn(job) === 10);
    await service.stop();
  });
});
