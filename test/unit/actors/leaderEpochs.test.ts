/** What a partition knows of Kafka's leader epochs, after checkpoints and accepted truncations. */
import { describe, expect, it } from 'vitest';
import { PartitionLedger } from '../../../actors/ledger.ts';
import type { EventOf, PartitionEvent } from '../../../journal/events.ts';
import { checkpointed, claimed, stopped } from '../../model/samples.ts';

type Epochs = Pick<EventOf<'checkpointCompleted'>, 'leaderEpoch' | 'leaderEpochStart'>;

const earlier = [
  { epoch: 2, startOffset: 0n },
  { epoch: 3, startOffset: 10n },
];

/** A partition that was read to offset 30, in epoch 5 from offset 20 on. */
const read = (epochs: Epochs = { leaderEpoch: 5, leaderEpochStart: 20n }): readonly PartitionEvent[] => [
  claimed(1),
  { ...checkpointed(1, 30n), ...epochs, earlierLeaderEpochs: earlier },
];

const truncated = (divergedAt: bigint, leaderEpoch: number | null): PartitionEvent => ({
  ...{ type: 'logTruncationAccepted', requestId: 1, divergedAt, leaderEpoch },
});

function epochsAfter(...events: readonly PartitionEvent[]) {
  const ledger = new PartitionLedger();
  for (const event of events) ledger.fold([event]);
  const { leaderEpoch, leaderEpochStart, earlierLeaderEpochs } = ledger.facts;
  return { leaderEpoch, leaderEpochStart, earlierLeaderEpochs };
}

describe('a truncation within the last epoch', () => {
  it('leaves it and all earlier ones, each with its start', () => {
    expect(epochsAfter(...read(), stopped, truncated(25n, 5))).toEqual({
      ...{ leaderEpoch: 5, leaderEpochStart: 20n, earlierLeaderEpochs: earlier },
    });
  });
});

describe('a truncation into an earlier epoch', () => {
  it('leaves that one with its own start, and only those before it', () => {
    expect(epochsAfter(...read(), stopped, truncated(15n, 3))).toEqual({
      ...{ leaderEpoch: 3, leaderEpochStart: 10n, earlierLeaderEpochs: earlier.slice(0, 1) },
    });
  });
});

describe('a truncation where an epoch began', () => {
  it('leaves nothing of that epoch, whatever the number of the one that replaced it', () => {
    expect(epochsAfter(...read(), stopped, truncated(20n, 6))).toEqual({
      ...{ leaderEpoch: 6, leaderEpochStart: 20n, earlierLeaderEpochs: earlier },
    });
    expect(epochsAfter(...read(), stopped, truncated(10n, 6))).toEqual({
      ...{ leaderEpoch: 6, leaderEpochStart: 10n, earlierLeaderEpochs: earlier.slice(0, 1) },
    });
  });
});

describe('a truncation of a log of which an epoch is not wholly known', () => {
  it.each([
    { leaderEpoch: 5, leaderEpochStart: null },
    { leaderEpoch: null, leaderEpochStart: 20n },
  ])('does not take it for an earlier one: %o', (epochs) => {
    expect(epochsAfter(...read(epochs), stopped, truncated(25n, 6)).earlierLeaderEpochs).toEqual(earlier);
  });

  it('knows none if the log does not tell the epoch of the last batch', () => {
    expect(epochsAfter(...read(), stopped, truncated(25n, null))).toEqual({
      ...{ leaderEpoch: null, leaderEpochStart: null, earlierLeaderEpochs: [] },
    });
  });
});

describe('a checkpoint of an earlier version, which lists no earlier epochs', () => {
  const next = (epochs: Epochs): PartitionEvent => ({ ...checkpointed(2, 40n), ...epochs });

  it('keeps them if its epoch and start are unchanged', () => {
    const same = next({ leaderEpoch: 5, leaderEpochStart: 20n });
    expect(epochsAfter(...read(), same).earlierLeaderEpochs).toEqual(earlier);
  });

  it.each([
    { leaderEpoch: 6, leaderEpochStart: 20n },
    { leaderEpoch: 5, leaderEpochStart: 35n },
  ])('drops them if not: %o', (epochs) => {
    expect(epochsAfter(...read(), next(epochs)).earlierLeaderEpochs).toEqual([]);
  });
});
