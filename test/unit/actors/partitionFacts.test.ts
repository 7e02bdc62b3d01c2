/**
 * A journaled event means the same in every state that accepts it: what an owner knows while it runs is what
 * a later owner folds.
 */
import { describe, expect, it } from 'vitest';
import { partitionMachine, type PartitionContext, type RewoundEvent } from '../../../actors/partition.ts';
import { restore, start, step } from '../../../actors/step.ts';
import { hasCode } from '../../../journal/errors.ts';
import type { EventOf, PartitionEvent as Journaled } from '../../../journal/events.ts';
import { entryHash, journalId } from '../../../journal/ids.ts';
import {
  change,
  checkpointed,
  claim,
  claimed,
  part,
  partOpened,
  piece,
  stopped,
} from '../../model/samples.ts';

const witnesses = [
  { source: 'group', journalId: journalId('journal-1'), seq: 7, hash: entryHash('f'.repeat(64)) },
] as const;
const answered: EventOf<'witnessAnswered'> = {
  ...{ type: 'witnessAnswered', requestId: 11, answer: 'from-witness', witnesses: [...witnesses] },
  loss: { fromOffset: 40n, toOffset: 60n },
};

/** A rewind as the ledger hands it on. */
type PartitionEvent = Exclude<Journaled, EventOf<'partitionRewound'>> | RewoundEvent;

const EVENTS: readonly PartitionEvent[] = [
  claimed(7, 5n),
  partOpened(1),
  { type: 'partStarted', partId: part(1), handle: null },
  { type: 'partMoved', partId: part(1), fromUri: 'file:///a', toUri: 'file:///b' },
  piece(3, 1, [change(2, 20)]),
  checkpointed(3, 90n, [change(1, 10)], 1),
  { type: 'partCommitted', partId: part(1) },
  { type: 'partDiscarded', partId: part(1) },
  { ...stopped, code: 'SOURCE_REPLACED' },
  { type: 'partitionRetired' },
  { type: 'resumeRequested', requestId: 11 },
  { type: 'lossAccepted', requestId: 11, fromOffset: 40n, toOffset: 250n },
  { type: 'logTruncationAccepted', requestId: 11, divergedAt: 35n, leaderEpoch: 3 },
  answered,
  { ...answered, loss: null },
  { type: 'partsDamaged', requestId: 11, index: 0, parts: [part(1)] },
  {
    ...{ type: 'partitionRewound', requestId: 11, nextOffset: 30n, placing: 'as-ever', givenUp: [] },
    ...{ damagedParts: 0, parts: [part(1)], lost: [{ bucket: 'a', firstOffset: 30n, lastOffset: 35n }] },
  },
  { type: 'rollRequested', requestId: 11 },
  { type: 'requestRefused', requestId: 11, reason: 'It is not stopped.' },
];

/** Facts of which each differs from what it is at the start, so that no change of one is overlooked. */
const FACTS: PartitionContext = {
  ...{ epoch: 6, claimId: claim(6), ownClaimId: claim(7), nextOffset: 40n, checkpoint: 2 },
  ...{
    recordsRead: 100,
    recordsSkippedNull: 3,
    recordsSkippedBad: 2,
    stop: (({ type: _, ...stop }) => stop)(stopped),
  },
  ...{ leaderEpoch: 4, leaderEpochStart: 20n, earlierLeaderEpochs: [{ epoch: 3, startOffset: 10n }] },
  recordsBad: [{ reason: 'invalid-json', records: 4 }],
  ...{ generation: 2, retired: true, answered: [], lastRequestId: 10 },
  ...{ refusal: { requestId: 10, reason: 'It is not stopped.' } },
  pieces: { checkpoint: 3, count: 1, parts: [change(1, 10)] },
  ...{ recordsAlreadyHeld: 5, repairs: 1, damaged: { requestId: 10, count: 1, parts: [part(2)] } },
  repair: {
    ...{ untilOffset: 70n, placing: 'as-ever', missing: [], givenUp: [] },
    read: { leaderEpoch: 4, leaderEpochStart: 20n, earlierLeaderEpochs: [] },
  },
};

/** The facts after the event; null if the state does not accept it. */
function factsAfter(state: string, event: PartitionEvent): PartitionContext | null {
  try {
    return step(partitionMachine, restore(partitionMachine, state, FACTS), event, 'It').state.context;
  } catch (error) {
    if (hasCode(error, 'PROTOCOL_UNEXPECTED_EVENT')) return null;
    throw error;
  }
}

const STATES = Object.keys(partitionMachine.states);

describe('the facts of a journaled event', () => {
  it('are of every kind in these tests, and replaying accepts each', () => {
    expect(STATES).toContain(start(partitionMachine, undefined).value);
    expect(EVENTS.map((event) => factsAfter('replaying', event)).filter((facts) => facts === null)).toEqual(
      [],
    );
  });

  it.each(STATES.filter((state) => state !== 'replaying'))('are the same in %s as in replaying', (state) => {
    const accepted = EVENTS.filter((event) => factsAfter(state, event) !== null);
    for (const event of accepted)
      expect(factsAfter(state, event), event.type).toEqual(factsAfter('replaying', event));
  });

  it('change nothing but what the event says', () => {
    const changed = (event: PartitionEvent): string[] => {
      const after = factsAfter('replaying', event);
      return Object.keys(FACTS).filter(
        (key) => after?.[key as keyof PartitionContext] !== FACTS[key as keyof PartitionContext],
      );
    };
    const answers = ['stop', 'lastRequestId', 'refusal'];
    const epochs = ['leaderEpoch', 'leaderEpochStart', 'earlierLeaderEpochs'];
    expect(Object.fromEntries(EVENTS.map((event) => [event.type, changed(event).sort()]))).toEqual({
      epochClaimed: ['claimId', 'epoch', 'pieces', 'retired'],
      ...{ partOpened: [], partStarted: [], partMoved: [], partCommitted: [], partDiscarded: [] },
      checkpointPart: ['pieces'],
      checkpointCompleted: [
        ...['checkpoint', 'nextOffset', 'pieces', 'recordsRead', 'recordsSkippedNull', 'repair'],
      ].sort(),
      partitionStopped: ['stop'],
      partitionRetired: ['stop'],
      resumeRequested: [...answers].sort(),
      lossAccepted: [...answers, 'nextOffset', ...epochs, 'repair'].sort(),
      logTruncationAccepted: [...answers, 'nextOffset', ...epochs, 'generation', 'repair'].sort(),
      partsDamaged: ['damaged'],
      partitionRewound: [...answers, 'nextOffset', ...epochs, 'repair', 'repairs', 'damaged'].sort(),
      witnessAnswered: [...answers, 'answered'].sort(),
      rollRequested: ['lastRequestId', 'refusal'],
      requestRefused: ['lastRequestId', 'refusal'],
    });
  });
});
