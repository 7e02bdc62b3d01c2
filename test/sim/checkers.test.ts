import { describe, expect, it } from 'vitest';
import { checkAll } from '../../sim/checkers/all.ts';
import { DOES_NOT_END, type Facts } from '../../sim/checkers/facts.ts';
import type { VisibleChange } from '../../sim/schedule.ts';
import {
  type Broken,
  change,
  completed,
  expectBroken,
  FIRST,
  FIRST_CONTENT,
  JOURNAL,
  journalOf,
  type JournalLine,
  opened,
  SECOND,
  SOUND,
  VISIBLE,
} from './trace.ts';

const [firstShown, secondShown] = VISIBLE as [VisibleChange, VisibleChange];
/** Further files of the same records, as a journal that opened them would allow. */
const COPY = 'file:///lake/part-numbers-0-00000000000000000002';

/** The first of another generation. */
const THIRD = 'file:///lake/part-numbers-0-00000000000000000003.g2';
const SECOND_GENERATION: readonly JournalLine[] = [
  [300, truncatedAt(3)],
  [310, { type: 'logTruncationAccepted', requestId: 1, divergedAt: '3', leaderEpoch: 0 }],
  [320, opened('c', THIRD)],
  [340, completed(3, 4, 1, [change('c', 'pending', [3, 3], 6)])],
  [360, { type: 'partCommitted', partId: 'c' }],
];

/** The log of SOUND was cut at 150 ms, and holds these in the end. */
function cutAt(offset: number, values: readonly string[]): Partial<Facts> {
  const records = [0, 1, 2, 3, 4].map((at) => ({ offset: String(at), value: `0:${at}` }));
  return {
    earlier: [[{ untilMs: 150, cutAt: offset, records }]],
    expected: [values.map((value) => ({ offset: value.slice(value.indexOf(':') + 1), value }))],
    harms: [{ type: 'logTruncated', atMs: 150, partition: 0, codes: ['SOURCE_TRUNCATED'] }],
  };
}

function truncatedAt(divergedAt: number) {
  const truncation = { divergedAt: String(divergedAt), leaderEpoch: 0 };
  return { type: 'partitionStopped', code: 'SOURCE_TRUNCATED', message: 'x', files: [], truncation };
}

const BROKEN: readonly Broken[] = [
  {
    name: 'a record below nextOffset is in no file',
    invariant: 'P1',
    trace: { visible: [firstShown, { ...secondShown, content: '0:3\n' }], journal: secondHolds(3, 3, 4) },
    offsets: ['4'],
  },
  {
    name: 'a checkpoint goes back',
    invariant: 'P1',
    trace: { journal: [...JOURNAL, ...journalOf([240, completed(3, 3, -2, [])])] },
    offsets: ['3'],
  },
  {
    name: 'a file in progress holds what a checkpoint does not count, for a while',
    invariant: 'P1',
    trace: {
      journal: journalOf(
        [20, opened('a', FIRST)],
        [60, completed(1, 2, 2, [change('a', 'inProgress', [0, 2], 12)])],
        [100, completed(2, 3, 1, [change('a', 'pending', [0, 2], 12)])],
        ...rest(3),
      ),
    },
    offsets: ['0', '1'],
  },
  {
    name: 'a file is journaled as committed before it stands under its name',
    invariant: 'P1',
    trace: { visible: [firstShown, { ...secondShown, atMs: 231 }] },
    offsets: ['3', '4'],
    files: [SECOND],
  },
  {
    name: 'a record can be seen in two files',
    invariant: 'P2',
    trace: {
      visible: [...VISIBLE, { atMs: 300, uri: COPY, type: 'appeared', content: '0:2\n' }],
      journal: [...JOURNAL, ...journalOf([250, opened('d', COPY)], [260, emptied('d')])],
    },
    offsets: ['2'],
    files: [COPY, FIRST],
  },
  {
    name: 'a file ends in the middle of a record',
    invariant: 'P2',
    trace: { visible: [firstShown, { ...secondShown, content: '0:3\n0:4' }], journal: secondHolds(3, 4, 7) },
    files: [SECOND],
  },
  {
    name: 'a file holds a record that was aborted',
    invariant: 'P2',
    trace: {
      visible: [firstShown, { ...secondShown, content: '0:3\n0:4\n0:9\n' }],
      journal: secondHolds(3, 4, 12),
    },
    offsets: ['9'],
    files: [SECOND],
  },
  {
    name: 'a file is published before the checkpoint that closes it is complete',
    invariant: 'P2',
    trace: { visible: [{ ...firstShown, atMs: 99 }, secondShown] },
    offsets: ['0', '1', '2'],
    files: [FIRST],
  },
  {
    name: 'a file that no journal entry names is published',
    invariant: 'P2',
    trace: { visible: [...VISIBLE, { atMs: 300, uri: `${COPY}x`, type: 'appeared', content: '' }] },
    files: [`${COPY}x`],
  },
  {
    name: 'two records have changed places',
    invariant: 'P3',
    trace: { visible: [{ ...firstShown, content: '0:1\n0:0\n0:2\n' }, secondShown] },
    offsets: ['1', '0'],
    files: [FIRST],
  },
  {
    name: 'a committed file is shortened',
    invariant: 'P4',
    trace: { visible: [...VISIBLE, { atMs: 300, uri: FIRST, type: 'changed', content: '0:0\n' }] },
    offsets: ['1', '2'],
    files: [FIRST],
  },
  {
    name: 'a committed file is written into, even with the same bytes',
    invariant: 'P4',
    trace: { visible: [...VISIBLE, { atMs: 300, uri: FIRST, type: 'changed', content: FIRST_CONTENT }] },
    files: [FIRST],
  },
  {
    name: 'a committed file is removed',
    invariant: 'P4',
    trace: { visible: [...VISIBLE, { atMs: 300, uri: FIRST, type: 'gone', content: null }] },
    offsets: ['0', '1', '2'],
    files: [FIRST],
  },
  {
    name: 'a file is committed late',
    invariant: 'P5',
    trace: { completeAtMs: 1_000_000 },
  },
  {
    name: 'a record that was never checkpointed is never committed',
    invariant: 'P5',
    trace: {
      completeAtMs: null,
      visible: [firstShown],
      journal: JOURNAL.slice(0, 5),
      leftovers: ['file:///lake/.b'],
    },
    offsets: ['3', '4'],
    files: ['file:///lake/.b'],
  },
  {
    name: 'a temporary file is left',
    invariant: 'P5',
    trace: { leftovers: ['file:///lake/.b'] },
    files: ['file:///lake/.b'],
  },
  {
    name: 'a process does not end',
    invariant: 'P5',
    trace: { happenings: [{ atMs: 400, process: '', what: DOES_NOT_END }] },
  },
  {
    name: 'a partition is stopped',
    invariant: 'P6',
    trace: { stopped: [{ process: 'p0.0', partition: 'numbers/0', code: 'INTERNAL', message: 'x' }] },
  },
  {
    name: 'a stop is journaled by a process that then dies',
    invariant: 'P6',
    trace: {
      journal: [
        ...JOURNAL,
        ...journalOf([
          300,
          { type: 'partitionStopped', code: 'STORE_FILE_MISSING', message: 'x', files: [FIRST] },
        ]),
      ],
    },
    files: [FIRST],
  },
  {
    name: 'a process ends with an error that no fault explains',
    invariant: 'P6',
    trace: {
      exits: [{ process: 'p0.0', atMs: 100, error: { code: 'INTERNAL', message: 'x' } }],
      fired: [true],
    },
  },
  {
    name: 'a process gives up though no fault has taken place',
    invariant: 'P6',
    trace: {
      exits: [{ process: 'p0.0', atMs: 390, error: { code: 'STORE_UNAVAILABLE', message: 'x' } }],
      fired: [false],
    },
  },
  {
    name: 'an error is logged',
    invariant: 'P6',
    trace: { alarms: [{ process: 'p0.0', message: 'oops', code: null, detail: 'x' }] },
  },
  {
    name: 'a rejection reaches nobody',
    invariant: 'P6',
    trace: { unhandled: ['Error: x'] },
  },
  {
    name: 'records are skipped without a word',
    invariant: 'P6',
    trace: { journal: [...JOURNAL, ...journalOf([300, completed(3, 5, 1, [])])] },
    offsets: ['5'],
  },
  {
    name: 'the log was cut below what was read, and its new records were passed over',
    invariant: 'P1',
    trace: {
      ...cutAt(2, ['0:0', '0:1', '0~1:2', '0~1:3', '0~1:4', '0~1:5']),
      visible: [...VISIBLE, { atMs: 350, uri: COPY, type: 'appeared', content: '0~1:5\n' }],
      journal: [
        ...JOURNAL,
        ...journalOf(
          [320, opened('c', COPY)],
          [340, completed(3, 6, 1, [change('c', 'pending', [5, 5], 6)])],
        ),
      ],
    },
    offsets: ['5', '6'],
  },
  {
    name: 'a generation that an operator accepted is counted and not written',
    invariant: 'P1',
    trace: {
      ...cutAt(3, ['0:0', '0:1', '0:2', '0~1:3']),
      journal: [...JOURNAL, ...journalOf(...SECOND_GENERATION)],
    },
    offsets: ['3', '3'],
  },
  {
    name: 'a partition is stopped for a log that was cut above what was read',
    invariant: 'P6',
    trace: {
      ...cutAt(5, ['0:0', '0:1', '0:2', '0:3', '0:4']),
      journal: [...JOURNAL, ...journalOf([300, truncatedAt(5)])],
    },
  },
  {
    name: 'a partition is stopped for a log that was cut elsewhere',
    invariant: 'P6',
    trace: {
      ...cutAt(3, ['0:0', '0:1', '0:2', '0~1:3']),
      journal: [...JOURNAL, ...journalOf([300, truncatedAt(4)])],
    },
    offsets: ['4'],
  },
];

/** What follows the first file of JOURNAL, its checkpoint being number `checkpoint`. */
function rest(checkpoint: number): JournalLine[] {
  return [
    [110, opened('b', SECOND)],
    [130, { type: 'partCommitted', partId: 'a' }],
    [200, completed(checkpoint, 5, 2, [change('b', 'pending', [3, 4], 8)])],
    [230, { type: 'partCommitted', partId: 'b' }],
  ];
}

/** A closed part whose records no count knows: what is wrong with it is what can be seen. */
function emptied(partId: string): ReturnType<typeof completed> {
  const held = change(partId, 'pending', [2, 2], 4);
  return completed(3, 5, 0, [{ ...held, records: 0 }]);
}

/** JOURNAL with other facts of the second file. */
function secondHolds(first: number, last: number, length: number): Facts['journal'] {
  const closed = { ...change('b', 'pending', [first, last], length), records: 2 };
  return [
    ...JOURNAL.slice(0, 5),
    ...journalOf([200, completed(2, 5, 2, [closed])], [230, { type: 'partCommitted', partId: 'b' }]),
  ];
}

describe('the checkers', () => {
  it('find nothing wrong with a sound run', () => {
    expect(checkAll(SOUND)).toEqual([]);
  });

  it.each(BROKEN)('$invariant alone is broken where $name', expectBroken);

  it('accept what was read of a log before it was cut, and each record of the next generation once', () => {
    const cut = cutAt(3, ['0:0', '0:1', '0:2', '0~1:3']);
    const journal = [...JOURNAL, ...journalOf(...SECOND_GENERATION)];
    const third: VisibleChange = { atMs: 350, uri: THIRD, type: 'appeared', content: '0~1:3\n' };
    expect(checkAll({ ...SOUND, ...cut, journal, visible: [...VISIBLE, third] })).toEqual([]);
  });

  it('accept a record that is still in progress, or pending, when the run is over', () => {
    for (const state of ['inProgress', 'pending'] as const) {
      const journal = [
        ...JOURNAL.slice(0, 5),
        ...journalOf([200, completed(2, 5, 2, [change('b', state, [3, 4], 8)])]),
      ];
      const found = checkAll({ ...SOUND, journal, visible: [firstShown], completeAtMs: null });
      expect(found.map((one) => one.invariant)).toEqual(['P5']);
    }
  });

  it('accept a process that gives up while something is away', () => {
    const exits = [{ process: 'p0.0', atMs: 100, error: { code: 'STOP_INCOMPLETE', message: 'x' } }];
    expect(checkAll({ ...SOUND, exits, fired: [true] })).toEqual([]);
  });

  it('count the pieces of a checkpoint too large for one entry, and only those that it counts', () => {
    const piece = (index: number, ...parts: ReturnType<typeof change>[]) => ({
      type: 'checkpointPart',
      checkpoint: 1,
      index,
      parts,
    });
    const claim = { type: 'epochClaimed', epoch: 2, claimId: 'd', startOffset: '0' };
    const whole = { ...completed(1, 3, 3, []), checkpointParts: 1 };
    const journal = journalOf(
      [20, opened('a', FIRST), opened('x', COPY)],
      [40, piece(0, change('x', 'pending', [2, 2], 4))],
      [60, claim],
      [80, piece(0, change('a', 'pending', [0, 2], 12))],
      [100, whole],
      ...rest(2),
    );
    expect(checkAll({ ...SOUND, journal })).toEqual([]);
  });
});
