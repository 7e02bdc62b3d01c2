/** Partitions that the source names no more, with files in progress. */
import { rmSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { TopicPartition } from '../../journal/ids.ts';
import { partitionName } from '../../journal/ids.ts';
import { SourceFailure } from '../../src/sources/failure.ts';
import type { PartitionEvent } from '../../journal/events.ts';
import { createMemoryJournal } from '../../journal/memory/journal.ts';
import { replay } from '../../journal/replay.ts';
import { partitionSubject } from '../../journal/subjects.ts';
import { systemClock } from '../../src/system/clock.ts';
import { createFileSource } from '../../src/sources/files/source.ts';
import type { Source, SourceListener } from '../../src/sources/port.ts';
import { silentLog } from '../../src/telemetry/log.ts';
import { jobName } from '../../journal/ids.ts';
import { Crash } from './crash.ts';
import { expectEachRecordOnce, hastyClock, JobFixture, numbered } from './jobFixture.ts';
import { MemorySource } from './memorySource.ts';
import { serve, until } from './service.ts';

const PARTITIONS = 2;
const RECORDS = 20;
const NEVER = new AbortController().signal;

/** The topic is gone, or out of the job: what is unfinished is handed to the one member. */
class WithoutTopic extends MemorySource {
  readonly handedOut: string[] = [];

  override describe() {
    return Promise.resolve({ clusterId: 'cluster-1', groupId: 'group-1', topics: [] });
  }

  override async start(listener: SourceListener): Promise<void> {
    const unnamed = (await listener.unfinished?.(new Set())) ?? [];
    this.handedOut.push(...unnamed.map(partitionName));
    listener.assigned([], unnamed);
  }

  override open(): never {
    throw new Error('a partition that is named no more is read');
  }

  override commitOffset(): never {
    throw new Error('the group is told of a partition that is named no more');
  }

  override verifyIdentity(): never {
    throw new Error('a partition that is named no more is asked for');
  }
}

function filled(records = RECORDS): MemorySource {
  const source = new MemorySource(PARTITIONS);
  for (const partition of source.logs.keys()) source.append(partition, ...numbered(partition, records));
  return source;
}

/** Reads all, and leaves it in files in progress. */
async function leaveInProgress(
  job: JobFixture,
  source: Source,
  records = PARTITIONS * RECORDS,
): Promise<void> {
  const service = serve(job, { source });
  await until(() => service.coordinator.stats.recordsRead === records);
  await service.stop();
}

async function eventsOf(job: JobFixture, at: TopicPartition): Promise<PartitionEvent['type'][]> {
  const types: PartitionEvent['type'][] = [];
  const journal = createMemoryJournal({ backing: job.backing });
  for await (const { entry } of replay(journal, partitionSubject(jobName('numbers'), at)))
    types.push(...entry.events.map(({ type }) => type as PartitionEvent['type']));
  return types;
}

const linesIn = (job: JobFixture): string[] =>
  [...job.committed().values()].flatMap((content) => content.split('\n').slice(0, -1)).toSorted();

describe('a partition that the source names no more', () => {
  test('publishes all that was counted, is retired, and named in the log', async () => {
    const job = new JobFixture();
    const source = filled();
    await leaveInProgress(job, source);
    expect(job.committed().size).toBe(0);
    const gone = new WithoutTopic(source);
    const service = serve(job, { source: gone });
    await service.listening.heard('the partition is retired');
    await until(() => service.coordinator.partitionsRunning === 0);
    expect((await service.stop()).stopped).toEqual([]);
    expect(gone.handedOut).toEqual(['numbers/0', 'numbers/1']);
    expect(service.listening.seen.join('\n')).toContain('numbers/1 is no longer in the source');
    expectEachRecordOnce(job, PARTITIONS, RECORDS);
    expect(job.temporary()).toEqual([]);
    expect((await eventsOf(job, { topic: 'numbers', partition: 0 })).at(-1)).toBe('partitionRetired');
    // Nothing is owed any more: the next start is handed nothing.
    const again = new WithoutTopic(source);
    const end = await job.coordinator({ source: again, untilEnd: true }).run(NEVER);
    expect([end.reason, end.stopped, again.handedOut]).toEqual(['end', [], []]);
  });

  test('is read on where it comes back', async () => {
    const job = new JobFixture();
    const source = filled();
    await leaveInProgress(job, source);
    await job.coordinator({ source: new WithoutTopic(source), untilEnd: true }).run(NEVER);
    for (const partition of source.logs.keys()) source.append(partition, ...numbered(partition, 5, RECORDS));
    await job.coordinator({ source: new MemorySource(source), untilEnd: true }).run(NEVER);
    expectEachRecordOnce(job, PARTITIONS, RECORDS + 5);
  });

  test('that was stopped publishes what it had counted all the same; its stop is over', async () => {
    const job = new JobFixture();
    const source = filled();
    await leaveInProgress(job, source);
    const broken = new MemorySource(source);
    broken.breakFeeds(new SourceFailure('rangeLost', 'records are gone', { affected: { fromOffset: 20n } }));
    const { stopped } = await job
      .coordinator({ source: broken, clock: hastyClock() })
      .run(AbortSignal.timeout(300));
    expect(stopped).toHaveLength(PARTITIONS);
    await job.coordinator({ source: new WithoutTopic(source), untilEnd: true }).run(NEVER);
    expectEachRecordOnce(job, PARTITIONS, RECORDS);
    expect(job.temporary()).toEqual([]);
  });

  test('whose topic is deleted under its reader is published and retired by it, and is no stop', async () => {
    const job = new JobFixture();
    const source = filled();
    await leaveInProgress(job, source);
    const deleted = new MemorySource(source);
    deleted.breakFeeds(new SourceFailure('deleted', 'the topic was deleted'));
    const service = serve(job, { source: deleted });
    await service.listening.heard('the partition is retired');
    await until(() => service.coordinator.partitionsRunning === 0);
    expect((await service.stop()).stopped).toEqual([]);
    expect(service.listening.seen.join('\n')).toContain('its topic is gone');
    expectEachRecordOnce(job, PARTITIONS, RECORDS);
    expect(job.temporary().filter((name) => !name.startsWith('.tidemark'))).toEqual([]);
  });

  test('stops again where a counted file cannot be published, and is no success', async () => {
    const job = new JobFixture();
    const source = filled();
    await leaveInProgress(job, source);
    for (const file of job.temporary()) if (file.includes('numbers-0')) rmSync(join(job.folder, file));
    const names = job.temporary().filter((file) => !file.includes('.tidemark/'));
    for (const file of names.slice(0, 1)) rmSync(join(job.folder, file));
    const { stopped } = await job
      .coordinator({ source: new WithoutTopic(source), untilEnd: true, clock: hastyClock() })
      .run(NEVER);
    expect(stopped).toMatchObject([{ stop: { code: 'STORE_FILE_MISSING' } }]);
    expect(linesIn(job)).toHaveLength(RECORDS);
  });

  const POINTS = [
    'journal.claim',
    'journal.append',
    'store.finish',
    'store.commit',
    'store.discard',
  ] as const;
  const cases = POINTS.flatMap((point) => (['before', 'after'] as const).map((side) => ({ point, side })));
  test.each(cases)('survives a crash at $point, $side', async ({ point, side }) => {
    const job = new JobFixture();
    const source = filled();
    await leaveInProgress(job, source);
    for (const nth of [1, 2]) {
      const crash = new Crash(point, side, nth);
      const run = job.coordinator({ source: new WithoutTopic(source), untilEnd: true, failpoints: crash });
      await Promise.race([run.run(NEVER), crash.crashed]);
    }
    const { stopped } = await job
      .coordinator({ source: new WithoutTopic(source), untilEnd: true })
      .run(NEVER);
    expect(stopped).toEqual([]);
    expectEachRecordOnce(job, PARTITIONS, RECORDS);
    expect(job.temporary()).toEqual([]);
  });
});

describe('a source file that was read and is deleted', () => {
  const make = (folder: string, untilEnd: boolean): Source =>
    createFileSource({
      ...{ baseDir: folder, pattern: '*.txt', time: null, clock: systemClock, log: silentLog },
      ...{ untilEnd, pollMs: 20, stableMs: 200 },
    });

  test.each([true, false])('keeps none of its counted lines hidden (--until-end: %s)', async (untilEnd) => {
    const folder = mkdtempSync(join(tmpdir(), 'tidemark-gone-'));
    onTestFinished(() => {
      rmSync(folder, { recursive: true, force: true });
    });
    for (const name of ['a', 'b']) writeFileSync(join(folder, `${name}.txt`), `${name}:1\n${name}:2\n`);
    const job = new JobFixture();
    await leaveInProgress(job, make(folder, false), 4);
    expect(job.committed().size).toBe(0);
    rmSync(join(folder, 'a.txt'));
    if (untilEnd) {
      const end = await job.coordinator({ source: make(folder, true), untilEnd }).run(NEVER);
      expect([end.reason, end.stopped]).toEqual(['end', []]);
      expect(linesIn(job)).toEqual(['a:1', 'a:2', 'b:1', 'b:2']);
      return;
    }
    const service = serve(job, { source: make(folder, false) });
    await service.listening.heard('the partition is retired');
    await service.stop();
    expect(linesIn(job).filter((line) => line.startsWith('a'))).toEqual(['a:1', 'a:2']);
    const retirals = (await eventsOf(job, { topic: 'a.txt', partition: 0 })).filter(
      (type) => type === 'partitionRetired',
    );
    expect(retirals).toHaveLength(1);
  });
});
