import { describe, expect, test } from 'vitest';
import { defaultRollingPolicy } from '../../actors/rolling/policy.ts';
import { FAILPOINTS, type Failpoint } from '../../src/system/failpoints.ts';
import { Crash } from './crash.ts';
import { expectEachRecordOnce, JobFixture, NO_LIMITS, numbered } from './jobFixture.ts';
import { MemorySource } from './memorySource.ts';
import { serve, until } from './service.ts';
import { byTime } from '../unit/actors/buckets/ownBuckets.ts';

const PARTITIONS = 2;
const RECORDS = 40;
const rolling = defaultRollingPolicy({ ...NO_LIMITS, maxBytes: 50 });

/** Failpoints that a run of the file store passes; the rest belong to other commands or stores. */
const ON_THE_PATH = FAILPOINTS.filter((point) => !['store.resume', 'journal.fileRequest'].includes(point));
/** Those that only a run after a crash passes. */
const IN_RECOVERY: readonly Failpoint[] = ['store.finish', 'store.commitAfterRecovery', 'store.discard'];

const singles = ON_THE_PATH.filter((point) => !IN_RECOVERY.includes(point)).flatMap((point) =>
  (['before', 'after'] as const).flatMap((side) => [1, 5].map((nth) => ({ point, side, nth }))),
);

describe('a crash at every effect', () => {
  test.each(singles)('$point, $side, time $nth: every record exactly once', async ({ point, side, nth }) => {
    const job = new JobFixture();
    const source = new MemorySource(PARTITIONS);
    for (let partition = 0; partition < PARTITIONS; partition += 1)
      source.append(partition, ...numbered(partition, RECORDS));
    const crash = new Crash(point, side, nth);
    const first = job.coordinator({
      source,
      untilEnd: true,
      rolling,
      checkpointIntervalMs: 1,
      failpoints: crash,
    });
    await Promise.race([first.run(new AbortController().signal), crash.crashed]);
    const before = job.committed();
    await job.coordinator({ source, untilEnd: true, rolling }).run(new AbortController().signal);
    expectEachRecordOnce(job, PARTITIONS, RECORDS);
    for (const [name, content] of before)
      expect(job.committed().get(name), `${name} is never changed`).toBe(content);
    expect(job.temporary()).toEqual([]);
  });
});

describe('a crash during recovery, after a crash', () => {
  const firsts = [
    { point: 'store.write', side: 'after', nth: 8 },
    { point: 'journal.append', side: 'after', nth: 9 },
    { point: 'store.commit', side: 'after', nth: 2 },
    { point: 'store.create', side: 'after', nth: 4 },
  ] as const;
  const seconds = ['journal.claim', 'journal.append', ...IN_RECOVERY] as const;
  const pairs = firsts.flatMap((first) =>
    seconds.flatMap((point) =>
      (['before', 'after'] as const).map((side) => ({ first, second: { point, side, nth: 1 } })),
    ),
  );
  test.each(pairs)('$first.point $first.side, then $second.point $second.side', async ({ first, second }) => {
    const job = new JobFixture();
    const source = new MemorySource(PARTITIONS);
    for (let partition = 0; partition < PARTITIONS; partition += 1)
      source.append(partition, ...numbered(partition, RECORDS));
    for (const at of [first, second]) {
      const crash = new Crash(at.point, at.side, at.nth);
      const coordinator = job.coordinator({
        source,
        untilEnd: true,
        rolling,
        checkpointIntervalMs: 1,
        failpoints: crash,
      });
      await Promise.race([coordinator.run(new AbortController().signal), crash.crashed]);
    }
    await job.coordinator({ source, untilEnd: true, rolling }).run(new AbortController().signal);
    expectEachRecordOnce(job, PARTITIONS, RECORDS);
    expect(job.temporary()).toEqual([]);
  });
});

describe('a crash while files in progress are taken over', () => {
  const IN_TAKEOVER = [
    'journal.claim',
    'journal.append',
    'store.finish',
    'source.commitOffset',
    'store.commit',
    'store.discard',
  ] as const;
  const threeBuckets = byTime((slot) => `bucket-${slot}`);
  const cases = IN_TAKEOVER.flatMap((point) =>
    (['before', 'after'] as const).flatMap((side) => [1, 3].map((nth) => ({ point, side, nth }))),
  );
  test.each(cases)(
    '$point, $side, time $nth, and once more: nothing is lost',
    async ({ point, side, nth }) => {
      const job = new JobFixture();
      const source = new MemorySource(PARTITIONS);
      for (let partition = 0; partition < PARTITIONS; partition += 1) {
        const records = numbered(partition, RECORDS).map((record, index) => ({
          ...record,
          timestampMs: index % 3,
        }));
        source.append(partition, ...records);
      }
      const service = serve(job, { source, assigner: threeBuckets });
      await until(() => service.coordinator.stats.recordsRead === PARTITIONS * RECORDS);
      await service.stop();
      expect(job.temporary().length).toBe(PARTITIONS * 3);
      for (const crash of [new Crash(point, side, nth), new Crash(point, side, nth)]) {
        const coordinator = job.coordinator({
          source,
          untilEnd: true,
          assigner: threeBuckets,
          failpoints: crash,
        });
        await Promise.race([coordinator.run(new AbortController().signal), crash.crashed]);
        expect(crash.hits.has(`${point}:${side}`) || nth > 1 || point === 'store.commit').toBe(true);
      }
      const report = await job.coordinator({ source, untilEnd: true }).run(new AbortController().signal);
      expect(report.stopped).toEqual([]);
      expectEachRecordOnce(job, PARTITIONS, RECORDS);
      expect(job.temporary()).toEqual([]);
    },
  );
});
