/** What a living coordinator says of itself, and that saying it never harms its run. */
import { describe, expect, test } from 'vitest';
import { defaultRollingPolicy } from '../../actors/rolling/policy.ts';
import { SourceFailure } from '../../src/sources/failure.ts';
import { StoreFailure } from '../../src/stores/failure.ts';
import { jobName, type Subject } from '../../journal/ids.ts';
import { createMemoryJournal, type AppendFault } from '../../journal/memory/journal.ts';
import type { PresenceBoard } from '../../journal/presence.ts';
import { createMemoryPresence, createPresenceBacking } from '../../journal/memory/presence.ts';
import { fileOperatorRequest } from '../../src/partition/requests.ts';
import { noFailpoints } from '../../src/system/failpoints.ts';
import { decodePresence, type PresenceRecord } from '../../src/presence/record.ts';
import { createFileStore } from '../../src/stores/local/store.ts';
import {
  expectEachRecordOnce,
  hastyClock,
  JobFixture,
  NO_LIMITS,
  numbered,
  storeWith,
} from './jobFixture.ts';
import { MemorySource } from './memorySource.ts';
import { serve, until } from './service.ts';

const JOB = jobName('numbers');
const RECORDS = 30;
const rolling = defaultRollingPolicy({ ...NO_LIMITS, maxBytes: 1 });

const filledSource = (partitions: number): MemorySource => {
  const source = new MemorySource(partitions);
  for (let partition = 0; partition < partitions; partition += 1)
    source.append(partition, ...numbered(partition, RECORDS));
  return source;
};

/** A board and what stands on it. */
function boardOf(bytesMax?: number) {
  const backing = createPresenceBacking();
  const limit = bytesMax === undefined ? {} : { bytesMax };
  const board = createMemoryPresence({ backing, ...limit, nowMs: () => performance.now() });
  const records = (): PresenceRecord[] =>
    [...backing.records.values()].flatMap(({ bytes }) => decodePresence(bytes) ?? []);
  /** Looks again until a record is so. */
  const seen = async (what: (record: PresenceRecord) => boolean): Promise<PresenceRecord> => {
    await until(() => records().some(what));
    return records().find(what)!;
  };
  return { board, records, seen };
}

describe('a coordinator', () => {
  test('says who it is, what it has and what answers it, and nothing once it has ended', async () => {
    const job = new JobFixture();
    const { board, records, seen } = boardOf();
    const service = serve(job, { source: filledSource(2), rolling, presence: board });
    const record = await seen(
      ({ partitions, dependencies }) =>
        partitions.filter(({ state }) => state === 'running').length === 2 &&
        dependencies.destination.state === 'ok',
    );
    expect(record).toMatchObject({
      ...{ job: JOB, journalId: job.backing.id, host: 'host-1', pid: 4711, version: '0.0.0' },
      dependencies: { source: { state: 'ok' }, journal: { state: 'ok' } },
      ...{ conditions: [], answers: [] },
    });
    await service.stop();
    expect(records()).toEqual([]);
  });

  test('tells of an entry that the journal does not take, until it takes it', async () => {
    const job = new JobFixture();
    const { board, seen } = boardOf();
    let isFull = true;
    const onAppend = (_subject: Subject, _expected: number | null, bytes: Uint8Array): AppendFault | null =>
      isFull && new TextDecoder().decode(bytes).includes('"checkpointCompleted"') ? { type: 'full' } : null;
    const journal = createMemoryJournal({ backing: job.backing, onAppend });
    const service = serve(job, { source: filledSource(1), rolling, journal, presence: board });
    const full = await seen(({ conditions }) => conditions.some(({ times }) => times >= 10));
    expect(full.conditions).toMatchObject([
      { kind: 'retried', about: 'An entry of numbers/0', code: 'JOURNAL_FULL' },
    ]);
    expect(full.dependencies.journal).toMatchObject({ state: 'error', code: 'JOURNAL_FULL' });
    isFull = false;
    await seen(
      ({ conditions, dependencies }) => conditions.length === 0 && dependencies.journal.state === 'ok',
    );
    await until(() => job.committed().size === RECORDS);
    await service.stop();
    expectEachRecordOnce(job, 1, RECORDS);
  });

  test('tells of a destination that does not answer, and of the publications that are tried again', async () => {
    const job = new JobFixture();
    const { board, seen } = boardOf();
    let isAway = true;
    const real = createFileStore();
    const away = (): Promise<never> => Promise.reject(new StoreFailure('unavailable', 'It is away.'));
    const store = storeWith(
      {
        commit: (...args) => (isAway ? away() : real.commit(...args)),
        commitAfterRecovery: (...args) => (isAway ? away() : real.commitAfterRecovery(...args)),
      },
      real,
    );
    const service = serve(job, { source: filledSource(1), rolling, store, presence: board });
    const record = await seen(
      ({ conditions, dependencies }) => conditions.length > 0 && dependencies.destination.state === 'error',
    );
    expect(record.conditions).toMatchObject([
      { kind: 'retried', about: 'Publishing files of numbers/0', code: 'STORE_UNAVAILABLE' },
    ]);
    expect(record.dependencies.destination).toMatchObject({ state: 'error', code: 'STORE_UNAVAILABLE' });
    isAway = false;
    await seen(({ conditions }) => conditions.length === 0);
    await until(() => job.committed().size === RECORDS);
    await service.stop();
    expectEachRecordOnce(job, 1, RECORDS);
  });

  test('with more partitions than its record has room for says how many it leaves out', async () => {
    const job = new JobFixture();
    const { board, seen } = boardOf(2_000);
    const service = serve(job, { source: filledSource(50), rolling, presence: board });
    const { partitions, omitted } = await seen((record) => record.partitions.length > 1);
    expect(omitted.partitions).toBeGreaterThan(0);
    expect(partitions.length + omitted.partitions).toBe(50);
    await service.stop();
  });

  test('tells of a partition that is stopped, and of what it answered operators', async () => {
    const job = new JobFixture();
    const { board, seen } = boardOf();
    const source = filledSource(1);
    const service = serve(job, { source, rolling, presence: board });
    await seen(({ partitions }) => partitions.some(({ state }) => state === 'running'));
    source.breakFeeds(new SourceFailure('rangeLost', 'Gone.'));
    const stopped = await seen(({ conditions }) => conditions.some(({ kind }) => kind === 'stopped'));
    expect(stopped.partitions).toEqual([{ topic: 'numbers', partition: 0, state: 'stopped' }]);
    expect(stopped.conditions).toMatchObject([{ about: 'numbers/0', code: 'SOURCE_RANGE_LOST' }]);
    const journal = createMemoryJournal({ backing: job.backing });
    const at = { topic: 'numbers', partition: 0 };
    const requestId = await fileOperatorRequest({ journal, failpoints: noFailpoints }, JOB, at, {
      type: 'roll',
    });
    const { answers, conditions } = await seen((record) => record.answers.length > 0);
    expect(answers).toEqual([
      { ...at, requestId, isAccepted: false, reason: 'The partition is stopped: nothing is open.' },
    ]);
    expect(conditions.map(({ kind }) => kind).sort()).toEqual(['refused', 'stopped']);
    await service.stop();
  });
});

describe('a place for presence records that', () => {
  const failing: PresenceBoard = {
    bytesMax: () => Promise.resolve(1_000_000),
    keep: () => Promise.reject(new Error('no space')),
    remove: () => Promise.reject(new Error('no space')),
    read: () => Promise.reject(new Error('no space')),
    close: () => Promise.resolve(),
  };
  const silent: PresenceBoard = { ...failing, keep: () => new Promise(() => undefined) };

  test.each([
    ['refuses', failing, 4],
    ['never answers', silent, 1],
  ])('%s does not harm the run, and is told once', async (_what, inner, keepsAwaited) => {
    let keeps = 0;
    const board: PresenceBoard = {
      ...inner,
      keep: (...args) => {
        keeps += 1;
        return inner.keep(...args);
      },
    };
    const job = new JobFixture();
    const source = filledSource(1);
    const said: string[] = [];
    const service = serve(job, { source, rolling, presence: board, clock: hastyClock(200) });
    await until(() => job.committed().size === RECORDS);
    await until(() => {
      said.splice(0, Infinity, ...service.listening.seen.filter((line) => line.includes('presence record')));
      return said.length > 0;
    });
    await until(() => keeps >= keepsAwaited);
    await service.stop();
    expectEachRecordOnce(job, 1, RECORDS);
    expect(said.filter((line) => line.includes('could not be kept')).length).toBe(1);
  });
});
