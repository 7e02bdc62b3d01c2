/** What a repair still has to read again, and of which log. */
import { describe, expect, it } from 'vitest';
import { repairAt, repairBelow, rewound, type RepairFacts } from '../../../actors/repair.ts';
import { UNKNOWN_EPOCHS } from '../../../actors/readEpochs.ts';
import type { EventOf } from '../../../journal/events.ts';

const READ = { leaderEpoch: 4, leaderEpochStart: 60n, earlierLeaderEpochs: [{ epoch: 3, startOffset: 10n }] };
const REPAIR: RepairFacts = {
  ...{ untilOffset: 100n, placing: 'as-ever', givenUp: [], read: READ },
  missing: [
    { bucket: 'a', firstOffset: 10n, lastOffset: 20n },
    { bucket: 'b', firstOffset: 30n, lastOffset: 40n },
  ],
};
const rewind: EventOf<'partitionRewound'> = {
  ...{ type: 'partitionRewound', requestId: 1, nextOffset: 5n, placing: 'later', givenUp: [] },
  ...{ damagedParts: 0, parts: [] },
};

const replaced = (divergedAt: bigint, leaderEpoch: number | null): EventOf<'logTruncationAccepted'> => ({
  ...{ type: 'logTruncationAccepted', requestId: 1, divergedAt, leaderEpoch },
});

describe('a log that is replaced during a repair', () => {
  it('ends the repair there, and must still hold what both have, by the epochs of that', () => {
    expect(repairBelow(REPAIR, replaced(70n, 4))).toEqual({ ...REPAIR, untilOffset: 70n });
    expect(repairBelow(REPAIR, replaced(50n, 3))).toEqual({
      ...{ ...REPAIR, untilOffset: 50n },
      read: { leaderEpoch: 3, leaderEpochStart: 10n, earlierLeaderEpochs: [] },
    });
  });

  it('says nothing of its epochs: nothing can be compared', () => {
    expect(repairBelow(REPAIR, replaced(50n, null))).toMatchObject({ read: UNKNOWN_EPOCHS });
  });

  it('above it does not matter', () => {
    expect(repairBelow(REPAIR, replaced(100n, 3))).toBe(REPAIR);
    expect(repairBelow(null, replaced(50n, 3))).toBe(null);
  });
});

it('a second repair adds what it has lost to what the first has not read again', () => {
  const before = { ...READ, nextOffset: 15n, repair: REPAIR };
  const lost = [{ bucket: 'a', firstOffset: 10n, lastOffset: 14n }];
  expect(rewound(before, rewind, lost)).toEqual({
    ...{ untilOffset: 100n, placing: 'later', givenUp: [], read: READ },
    missing: [
      { bucket: 'a', firstOffset: 15n, lastOffset: 20n },
      { bucket: 'b', firstOffset: 30n, lastOffset: 40n },
      ...lost,
    ],
  });
});

it('a repair is over when all that had been read is read again', () => {
  expect(repairAt(REPAIR, 99n)).toBe(REPAIR);
  expect(repairAt(REPAIR, 100n)).toBe(null);
});
