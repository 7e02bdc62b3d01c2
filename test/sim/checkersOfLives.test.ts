import { expect, it } from 'vitest';
import { checkAll } from '../../sim/checkers/all.ts';
import { IS_NOT_REFUSED, type Facts } from '../../sim/checkers/facts.ts';
import type { JobChange } from '../../sim/job/change.ts';
import {
  type Broken,
  change,
  completed,
  expectBroken,
  FIRST,
  JOURNAL,
  journalOf,
  type JournalLine,
  opened,
  SECOND,
  SOUND,
} from './trace.ts';

const BY_SECOND = { by: 'record-time', pattern: 'ss', timezone: 'UTC' } as const;

const ANY_ROLL = { maxBytes: 1_000, maxAgeMs: 500, maxIdleMs: 200, atCheckpoint: false };

/** The second file was opened by who read the first, and its records were read by another owner. */
const TAKEN_OVER = journalOf(
  [10, { type: 'epochClaimed', epoch: 1, claimId: 'c', startOffset: '0' }],
  [20, opened('a', FIRST)],
  [100, completed(1, 3, 3, [change('a', 'pending', [0, 2], 12)])],
  [110, opened('b', SECOND)],
  [130, { type: 'partCommitted', partId: 'a' }],
  [150, { type: 'epochClaimed', epoch: 2, claimId: 'd', startOffset: '0' }],
  [200, completed(2, 5, 2, [change('b', 'pending', [3, 4], 8)])],
  [230, { type: 'partCommitted', partId: 'b' }],
);

/** The claim d is of a process with this job file; it reads the second file's records. */
function ofOthers(change: JobChange): Partial<Facts> {
  return {
    lives: [
      { process: 'p0.0', change: {} },
      { process: 'p1.0', change },
    ],
    claimants: { c: 'p0.0', d: 'p1.0' },
    journal: [
      ...JOURNAL.slice(0, 3),
      ...journalOf([105, { type: 'epochClaimed', epoch: 2, claimId: 'd', startOffset: '0' }]),
      ...JOURNAL.slice(3),
    ],
  };
}

const SECOND_FILE: readonly JournalLine[] = [
  [110, opened('b', SECOND)],
  [130, { type: 'partCommitted', partId: 'a' }],
  [200, completed(3, 5, 2, [change('b', 'pending', [3, 4], 8)])],
  [230, { type: 'partCommitted', partId: 'b' }],
];

const BROKEN: readonly Broken[] = [
  {
    name: 'a process writes to the journal whose sink is not the journaled one',
    invariant: 'P6',
    trace: { lives: [{ process: 'p0.0', change: { sink: 'entropy' } }], claimants: { d: 'p0.0' } },
  },
  {
    name: 'a process runs on whose sink is not the journaled one',
    invariant: 'P6',
    trace: { happenings: [{ atMs: 300, process: 'p0.1', what: IS_NOT_REFUSED }] },
  },
  {
    name: 'a process ends because of its sink, which is the journaled one',
    invariant: 'P6',
    trace: { exits: [{ process: 'p0.0', atMs: 390, error: { code: 'SINK_CHANGED', message: 'x' } }] },
  },
  {
    name: 'a file is opened under a name that its opener is not configured with',
    invariant: 'P7',
    trace: ofOthers({ prefix: 'data' }),
    files: [SECOND],
  },
  {
    name: 'a record lies in another bucket than that of whoever read it',
    invariant: 'P7',
    trace: { ...ofOthers({ buckets: BY_SECOND }), journal: TAKEN_OVER },
    offsets: ['3', '4'],
    files: [SECOND],
  },
  {
    name: 'a file goes on that is as long as it may get',
    invariant: 'P7',
    trace: {
      ...ofOthers({ roll: { maxBytes: 4, maxAgeMs: 500, maxIdleMs: 200, atCheckpoint: false } }),
      journal: journalOf(
        [10, { type: 'epochClaimed', epoch: 1, claimId: 'd', startOffset: '0' }],
        [20, opened('a', FIRST)],
        [80, completed(1, 1, 1, [change('a', 'inProgress', [0, 0], 4)])],
        [100, completed(2, 3, 2, [change('a', 'pending', [0, 2], 12)])],
        ...SECOND_FILE,
      ),
    },
    files: [FIRST],
  },
  {
    name: 'a file goes on that has as many records as it may have',
    invariant: 'P7',
    trace: {
      ...ofOthers({ roll: { ...ANY_ROLL, maxRecords: 1 } }),
      journal: journalOf(
        [10, { type: 'epochClaimed', epoch: 1, claimId: 'd', startOffset: '0' }],
        [20, opened('a', FIRST)],
        [80, completed(1, 1, 1, [change('a', 'inProgress', [0, 0], 4)])],
        [90, { type: 'epochClaimed', epoch: 2, claimId: 'c', startOffset: '0' }],
        [100, completed(2, 3, 2, [change('a', 'pending', [0, 2], 12)])],
        ...SECOND_FILE,
      ),
    },
    files: [FIRST],
  },
  {
    name: 'a file is closed with more records than it may have',
    invariant: 'P7',
    trace: ofOthers({ roll: { ...ANY_ROLL, maxRecords: 1 } }),
    files: [SECOND],
  },
];

it('a file may be as full of records as it may get, and one that was fuller before may be closed', () => {
  expect(checkAll({ ...SOUND, ...ofOthers({ roll: { ...ANY_ROLL, maxRecords: 2 } }) })).toEqual([]);
  const journal = journalOf(
    [10, { type: 'epochClaimed', epoch: 1, claimId: 'c', startOffset: '0' }],
    [20, opened('a', FIRST)],
    [80, completed(1, 3, 3, [change('a', 'inProgress', [0, 2], 12)])],
    [90, { type: 'epochClaimed', epoch: 2, claimId: 'd', startOffset: '0' }],
    [100, completed(2, 3, 0, [change('a', 'pending', [0, 2], 12)])],
    ...SECOND_FILE,
  );
  const lowered = ofOthers({ roll: { ...ANY_ROLL, maxRecords: 2 } });
  expect(checkAll({ ...SOUND, ...lowered, journal })).toEqual([]);
});

it.each(BROKEN)('$invariant alone is broken where $name', expectBroken);

it('a record is judged by the configuration of whoever read it, a file by that of whoever opened it', () => {
  const apart = {
    roll: { maxBytes: 1_000, maxAgeMs: 1, maxIdleMs: 1, atCheckpoint: true },
    checkpointIntervalMs: 1,
  };
  expect(checkAll({ ...SOUND, ...ofOthers(apart) })).toEqual([]);
});
