import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { defaultRollingPolicy } from '../../actors/rolling/policy.ts';
import { decodeEntry } from '../../journal/entry.ts';
import type { EventOf, PartitionEvent } from '../../journal/events.ts';
import { jobName } from '../../journal/ids.ts';
import { createMemoryJournal, type AppendFault } from '../../journal/memory/journal.ts';
import { partitionSubject } from '../../journal/subjects.ts';
import type { StartFrom, TopicFacts } from '../../src/sources/port.ts';
import { parseWitness } from '../../journal/witness.ts';
import { noFailpoints, type Failpoint, type Failpoints } from '../../src/system/failpoints.ts';
import { createFileStore } from '../../src/stores/local/store.ts';
import type { PartTarget, Store } from '../../src/stores/port.ts';
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
import { finishWith } from '../conformance/store/scene.ts';
import { byTime } from '../unit/actors/buckets/ownBuckets.ts';

const JOB = jobName('numbers');
const PARTITION = { topic: 'numbers', partition: 0 };
const SUBJECT = partitionSubject(JOB, PARTITION);
const RECORDS = 30;
const smallFiles = defaultRollingPolicy({ ...NO_LIMITS, maxBytes: 20 });

/** What the journal of partition 0 holds at this moment, as another process would read it. */
function journaled(job: JobFixture): PartitionEvent[] {
  const entries = job.backing.subjects.get(SUBJECT) ?? [];
  return entries.flatMap(({ bytes }) => decodeEntry(bytes, 'The entry').events as readonly PartitionEvent[]);
}

function ofType<T extends PartitionEvent['type']>(
  events: readonly PartitionEvent[],
  type: T,
): Extract<PartitionEvent, { type: T }>[] {
  return events.filter((event): event is Extract<PartitionEvent, { type: T }> => event.type === type);
}

const changesOf = (events: readonly PartitionEvent[]): EventOf<'checkpointCompleted'>['parts'] =>
  events.flatMap((event) =>
    event.type === 'checkpointPart' || event.type === 'checkpointCompleted' ? event.parts : [],
  );

/** A file store that looks into the journal, and at what the group was told, before each of its effects. */
function watchingStore(job: JobFixture, source: MemorySource): Store {
  const store = createFileStore();
  const published = ({ partId, temporaryUri }: PartTarget): void => {
    const events = journaled(job);
    const at = events.findIndex((event) =>
      changesOf([event]).some((part) => part.partId === partId && part.state === 'pending'),
    );
    expect(at, 'a file is published only once a checkpoint made it pending').toBeGreaterThan(-1);
    const completed = events.slice(at).find((event) => event.type === 'checkpointCompleted');
    expect(completed, 'the checkpoint is completed').toBeDefined();
    expect(ofType(events, 'partCommitted').map((event) => event.partId)).not.toContain(partId);
    const part = changesOf(events).find((change) => change.partId === partId && change.state === 'pending');
    const told = source.commits.at(-1);
    expect(told?.nextOffset ?? 0n, 'the group is told before').toBeGreaterThan(part?.lastOffset ?? -1n);
    expect(
      parseWitness(told?.witness ?? null)?.seq ?? 0,
      'the witness covers the checkpoint',
    ).toBeGreaterThanOrEqual(
      (job.backing.subjects.get(SUBJECT) ?? []).findIndex(({ bytes }) =>
        new TextDecoder().decode(bytes).includes(`"${partId}","state":"pending"`),
      ) + 1,
    );
    const names = [
      ...ofType(events, 'partOpened').map((event) => event.temporaryUri),
      ...ofType(events, 'partMoved').map((event) => event.toUri),
    ];
    expect(names).toContain(temporaryUri);
  };
  return storeWith({
    create: (target) => {
      const opened = ofType(journaled(job), 'partOpened').map((event) => event.temporaryUri);
      expect(opened, 'a file is journaled before it is created').toContain(target.temporaryUri);
      return store.create(target);
    },
    takeover: {
      ...{ type: 'finish', copies: true },
      finish: (target, durable, { toUri }) => {
        const moved = ofType(journaled(job), 'partMoved').map((event) => event.toUri);
        expect(moved, 'a copy is journaled before it is made').toContain(toUri);
        expect(toUri).not.toBe(target.temporaryUri);
        return finishWith(store, target, durable, toUri);
      },
    },
    commit: (target, durable) => {
      published(target);
      return store.commit(target, durable);
    },
    commitAfterRecovery: (target, durable) => {
      published(target);
      return store.commitAfterRecovery(target, durable);
    },
    discard: (uris, handle) => {
      const events = journaled(job);
      const needed = ofType(events, 'partOpened').filter(({ partId }) => {
        const pending = changesOf(events).some((part) => part.partId === partId && part.state === 'pending');
        return !pending && changesOf(events).some((part) => part.partId === partId);
      });
      for (const { temporaryUri } of needed) {
        expect(uris, 'what a checkpoint holds is removed only once a later one holds the copy').not.toContain(
          temporaryUri,
        );
      }
      return store.discard(uris, handle);
    },
  });
}

/** Everything stops at the n-th hit of a point, as by a crash. */
function crashAt(point: Failpoint, nth: number): Failpoints & { readonly crashed: Promise<undefined> } {
  const crashed = Promise.withResolvers<undefined>();
  let count = 0;
  return {
    crashed: crashed.promise,
    hit(at, side) {
      if (at === point && side === 'before') count += 1;
      if (count < nth) return undefined;
      crashed.resolve(undefined);
      return new Promise(() => undefined);
    },
  };
}

describe('decide, journal, act', () => {
  test.each([1, 2, 4, 7])(
    'every effect follows its journal entry, over a crash at append %i',
    async (nth) => {
      const job = new JobFixture();
      const source = new MemorySource(1);
      source.append(0, ...numbered(0, RECORDS));
      const crash = crashAt('journal.append', nth * 3);
      for (const failpoints of [crash, noFailpoints]) {
        const coordinator = job.coordinator({
          source,
          store: watchingStore(job, source),
          rolling: smallFiles,
          untilEnd: true,
          checkpointIntervalMs: 1,
          failpoints,
        });
        const run = coordinator.run(new AbortController().signal);
        const report = await Promise.race([
          run,
          crash.crashed.then(() => (failpoints === crash ? null : run)),
        ]);
        if (report !== null) expect(report.stopped).toEqual([]);
      }
      expectEachRecordOnce(job, 1, RECORDS);
      const committed = ofType(journaled(job), 'partCommitted').map(({ partId }) => partId);
      expect(new Set(committed).size).toBe(committed.length);
      expect(committed.length).toBe(job.committed().size);
      expect(ofType(journaled(job), 'epochClaimed').map(({ epoch }) => epoch)).toEqual([1, 2]);
    },
  );
});

describe('where a topic begins', () => {
  test('is chosen once, by the first start that names it, even where nothing was claimed then', async () => {
    const job = new JobFixture();
    const source = new MemorySource(1);
    source.append(0, ...numbered(0, 5));
    const latest = (at: MemorySource): MemorySource => {
      at.startOffsets = () => Promise.resolve(at.logs.map((log) => BigInt(log.length)));
      return at;
    };
    const crash = crashAt('journal.claim', 1);
    const first = job.coordinator({ source: latest(source), failpoints: crash });
    await Promise.race([first.run(new AbortController().signal), crash.crashed]);
    source.append(0, ...numbered(0, 5, 5));
    for (let run = 0; run < 2; run += 1) {
      await job
        .coordinator({ source: latest(new MemorySource(source)), untilEnd: true })
        .run(new AbortController().signal);
      source.append(0, ...numbered(0, 5, 10 + run * 5));
    }
    const lines = [...job.committed().values()].join('').split('\n').slice(0, -1);
    expect(lines).toEqual(numbered(0, 10, 5).map(({ value }) => value));
  });

  /** What the source is asked where topics begin: the first is there at the first start, the others later. */
  async function asked(startFrom: StartFrom, topics: readonly TopicFacts[]) {
    const job = new JobFixture();
    const seen: [string, StartFrom][] = [];
    const rest = topics.slice(1);
    for (const missing of [rest, []]) {
      const source = new MemorySource(1);
      source.startOffsets = (topic, from) => {
        seen.push([topic, from]);
        return Promise.resolve([0n]);
      };
      const facts = await source.describe();
      const there = topics.filter((each) => !missing.includes(each));
      source.describe = () => Promise.resolve({ ...facts, topics: there });
      await job.coordinator({ source, startFrom, untilEnd: true }).run(new AbortController().signal);
    }
    return seen;
  }
  const topic = (name: string, isMatched: boolean) => ({
    topic: name,
    topicId: name,
    partitions: 1,
    isMatched,
  });

  test('that the job file names: by startFrom, whenever it comes', async () => {
    const latest = { type: 'latest' } as const;
    expect(await asked(latest, [topic('a', false), topic('b', false)])).toEqual([
      ['a', latest],
      ['b', latest],
    ]);
  });

  test('that a pattern finds: by startFrom at the first start, at its first record after it', async () => {
    const latest = { type: 'latest' } as const;
    expect(await asked(latest, [topic('a', true), topic('b', true)])).toEqual([
      ['a', latest],
      ['b', { type: 'earliest' }],
    ]);
  });

  test('where offsets are given: at those; after the first start, others at their first record', async () => {
    const given = { type: 'offsets', offsets: { a: { 0: 7n }, c: { 0: 9n } } } as const;
    expect(await asked(given, [topic('a', false), topic('b', false), topic('c', false)])).toEqual([
      ['a', given],
      ['b', { type: 'earliest' }],
      ['c', { ...given, unlisted: 'earliest' }],
    ]);
    expect(await asked(given, [topic('a', true), topic('b', true), topic('c', true)])).toEqual([
      ['a', given],
      ['b', { type: 'earliest' }],
      ['c', { ...given, unlisted: 'earliest' }],
    ]);
  });

  test('a partition that the topic gains later begins at 0', async () => {
    const job = new JobFixture();
    const source = new MemorySource(1);
    source.startOffsets = () => Promise.resolve(source.logs.map((log) => BigInt(log.length)));
    const service = serve(job, { source, rolling: smallFiles });
    await until(() => service.coordinator.partitionsRunning === 1);
    source.logs.push([]);
    source.append(1, ...numbered(1, 20));
    source.assign([0, 1]);
    await until(() => [...job.committed().values()].join('').includes('1:0\n'));
    await service.stop();
  });
});

describe('a checkpoint too large for one entry', () => {
  const spread = byTime((slot) => `b${slot}`);
  const records = Array.from({ length: 40 }, (_, index) => ({
    value: `0:${index}`,
    timestampMs: index % 20,
  }));
  const small = 4_000;

  test.each([2, 5, 9, 21, 24, 26, 30])(
    'its pieces count only with their completion: crash at append %i',
    async (nth) => {
      const job = new JobFixture();
      const source = new MemorySource(1);
      source.append(0, ...records);
      const crash = crashAt('journal.append', nth);
      for (const failpoints of [crash, noFailpoints]) {
        const coordinator = job.coordinator({
          source,
          journal: createMemoryJournal({ backing: job.backing, entryBytesMax: small }),
          assigner: spread,
          untilEnd: true,
          checkpointIntervalMs: 1,
          failpoints,
        });
        const run = coordinator.run(new AbortController().signal);
        await Promise.race([run, crash.crashed.then(() => (failpoints === crash ? null : run))]);
      }
      expectEachRecordOnce(job, 1, 40);
      expect(job.temporary()).toEqual([]);
      expect(ofType(journaled(job), 'checkpointPart').length).toBeGreaterThan(0);
    },
  );
});

describe('an owner that is told to let go while it makes a file', () => {
  test.each(['create', 'finish'] as const)(
    '%s: removes what its successor does not look for',
    async (call) => {
      const job = new JobFixture();
      const source = new MemorySource(1);
      source.append(0, ...numbered(0, 10));
      if (call === 'finish') {
        const first = serve(job, { source });
        await until(() => first.coordinator.stats.recordsRead === 10);
        await first.stop();
      }
      const store = createFileStore();
      const [begun, goOn] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
      const wait = async (): Promise<void> => {
        begun.resolve(undefined);
        await goOn.promise;
      };
      const slow = storeWith({
        create: async (target) => {
          if (call === 'create') await wait();
          return store.create(target);
        },
        takeover: {
          ...{ type: 'finish', copies: true },
          finish: async (target, durable, { toUri }) => {
            if (call === 'create') return finishWith(store, target, durable, toUri);
            // A copy of many bytes, under way for so long that the successor has removed its source.
            const bytes = readFileSync(fileURLToPath(target.temporaryUri)).subarray(0, durable.length);
            await wait();
            writeFileSync(fileURLToPath(toUri), bytes);
            return { ...durable, handle: null };
          },
        },
      });
      const own = new MemorySource(source);
      const service = serve(job, { source: own, store: slow });
      await begun.promise;
      own.assign([]);
      await job.coordinator({ source, untilEnd: true }).run(new AbortController().signal);
      goOn.resolve(undefined);
      await until(() => service.coordinator.partitionsRunning === 0);
      await service.stop();
      expectEachRecordOnce(job, 1, 10);
      expect(job.temporary()).toEqual([]);
    },
  );
});

describe('a late entry of a former owner', () => {
  test('that arrives after another has claimed has no effect', async () => {
    const job = new JobFixture();
    const source = new MemorySource(1);
    source.append(0, ...numbered(0, RECORDS));
    let appends = 0;
    let isSlow = true;
    const journal = createMemoryJournal({
      backing: job.backing,
      onAppend: (subject): AppendFault | null => {
        if (subject !== SUBJECT) return null;
        appends += 1;
        return isSlow && appends > 6 ? { type: 'late' } : null;
      },
    });
    const abort = new AbortController();
    const zombie = job.coordinator({
      source: new MemorySource(source),
      journal,
      rolling: smallFiles,
      checkpointIntervalMs: 1,
      clock: hastyClock(20),
    });
    const ended = zombie.run(abort.signal);
    await until(() => job.backing.late.length > 0);
    await job.coordinator({ source, rolling: smallFiles, untilEnd: true }).run(new AbortController().signal);
    const before = job.committed();
    isSlow = false;
    expect(journal.deliverLate().every(({ type }) => type === 'conflict')).toBe(true);
    abort.abort();
    await ended;
    expect(job.committed()).toEqual(before);
    expectEachRecordOnce(job, 1, RECORDS);
    expect(job.temporary()).toEqual([]);
  });
});
