import { describe, expect, it } from 'vitest';
import { PartitionLedger } from '../../../actors/ledger.ts';
import { hasCode } from '../../../journal/errors.ts';
import type { PartitionEvent } from '../../../journal/events.ts';
import {
  change,
  checkpointed,
  claim,
  claimed,
  finalName,
  part,
  partOpened,
  piece,
  rolled,
  stopped,
  temporaryName,
} from '../../model/samples.ts';

const committed = (n: number): PartitionEvent => ({ type: 'partCommitted', partId: part(n) });
const discarded = (n: number): PartitionEvent => ({ type: 'partDiscarded', partId: part(n) });
const started = (n: number): PartitionEvent => ({
  type: 'partStarted',
  partId: part(n),
  handle: { uploadId: `u${n}` },
});
const moved = (n: number, to: number): PartitionEvent => ({
  type: 'partMoved',
  partId: part(n),
  fromUri: temporaryName(n),
  toUri: temporaryName(to),
});

/** A ledger after these entries, one event each. */
function folded(...events: readonly PartitionEvent[]): PartitionLedger {
  const ledger = new PartitionLedger();
  for (const event of events) ledger.fold([event]);
  return ledger;
}

/** `id status` of every part file that is left, in order. */
const partsOf = (ledger: PartitionLedger): string[] =>
  [...ledger.parts()].map(({ status, context }) => `${Number.parseInt(context.partId, 16)} ${status}`);
const bucketsOf = (ledger: PartitionLedger): Record<string, string> =>
  Object.fromEntries([...ledger.buckets].map(([bucket, state]) => [bucket, state.value]));

function codeOf(act: () => unknown): string | null {
  try {
    act();
  } catch (error) {
    if (hasCode(error, 'PROTOCOL_UNEXPECTED_EVENT', 'JOURNAL_CORRUPT')) return error.code;
    throw error;
  }
  return null;
}

describe('one epoch, from the claim to a committed file', () => {
  const history = [claimed(1, 40n), partOpened(1), checkpointed(1, 50n, [change(1, 100)])];

  it('a part file is open until a completed checkpoint holds records of it', () => {
    expect(partsOf(folded(claimed(1), partOpened(1)))).toEqual(['1 open']);
    expect(partsOf(folded(...history))).toEqual(['1 inProgress']);
  });
  it('a rolled one becomes pending by the checkpoint that names its roll, and leaves once it is committed', () => {
    const ledger = folded(...history, checkpointed(2, 60n, [change(1, 200, rolled)]));
    expect(partsOf(ledger)).toEqual(['1 pending']);
    expect(ledger.part(part(1))?.context).toMatchObject({
      finalUri: finalName(1),
      roll: rolled,
      durable: { length: 200, records: 20, firstOffset: 1n, lastOffset: 20n },
    });
    expect(ledger.committedFiles).toBe(0);
    ledger.fold([committed(1)]);
    expect(partsOf(ledger)).toEqual([]);
    expect(ledger.part(part(1))).toBeUndefined();
    expect(ledger.committedFiles).toBe(1);
  });
  it('the partition remembers what was read and where to go on', () => {
    expect(folded(...history).facts).toMatchObject({
      epoch: 1,
      nextOffset: 50n,
      checkpoint: 1,
      recordsRead: 10,
      recordsSkippedNull: 1,
    });
  });
  it('a checkpoint lists changes only: a part file that it does not name keeps its state', () => {
    const ledger = folded(...history, partOpened(2), checkpointed(2, 60n, [change(2, 10)]));
    expect(partsOf(ledger)).toEqual(['1 inProgress', '2 inProgress']);
    expect(ledger.part(part(1))?.context.durable?.length).toBe(100);
  });
  it('a discarded one leaves, and is not counted as committed', () => {
    const ledger = folded(claimed(1), partOpened(1), discarded(1), partOpened(2));
    expect(partsOf(ledger)).toEqual(['2 open']);
    expect(ledger.committedFiles).toBe(0);
  });
});

describe('a crash in the middle, then another claim', () => {
  const before = [
    claimed(1),
    partOpened(1),
    partOpened(2),
    partOpened(3),
    checkpointed(1, 50n, [change(1, 100), change(2, 100, rolled)]),
    partOpened(4),
  ];

  it('what no checkpoint holds is to be discarded, wherever it was opened; the rest is what the checkpoint said', () => {
    expect(partsOf(folded(...before, claimed(2)))).toEqual([
      '1 inProgress',
      '2 pending',
      '3 discarding',
      '4 discarding',
    ]);
  });
  it('bytes behind the last completed checkpoint do not count', () => {
    expect(folded(...before, claimed(2)).part(part(1))?.context.durable?.length).toBe(100);
  });
  it('a file in progress is finished in a copy: that becomes its temporary name, the old one is not forgotten', () => {
    const ledger = folded(
      ...before,
      claimed(2),
      moved(1, 11),
      checkpointed(2, 50n, [change(1, 100, rolled)]),
    );
    expect(ledger.part(part(1))).toMatchObject({
      status: 'pending',
      context: { temporaryUri: temporaryName(11), staleUris: [temporaryName(1)], copyUri: null },
    });
  });
  it('a crash while it is copied: the next owner copies anew and knows both leftover names', () => {
    const again = [claimed(3), moved(1, 12), checkpointed(2, 50n, [change(1, 100, rolled)])];
    const ledger = folded(...before, claimed(2), moved(1, 11), ...again);
    expect(ledger.part(part(1))?.context).toMatchObject({
      temporaryUri: temporaryName(12),
      staleUris: [temporaryName(11), temporaryName(1)],
    });
  });
  it('pending files of the last completed checkpoint are still pending after any number of claims, all of them', () => {
    const two = checkpointed(2, 60n, [change(1, 200, rolled), change(3, 50, rolled)]);
    expect(partsOf(folded(...before, two, claimed(2), claimed(3), claimed(4)))).toEqual([
      '1 pending',
      '2 pending',
      '3 pending',
      '4 discarding',
    ]);
  });
  it('the claim reaches part files that the same entry opened, and none that the same entry ended', () => {
    const ledger = folded(claimed(1), partOpened(1), checkpointed(1, 50n, [change(1, 100, rolled)]));
    ledger.fold([committed(1), partOpened(2), claimed(2)]);
    expect(partsOf(ledger)).toEqual(['2 discarding']);
  });
  it('what the creation of a file left is known to whoever discards it', () => {
    const ledger = folded(claimed(1), partOpened(1), started(1), claimed(2));
    expect(ledger.part(part(1))).toMatchObject({
      status: 'discarding',
      context: { startHandle: { uploadId: 'u1' } },
    });
  });
  it('a stop in the journal outlives claims', () => {
    expect(folded(...before, stopped, claimed(2)).facts.stop?.code).toBe('SOURCE_RANGE_LOST');
  });
});

describe('a checkpoint in pieces', () => {
  const opened = [claimed(1), partOpened(1), partOpened(2), partOpened(3)];
  const [one, two, three] = [change(1, 100), change(2, 100, rolled), change(3, 100)];

  it('counts as a whole where checkpointCompleted counts every piece', () => {
    const ledger = folded(
      ...opened,
      piece(1, 0, [one]),
      piece(1, 1, [two]),
      checkpointed(1, 50n, [three], 2),
    );
    expect(partsOf(ledger)).toEqual(['1 inProgress', '2 pending', '3 inProgress']);
  });
  it('counts for nothing without a checkpointCompleted: a crash between the pieces', () => {
    const ledger = folded(...opened, piece(1, 0, [one]), piece(1, 1, [two]), claimed(2));
    expect(partsOf(ledger)).toEqual(['1 discarding', '2 discarding', '3 discarding']);
  });
  it('is void where checkpointCompleted counts none', () => {
    const ledger = folded(...opened, piece(1, 0, [one]), checkpointed(1, 50n, [three], 0));
    expect(partsOf(ledger)).toEqual(['1 open', '2 open', '3 inProgress']);
  });
  it('tried again from its first piece, only the second try counts', () => {
    const tries = [piece(1, 0, [one]), piece(1, 0, [change(1, 300)]), checkpointed(1, 50n, [], 1)];
    const ledger = folded(...opened, ...tries);
    expect(ledger.part(part(1))?.context.durable?.length).toBe(300);
  });
  it.each([
    ['more than the journal holds', [piece(1, 0, [one]), checkpointed(1, 50n, [], 2)]],
    ['fewer than the journal holds', [piece(1, 0, [one]), piece(1, 1, [two]), checkpointed(1, 50n, [], 1)]],
    ['pieces where there are none', [checkpointed(1, 50n, [], 1)]],
    ['pieces of another checkpoint', [piece(2, 0, [one]), checkpointed(1, 50n, [], 1)]],
    ['pieces of which one is missing', [piece(1, 0, [one]), piece(1, 2, [two]), checkpointed(1, 50n, [], 2)]],
    ['pieces of an earlier claim', [piece(1, 0, [one]), claimed(2), checkpointed(1, 50n, [], 1)]],
  ])('that counts %s is JOURNAL_CORRUPT', (_what, events) => {
    const ledger = folded(...opened);
    expect(codeOf(() => events.forEach((event) => ledger.fold([event])))).toBe('JOURNAL_CORRUPT');
  });
});

describe('what cannot be', () => {
  it.each([
    ['a checkpoint of a part file that was never opened', [checkpointed(1, 50n, [change(9, 10)])]],
    ['a commit of one', [committed(9)]],
    ['a commit of one that is not pending', [partOpened(1), committed(1)]],
    ['a start of one that is in progress', [partOpened(1), checkpointed(1, 5n, [change(1, 10)]), started(1)]],
    ['a copy of one that holds nothing durable', [partOpened(1), moved(1, 11)]],
    [
      'a discard of one that a checkpoint counts',
      [partOpened(1), checkpointed(1, 5n, [change(1, 10)]), discarded(1)],
    ],
    [
      'a second commit',
      [partOpened(1), checkpointed(1, 5n, [change(1, 10, rolled)]), committed(1), committed(1)],
    ],
    ['a part file opened twice', [partOpened(1), partOpened(1)]],
  ])('%s is PROTOCOL_UNEXPECTED_EVENT', (_what, events) => {
    const ledger = folded(claimed(1));
    expect(codeOf(() => events.forEach((event) => ledger.fold([event])))).toBe('PROTOCOL_UNEXPECTED_EVENT');
  });
});

describe('buckets', () => {
  it('take records while a part file of theirs does, wait while all are on their way out, and then go away', () => {
    const ledger = folded(claimed(1), partOpened(1), partOpened(2), partOpened(3, 'hour-2'));
    expect(bucketsOf(ledger)).toEqual({ 'hour-1': 'active', 'hour-2': 'active' });
    ledger.fold([checkpointed(1, 50n, [change(1, 10, rolled)])]);
    expect(bucketsOf(ledger)).toEqual({ 'hour-1': 'active', 'hour-2': 'active' });
    ledger.fold([checkpointed(2, 60n, [change(2, 10, rolled)])]);
    expect(bucketsOf(ledger)).toEqual({ 'hour-1': 'idle', 'hour-2': 'active' });
    ledger.fold([committed(1)]);
    ledger.fold([committed(2)]);
    expect(bucketsOf(ledger)).toEqual({ 'hour-2': 'active' });
  });
  it('are made anew for a later part file', () => {
    const roll = checkpointed(1, 50n, [change(1, 10, rolled)]);
    const ledger = folded(claimed(1), partOpened(1), roll, committed(1), partOpened(2));
    expect(bucketsOf(ledger)).toEqual({ 'hour-1': 'active' });
    expect(ledger.buckets.get('hour-1')?.context.openParts).toEqual([part(2)]);
  });
  it('also within one entry', () => {
    const ledger = folded(claimed(1), partOpened(1), checkpointed(1, 50n, [change(1, 10, rolled)]));
    ledger.fold([committed(1), partOpened(2)]);
    expect(ledger.buckets.get('hour-1')?.context).toMatchObject({ openParts: [part(2)], closedParts: [] });
  });
  it('wait for the discarding of what a claim left in them', () => {
    const ledger = folded(claimed(1), partOpened(1), claimed(2));
    expect(bucketsOf(ledger)).toEqual({ 'hour-1': 'idle' });
    ledger.fold([discarded(1)]);
    expect(bucketsOf(ledger)).toEqual({});
  });
});

describe('a stage', () => {
  it('that is dropped has changed nothing', () => {
    const ledger = folded(claimed(1), partOpened(1), partOpened(2, 'hour-2'));
    const before = [ledger.facts, ledger.status, partsOf(ledger), bucketsOf(ledger), ledger.committedFiles];
    const stage = ledger.stage();
    stage.apply(checkpointed(1, 50n, [change(1, 10, rolled), change(2, 10)]));
    stage.apply(committed(1));
    stage.apply(partOpened(3, 'hour-3'));
    stage.apply(claimed(2));
    stage.note({ type: 'replayed', ownClaimId: claim(3) });
    expect([ledger.facts, ledger.status, partsOf(ledger), bucketsOf(ledger), ledger.committedFiles]).toEqual(
      before,
    );
  });
  it('that failed in the middle has changed nothing', () => {
    const ledger = folded(claimed(1), partOpened(1));
    expect(codeOf(() => ledger.fold([checkpointed(1, 50n, [change(1, 10)]), committed(1)]))).toBe(
      'PROTOCOL_UNEXPECTED_EVENT',
    );
    expect(partsOf(ledger)).toEqual(['1 open']);
    expect(ledger.facts.nextOffset).toBe(0n);
  });
  it('sees its own changes before they are adopted', () => {
    const stage = folded(claimed(1)).stage();
    stage.apply(checkpointed(1, 50n));
    expect(stage.facts.nextOffset).toBe(50n);
  });
  it('hands out the effects in the order of their events, once it is adopted', () => {
    const ledger = folded(claimed(1), partOpened(1), partOpened(2), partOpened(3));
    const stage = ledger.stage();
    stage.apply(checkpointed(1, 50n, [change(2, 10, rolled), change(1, 10, rolled)]));
    stage.apply(claimed(2));
    expect(ledger.adopt(stage)).toEqual([
      { type: 'publishPart', partId: part(2) },
      { type: 'publishPart', partId: part(1) },
      { type: 'discardPart', partId: part(3) },
    ]);
  });
});
