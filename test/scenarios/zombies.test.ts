import { describe, expect, test } from 'vitest';
import { defaultRollingPolicy } from '../../actors/rolling/policy.ts';
import { FAILPOINTS, type Failpoint } from '../../src/system/failpoints.ts';
import { expectEachRecordOnce, hastyClock, JobFixture, NO_LIMITS, numbered } from './jobFixture.ts';
import { MemorySource } from './memorySource.ts';
import { Pause } from './pause.ts';

const PARTITIONS = 2;
const RECORDS = 40;
const rolling = defaultRollingPolicy({ ...NO_LIMITS, maxBytes: 50 });

const ON_THE_PATH = FAILPOINTS.filter((point) => !['store.resume', 'journal.fileRequest'].includes(point));
/** Passed only by a coordinator that finds something to settle. */
const IN_SETTLING: readonly Failpoint[] = ['store.finish', 'store.commitAfterRecovery', 'store.discard'];
const cases = ON_THE_PATH.flatMap((point) =>
  (['before', 'after'] as const).flatMap((side) => [1, 3].map((nth) => ({ point, side, nth }))),
);

describe('a coordinator that is paused at an effect and wakes after another has done everything', () => {
  test.each(cases)(
    '$point, $side, time $nth: changes nothing and leaves nothing',
    async ({ point, side, nth }) => {
      const job = new JobFixture();
      const source = new MemorySource(PARTITIONS);
      for (let partition = 0; partition < PARTITIONS; partition += 1)
        source.append(partition, ...numbered(partition, RECORDS));
      const clock = hastyClock();
      const bounded = { untilEnd: true, rolling, clock, checkpointIntervalMs: 1 };
      const { signal } = new AbortController();
      if (IN_SETTLING.includes(point)) {
        const dead = new Pause('journal.append', 'after', 9);
        void job.coordinator({ ...bounded, source: new MemorySource(source), failpoints: dead }).run(signal);
        await dead.paused.promise;
      }
      const pause = new Pause(point, side, nth);
      const zombie = job
        .coordinator({ ...bounded, source: new MemorySource(source), failpoints: pause })
        .run(signal);
      await Promise.race([zombie, pause.paused.promise]);
      await job.coordinator({ ...bounded, source }).run(signal);
      const before = job.committed();
      pause.woken.resolve(undefined);
      const report = await zombie;
      expect(report.stopped).toEqual([]);
      expectEachRecordOnce(job, PARTITIONS, RECORDS);
      expect(job.committed()).toEqual(before);
      expect(job.temporary()).toEqual([]);
    },
  );
});
