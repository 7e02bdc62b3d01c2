import { describe, expect, test } from 'vitest';
import { defaultRollingPolicy } from '../../actors/rolling/policy.ts';
import { TidemarkError } from '../../journal/errors.ts';
import { JournalFailure } from '../../journal/failure.ts';
import { SourceFailure } from '../../src/sources/failure.ts';
import { StoreFailure } from '../../src/stores/failure.ts';
import { createMemoryJournal, type AppendFault } from '../../journal/memory/journal.ts';
import {
  FAILPOINTS,
  type Failpoint,
  type Failpoints,
  type FailpointSide,
} from '../../src/system/failpoints.ts';
import { expectEachRecordOnce, hastyClock, JobFixture, NO_LIMITS, numbered } from './jobFixture.ts';
import { MemorySource } from './memorySource.ts';

const PARTITIONS = 2;
const RECORDS = 40;
const rolling = defaultRollingPolicy({ ...NO_LIMITS, maxBytes: 50 });

const FAILING = {
  FENCED: (message: string) => new TidemarkError('FENCED', message),
  SOURCE_UNAVAILABLE: (message: string) => new SourceFailure('unavailable', message),
  STORE_UNAVAILABLE: (message: string) => new StoreFailure('unavailable', message),
  STORE_OUTCOME_UNKNOWN: (message: string) => new StoreFailure('outcomeUnknown', message),
  JOURNAL_UNAVAILABLE: (message: string) => new JournalFailure('unavailable', message),
};
type Code = keyof typeof FAILING;

/** The n-th hit of a failpoint fails: before the effect, or after it took effect. */
function failingAt(at: { point: Failpoint; side: FailpointSide; nth: number }, code: Code): Failpoints {
  let count = 0;
  return {
    hit(point, side) {
      if (point !== at.point || side !== at.side) return;
      count += 1;
      if (count === at.nth) throw FAILING[code](`${point} was told to fail ${side} its effect`);
    },
  };
}

function codesOf(point: Failpoint): readonly Code[] {
  if (point.startsWith('source.')) return ['SOURCE_UNAVAILABLE', 'FENCED'];
  return point.startsWith('store.')
    ? ['STORE_UNAVAILABLE', 'STORE_OUTCOME_UNKNOWN']
    : ['JOURNAL_UNAVAILABLE', 'FENCED'];
}

const ON_THE_PATH = FAILPOINTS.filter(
  (point) =>
    ![
      'store.resume',
      'store.claimMarker',
      'journal.fileRequest',
      'journal.jobStarted',
      'journal.markerMade',
      'journal.jobStopped',
    ].includes(point),
);
const failures = ON_THE_PATH.flatMap((point) =>
  codesOf(point).flatMap((code) =>
    (['before', 'after'] as const).flatMap((side) => [1, 4].map((nth) => ({ point, code, side, nth }))),
  ),
);

async function runWith(failpoints: Failpoints | null, onAppend?: () => AppendFault | null): Promise<void> {
  const job = new JobFixture();
  const source = new MemorySource(PARTITIONS);
  for (let partition = 0; partition < PARTITIONS; partition += 1)
    source.append(partition, ...numbered(partition, RECORDS));
  const journal = createMemoryJournal({
    backing: job.backing,
    ...(onAppend === undefined ? {} : { onAppend }),
  });
  const coordinator = job.coordinator({
    source,
    journal,
    untilEnd: true,
    rolling,
    checkpointIntervalMs: 1,
    clock: hastyClock(),
    ...(failpoints === null ? {} : { failpoints }),
  });
  const report = await coordinator.run(new AbortController().signal);
  expect(report.stopped).toEqual([]);
  expectEachRecordOnce(job, PARTITIONS, RECORDS);
  expect(job.temporary()).toEqual([]);
}

describe('an effect that fails once is settled by the same process', () => {
  test.each(failures)('$point fails $side its effect, time $nth, with $code', async ({ code, ...at }) => {
    await runWith(failingAt(at, code));
  });
});

describe('a journal that answers badly', () => {
  const faults = (['replyLost', 'requestLost', 'unavailable', 'full', 'conflict'] as const).flatMap((type) =>
    [1, 2, 3, 4, 6, 9, 14].map((nth) => ({ type, nth })),
  );
  test.each(faults)('append $nth meets $type: every record exactly once', async ({ type, nth }) => {
    let appends = 0;
    await runWith(null, () => {
      appends += 1;
      return appends === nth ? { type } : null;
    });
  });
});
