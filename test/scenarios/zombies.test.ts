import { describe, expect, test } from 'vitest';
import { defaultRollingPolicy } from '../../actors/rollingPolicy.ts';
import { FAILPOINTS, type Failpoint, type Failpoints, type FailpointSide } from '../../src/failpoints.ts';
import { expectEachRecordOnce, hastyClock, JobFixture, NO_LIMITS, numbered } from './jobFixture.ts';
import { MemorySource } from './memorySource.ts';

const PARTITIONS = 2;
const RECORDS = 40;
const rolling = defaultRollingPolicy({ ...NO_LIMITS, maxBytes: 50 });

/** A process that is paused at the n-th hit of a failpoint: none of its effects goes on until it wakes. */
class Pause implements Failpoints {
  readonly paused = Promise.withResolvers<undefined>();
  readonly woken = Promise.withResolvers<undefined>();
  #isPaused = false;
  #count = 0;
  readonly #at: { readonly point: Failpoint; readonly side: FailpointSide; readonly nth: number };

  constructor(point: Failpoint, side: FailpointSide, nth: number) {
    this.#at = { point, side, nth };
  }

  hit(point: Failpoint, side: FailpointSide): Promise<undefined> | undefined {
    if (point === this.#at.point && side === this.#at.side) this.#count += 1;
    if (!this.#isPaused && this.#count < this.#at.nth) return undefined;
    this.#isPaused = true;
    this.paused.resolve(undefined);
    return this.woken.promise;
  }
}

const ON_THE_PATH = FAILPOINTS.filter((point) => !['store.recover', 'journal.fileRequest'].includes(point));
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
