import { describe, expect, it } from 'vitest';
import { partitionMachine, type PartitionMachineEvent } from '../../actors/partition.ts';
import type { EventOf } from '../../journal/events.ts';
import { entryHash, journalId } from '../../journal/ids.ts';
import type { StopFacts } from '../../actors/facts.ts';
import { start, step } from '../../actors/step.ts';
import { change, checkpointed, claim, claimed, part, partOpened, piece, rolled, stopped } from './samples.ts';
import { describeModel, type Outcome } from './walk.ts';

const OWN = claim(0xa);
const halt: StopFacts = {
  code: 'JOURNAL_CORRUPT',
  message: 'Entry 7 is not the one that had been written.',
  fromOffset: null,
  toOffset: null,
  files: [],
  truncation: null,
};
const truncated = { type: 'logTruncationAccepted', requestId: 5, divergedAt: 90n, leaderEpoch: 3 } as const;
const answered = {
  ...{ type: 'witnessAnswered', requestId: 6, answer: 'from-witness' },
  witnesses: [
    { source: 'group', journalId: journalId('journal-1'), seq: 7, hash: entryHash('f'.repeat(64)) },
  ],
  loss: { fromOffset: 40n, toOffset: 60n },
} as const satisfies EventOf<'witnessAnswered'>;
const damaged = { type: 'partsDamaged', requestId: 7, index: 0, parts: [part(1)] } as const;
const rewound: PartitionMachineEvent = {
  ...{ type: 'partitionRewound', requestId: 7, nextOffset: 30n, placing: 'as-ever', givenUp: [] },
  ...{ damagedParts: 1, parts: [part(2)], lost: [{ bucket: 'a', firstOffset: 30n, lastOffset: 35n }] },
};
const loss = { type: 'lossAccepted', requestId: 4, fromOffset: 100n, toOffset: 250n } as const;
const replayed = { type: 'replayed', ownClaimId: OWN } as const;

/** A state whose journal holds a stop that no operator has lifted. */
const WITH_STOP = ', with a stop';

/** Both with and without a stop in the journal: the step is the same, and the stop stays. */
function inBoth(
  state: string,
  rows: Readonly<Record<string, Outcome>>,
): Record<string, Readonly<Record<string, Outcome>>> {
  const kept = (next: string): string =>
    ['stopped', 'retired'].includes(next) ? next : `${next}${WITH_STOP}`;
  return {
    [state]: rows,
    [`${state}${WITH_STOP}`]: Object.fromEntries(
      Object.entries(rows).map(([title, [next, ...actions]]) => [title, [kept(next), ...actions] as const]),
    ),
  };
}

const replaying = inBoth('replaying', {
  'epochClaimed (own)': ['replaying'],
  'epochClaimed (of another)': ['replaying'],
  partOpened: ['replaying'],
  partStarted: ['replaying'],
  partMoved: ['replaying'],
  checkpointPart: ['replaying'],
  checkpointCompleted: ['replaying'],
  partCommitted: ['replaying'],
  partDiscarded: ['replaying'],
  partitionRetired: ['replaying'],
  partsDamaged: ['replaying'],
  rollRequested: ['replaying'],
  requestRefused: ['replaying'],
  replayed: ['claiming'],
});

describeModel('partition', {
  machine: partitionMachine,
  input: undefined,
  label: ({ value, context }) =>
    context.stop === null || value === 'stopped' ? value : `${value}${WITH_STOP}`,
  cases: ({ context }): Record<string, PartitionMachineEvent> => ({
    'epochClaimed (own)': { ...claimed(context.epoch + 1), claimId: context.ownClaimId ?? OWN },
    'epochClaimed (of another)': { ...claimed(context.epoch + 1), claimId: claim(0xb) },
    partOpened: partOpened(1),
    partStarted: { type: 'partStarted', partId: part(1), handle: { uploadId: 'u1' } },
    partMoved: { type: 'partMoved', partId: part(1), fromUri: 'file:///lake/.a', toUri: 'file:///lake/.b' },
    checkpointPart: piece(context.checkpoint + 1, 0, [change(1, 100)]),
    checkpointCompleted: checkpointed(context.checkpoint + 1, 110n),
    partCommitted: { type: 'partCommitted', partId: part(1) },
    partDiscarded: { type: 'partDiscarded', partId: part(1) },
    partitionStopped: stopped,
    rollRequested: { type: 'rollRequested', requestId: 1 },
    requestRefused: { type: 'requestRefused', requestId: 2, reason: 'The partition is not stopped.' },
    resumeRequested: { type: 'resumeRequested', requestId: 3 },
    lossAccepted: loss,
    logTruncationAccepted: truncated,
    witnessAnswered: answered,
    partsDamaged: { ...damaged, parts: [...damaged.parts] },
    partitionRewound: rewound,
    partitionRetired: { type: 'partitionRetired' },
    replayed,
    settled: { type: 'settled' },
    retiring: { type: 'retiring' },
    checkpointStarted: { type: 'checkpointStarted' },
    checkpointFailed: { type: 'checkpointFailed' },
    fenced: { type: 'fenced' },
    halted: { type: 'halted', stop: halt },
  }),
  expected: {
    replaying: {
      ...replaying['replaying'],
      partitionStopped: [`replaying${WITH_STOP}`],
      resumeRequested: ['replaying'],
      lossAccepted: ['replaying'],
      logTruncationAccepted: ['replaying'],
      witnessAnswered: ['replaying'],
      partitionRewound: ['replaying'],
    },
    [`replaying${WITH_STOP}`]: {
      ...replaying[`replaying${WITH_STOP}`],
      partitionRetired: ['replaying'],
      partitionStopped: [`replaying${WITH_STOP}`],
      resumeRequested: ['replaying'],
      lossAccepted: ['replaying'],
      logTruncationAccepted: ['replaying'],
      witnessAnswered: ['replaying'],
      partitionRewound: ['replaying'],
    },
    claiming: {
      'epochClaimed (own)': ['settling'],
      fenced: ['replaying'],
    },
    [`claiming${WITH_STOP}`]: {
      'epochClaimed (own)': ['stopped'],
      fenced: [`replaying${WITH_STOP}`],
    },
    settling: {
      partMoved: ['settling'],
      checkpointPart: ['settling'],
      checkpointCompleted: ['settling'],
      partCommitted: ['settling'],
      partDiscarded: ['settling'],
      resumeRequested: ['settling'],
      partitionStopped: ['stopped'],
      settled: ['running'],
      retiring: ['retiring'],
      halted: ['stopped'],
    },
    ...inBoth('retiring', {
      partMoved: ['retiring'],
      checkpointPart: ['retiring'],
      checkpointCompleted: ['retiring'],
      partCommitted: ['retiring'],
      partDiscarded: ['retiring'],
      partitionStopped: ['stopped'],
      partitionRetired: ['retired'],
      halted: ['stopped'],
    }),
    running: {
      partOpened: ['running'],
      partStarted: ['running'],
      partCommitted: ['running'],
      partDiscarded: ['running'],
      partitionStopped: ['stopped'],
      rollRequested: ['running'],
      requestRefused: ['running'],
      checkpointStarted: ['checkpointing'],
      halted: ['stopped'],
    },
    checkpointing: {
      partOpened: ['checkpointing'],
      partStarted: ['checkpointing'],
      checkpointPart: ['checkpointing'],
      checkpointCompleted: ['running'],
      partCommitted: ['checkpointing'],
      partDiscarded: ['checkpointing'],
      partitionStopped: ['stopped'],
      rollRequested: ['checkpointing'],
      requestRefused: ['checkpointing'],
      checkpointFailed: ['running'],
      halted: ['stopped'],
    },
    retired: {},
    stopped: {
      partMoved: ['stopped'],
      checkpointPart: ['stopped'],
      retiring: [`retiring${WITH_STOP}`],
      requestRefused: ['stopped'],
      resumeRequested: ['replaying'],
      lossAccepted: ['replaying'],
      logTruncationAccepted: ['replaying'],
      witnessAnswered: ['replaying'],
      partsDamaged: ['stopped'],
      partitionRewound: ['replaying'],
      halted: ['stopped'],
    },
  },
  invariant: ({ value, context }) => {
    if (value === 'stopped') expect(context.stop).not.toBeNull();
    if (value === 'settling' || value === 'running' || value === 'checkpointing') {
      expect(context).toMatchObject({ claimId: OWN, ownClaimId: OWN, stop: null });
    }
  },
});

describe('partition: what it keeps', () => {
  const run = (...events: readonly PartitionMachineEvent[]) =>
    events.reduce(
      (state, event) => step(partitionMachine, state, event, 'The partition').state,
      start(partitionMachine, undefined),
    ).context;
  const own = { ...claimed(1, 40n), claimId: OWN };
  const running = [replayed, own, { type: 'settled' }] as const;

  it('the first claim brings the start offset, and no later one changes nextOffset', () => {
    expect(run(claimed(1, 40n))).toMatchObject({ epoch: 1, claimId: claim(1), nextOffset: 40n });
    expect(run(claimed(1, 40n), checkpointed(1, 110n), claimed(2, 0n))).toMatchObject({
      epoch: 2,
      nextOffset: 110n,
    });
    expect(run(claimed(1, 40n), claimed(2, 0n)).nextOffset).toBe(40n);
  });
  it('completed checkpoints are counted up, failed ones are not', () => {
    const checkpoint = [{ type: 'checkpointStarted' }, checkpointed(1, 110n)] as const;
    const failed = [{ type: 'checkpointStarted' }, { type: 'checkpointFailed' }] as const;
    expect(run(...running, ...checkpoint, ...failed)).toMatchObject({
      checkpoint: 1,
      nextOffset: 110n,
      recordsRead: 10,
      recordsSkippedNull: 1,
    });
    expect(run(claimed(1), checkpointed(1, 5n), checkpointed(2, 9n))).toMatchObject({
      checkpoint: 2,
      recordsRead: 20,
      recordsSkippedNull: 2,
    });
  });
  it('a stop keeps its code, offsets and files until an operator resumes or accepts the loss', () => {
    const { type: _type, ...facts } = stopped;
    expect(run(...running, stopped).stop).toEqual(facts);
    expect(run(...running, stopped, { type: 'resumeRequested', requestId: 3 })).toMatchObject({
      stop: null,
      nextOffset: 40n,
      lastRequestId: 3,
    });
    expect(run(...running, stopped, loss)).toMatchObject({ stop: null, nextOffset: 250n, lastRequestId: 4 });
  });
  it('an accepted truncation reads on where the log differs, in its next generation', () => {
    expect(run(...running, stopped, truncated)).toMatchObject({
      ...{ stop: null, nextOffset: 90n, generation: 2, lastRequestId: 5 },
      // What is read next is compared with the log already: it may be cut again.
      ...{ leaderEpoch: 3, leaderEpochStart: 90n },
    });
  });
  it('an answer to witnesses is remembered with them, and gives up what it says', () => {
    expect(run(...running, stopped, answered)).toMatchObject({
      ...{ stop: null, nextOffset: 60n, leaderEpoch: null, answered: answered.witnesses, lastRequestId: 6 },
    });
    expect(run(...running, stopped, { ...answered, loss: null }).nextOffset).toBe(40n);
  });
  it('the leader epoch is that of the last checkpoint, and unknown after a loss', () => {
    expect(run(claimed(1), checkpointed(1, 110n)).leaderEpoch).toBe(4);
    expect(run(claimed(1), checkpointed(1, 110n), stopped, loss).leaderEpoch).toBeNull();
  });
  it('the leader epochs before it are those that its checkpoint names, and stay as long as it does', () => {
    const earlier = [{ epoch: 1, startOffset: 0n }];
    const named = { ...checkpointed(1, 110n), earlierLeaderEpochs: earlier };
    expect(run(claimed(1), named, checkpointed(2, 120n)).earlierLeaderEpochs).toEqual(earlier);
    const other = { ...checkpointed(2, 120n), leaderEpoch: 6, leaderEpochStart: 110n };
    // An earlier version wrote it, and did not say what it had read between the two.
    expect(run(claimed(1), named, other).earlierLeaderEpochs).toEqual([]);
    expect(run(claimed(1), named, stopped, loss).earlierLeaderEpochs).toEqual([]);
  });
  it('behind an accepted truncation they are those that both logs hold', () => {
    const earlier = [2, 3, 4].map((epoch) => ({ epoch, startOffset: BigInt(epoch * 30 - 50) }));
    const read = { ...checkpointed(1, 110n), leaderEpoch: 6, leaderEpochStart: 100n };
    const all = [claimed(1), { ...read, earlierLeaderEpochs: earlier }, stopped] as const;
    expect(run(...all, { ...truncated, divergedAt: 65n })).toMatchObject({
      ...{ nextOffset: 65n, leaderEpoch: 3, leaderEpochStart: 40n, earlierLeaderEpochs: earlier.slice(0, 1) },
    });
    expect(run(...all, { ...truncated, divergedAt: 10n, leaderEpoch: 1 })).toMatchObject({
      ...{ leaderEpoch: 1, leaderEpochStart: 10n, earlierLeaderEpochs: [] },
    });
    expect(run(...all, { ...truncated, leaderEpoch: null }).earlierLeaderEpochs).toEqual([]);
  });
  it('a partition is retired until somebody claims it again', () => {
    const retired = [replayed, own, { type: 'retiring' }, { type: 'partitionRetired' }] as const;
    expect(run(...retired).retired).toBe(true);
    const ofStopped = [replayed, own, stopped, { type: 'retiring' }, { type: 'partitionRetired' }] as const;
    expect(run(...ofStopped)).toMatchObject({ retired: true, stop: null });
    expect(run(claimed(1), { type: 'partitionRetired' }, claimed(2)).retired).toBe(false);
  });
  it('a refusal is kept until a request is accepted', () => {
    const refused = { type: 'requestRefused', requestId: 6, reason: 'no' } as const;
    expect(run(...running, refused).refusal).toEqual({ requestId: 6, reason: 'no' });
    expect(run(...running, refused, { type: 'rollRequested', requestId: 7 }).refusal).toBeNull();
  });
  it('a journal in doubt outranks the stop that it holds', () => {
    expect(run(...running, stopped, { type: 'halted', stop: halt }).stop).toEqual(halt);
  });
  it('a request is taken up once: its id is remembered, also where it was refused', () => {
    expect(run(...running, { type: 'rollRequested', requestId: 5 }).lastRequestId).toBe(5);
    expect(run(...running, { type: 'requestRefused', requestId: 6, reason: 'no' }).lastRequestId).toBe(6);
  });

  describe('pieces of a checkpoint', () => {
    const [one, two] = [change(1, 100), change(2, 200, rolled)];
    it('follow each other', () => {
      expect(run(claimed(1), piece(1, 0, [one]), piece(1, 1, [two])).pieces).toEqual({
        checkpoint: 1,
        count: 2,
        parts: [one, two],
      });
    });
    it('begin anew where the checkpoint is tried again', () => {
      expect(run(claimed(1), piece(1, 0, [one]), piece(1, 0, [two])).pieces).toEqual({
        checkpoint: 1,
        count: 1,
        parts: [two],
      });
    });
    it('are void where one is missing, or of another checkpoint', () => {
      expect(run(claimed(1), piece(1, 0, [one]), piece(1, 2, [two])).pieces).toBeNull();
      expect(run(claimed(1), piece(1, 0, [one]), piece(2, 1, [two])).pieces).toBeNull();
    });
    it('are void after a claim, and used up by a completed checkpoint', () => {
      expect(run(claimed(1), piece(1, 0, [one]), claimed(2)).pieces).toBeNull();
      expect(run(claimed(1), piece(1, 0, [one]), checkpointed(1, 5n, [], 1)).pieces).toBeNull();
    });
  });
});
