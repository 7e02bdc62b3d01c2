/** Hand-made traces: a small run in which everything is as it should be, to be broken in one place. */
import { expect } from 'vitest';
import { checkAll } from '../../sim/checkers/all.ts';
import type { Facts } from '../../sim/checkers/facts.ts';
import type { Invariant, Schedule, TracedEntry, VisibleChange, WorldConfig } from '../../sim/schedule.ts';

export const CONFIG: WorldConfig = {
  store: 'file',
  processes: 1,
  checkpointIntervalMs: 100,
  roll: { maxBytes: 40, maxAgeMs: 500, maxIdleMs: 200, atCheckpoint: false },
  buckets: { by: 'none' },
  entropy: false,
  wallStartMs: 1_767_225_600_000,
  latencyMsMax: 2,
  timeoutMs: 100,
  sessionMs: 1_500,
  heartbeatMs: 300,
  restartMs: 100,
  dismissesDeadMember: true,
  entryBytesMax: 100_000,
  readBatchEntries: 100,
  snapshotEntries: 1_000,
  fetchBatchesMax: 2,
  openFilesMax: null,
  memoryBytes: null,
  faultsUntilMs: 10_000,
};

export const FIRST = 'file:///lake/part-numbers-0-00000000000000000000';
export const SECOND = 'file:///lake/part-numbers-0-00000000000000000003';
export const FIRST_CONTENT = '0:0\n0:1\n0:2\n';
export const SECOND_CONTENT = '0:3\n0:4\n';

interface Event {
  readonly type: string;
  readonly [field: string]: unknown;
}

export const opened = (partId: string, finalUri: string): Event => ({
  type: 'partOpened',
  partId,
  bucket: '',
  firstOffset: String(Number(/(\d{20})(?:\.g\d+)?$/.exec(finalUri)?.[1] ?? 0)),
  finalUri,
  temporaryUri: `file:///lake/.${partId}`,
});

export const change = (
  partId: string,
  state: 'inProgress' | 'pending',
  [firstOffset, lastOffset]: readonly [number, number],
  length: number,
): Event => ({
  type: 'change',
  partId,
  state,
  length,
  records: lastOffset - firstOffset + 1,
  firstOffset: String(firstOffset),
  lastOffset: String(lastOffset),
});

export const completed = (
  checkpoint: number,
  nextOffset: number,
  recordsRead: number,
  parts: readonly Event[],
): Event => ({
  type: 'checkpointCompleted',
  checkpoint,
  nextOffset: String(nextOffset),
  recordsRead,
  recordsSkipped: { nullValue: 0 },
  checkpointParts: 0,
  parts,
});

/** An entry's time and events. */
export type JournalLine = readonly [atMs: number, ...events: Event[]];

/** Entries of partition 0. */
export function journalOf(...entries: readonly JournalLine[]): TracedEntry[] {
  return entries.map(([atMs, ...events], index) => ({
    subject: 'world.partition.numbers.0',
    revision: index + 1,
    atMs,
    text: JSON.stringify({ topic: 'numbers', partition: 0, epoch: 1, claimId: 'c', seq: index + 1, events }),
  }));
}

export const JOURNAL = journalOf(
  [10, { type: 'epochClaimed', epoch: 1, claimId: 'c', startOffset: '0' }],
  [20, opened('a', FIRST)],
  [100, completed(1, 3, 3, [change('a', 'pending', [0, 2], 12)])],
  [110, opened('b', SECOND)],
  [130, { type: 'partCommitted', partId: 'a' }],
  [200, completed(2, 5, 2, [change('b', 'pending', [3, 4], 8)])],
  [230, { type: 'partCommitted', partId: 'b' }],
);

export const VISIBLE: readonly VisibleChange[] = [
  { atMs: 120, uri: FIRST, type: 'appeared', content: FIRST_CONTENT },
  { atMs: 220, uri: SECOND, type: 'appeared', content: SECOND_CONTENT },
];

export const SCHEDULE: Schedule = {
  seed: 1,
  config: CONFIG,
  workload: {
    topic: 'numbers',
    partitions: [
      [{ type: 'records', atMs: 0, records: 5, nullEvery: 0, timestampMs: CONFIG.wallStartMs, stepMs: 1 }],
    ],
  },
  faults: [],
};

/** Offsets 0 to 4 in two files. */
export const SOUND: Facts = {
  schedule: SCHEDULE,
  healedAtMs: 50,
  completeAtMs: 230,
  endedAtMs: 400,
  tasks: 100,
  journal: JOURNAL,
  visible: VISIBLE,
  leftovers: [],
  harms: [],
  expected: [[0, 1, 2, 3, 4].map((offset) => ({ offset: String(offset), value: `0:${offset}` }))],
  earlier: [[]],
  happenings: [],
  lives: [{ process: 'p0.0', change: {} }],
  claimants: { c: 'p0.0' },
  sweeps: { swept: [], last: null },
  recordTimes: [[0, 1, 2, 3, 4].map((offset) => [offset, CONFIG.wallStartMs + offset] as const)],
  exits: [{ process: 'p0.0', atMs: 390, error: null }],
  stopped: [],
  alarms: [],
  failpointHits: {},
  held: [],
  lent: [],
  fired: [],
  reached: { transitions: [], features: new Uint32Array(), moments: [] },
  unhandled: [],
};

/** SOUND, broken in one place, and what the checkers are to say of it. */
export interface Broken {
  readonly name: string;
  readonly invariant: Invariant;
  readonly trace: Partial<Facts>;
  readonly offsets?: readonly string[];
  readonly files?: readonly string[];
}

export function expectBroken({ invariant, trace, offsets, files }: Broken): void {
  const found = checkAll({ ...SOUND, ...trace });
  expect([...new Set(found.map((one) => one.invariant))], JSON.stringify(found)).toEqual([invariant]);
  if (offsets !== undefined) expect(found.flatMap((one) => one.offsets)).toEqual(offsets);
  if (files !== undefined) expect([...new Set(found.flatMap((one) => one.files))]).toEqual(files);
}
