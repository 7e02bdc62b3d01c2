/** Events with concrete payloads, shared by the tests of the machines and of the fold. */
import type { EventOf, PartChange } from '../../journal/events.ts';
import { claimId, crc64Hex, partId, type ClaimId, type PartId } from '../../journal/ids.ts';

/** The n-th part id of a test. */
export const part = (n: number): PartId => partId(n.toString(16).padStart(32, '0'));
/** The n-th claim id of a test. */
export const claim = (n: number): ClaimId => claimId(`c${n.toString(16).padStart(31, '0')}`);

export const temporaryName = (n: number): string => `file:///lake/hour-1/.tidemark-${part(n)}`;
export const finalName = (n: number): string =>
  `file:///lake/hour-1/part-clicks-0-${String(n).padStart(20, '0')}`;

export function partOpened(n: number, bucket = 'hour-1'): EventOf<'partOpened'> {
  return {
    type: 'partOpened',
    partId: part(n),
    bucket,
    finalUri: finalName(n),
    temporaryUri: temporaryName(n),
    format: 'text',
    firstOffset: BigInt(n),
    generation: 1,
    openedAtMs: 1_000,
  };
}

/** What a checkpoint says of the n-th part: `pending` where a roll is given. */
export function change(n: number, length: number, roll: PartChange['roll'] = null): PartChange {
  return {
    partId: part(n),
    state: roll === null ? 'inProgress' : 'pending',
    length,
    records: length / 10,
    firstOffset: BigInt(n),
    lastOffset: BigInt(n + length / 10 - 1),
    crc64: crc64Hex(length.toString(16).padStart(16, '0')),
    handle: null,
    roll,
  };
}

export const rolled = { reason: 'size', atMs: 2_000 } as const;

export function claimed(epoch: number, startOffset = 0n): EventOf<'epochClaimed'> {
  return { type: 'epochClaimed', epoch, claimId: claim(epoch), startOffset };
}

export function checkpointed(
  checkpoint: number,
  nextOffset: bigint,
  parts: readonly PartChange[] = [],
  checkpointParts = 0,
): EventOf<'checkpointCompleted'> {
  return {
    type: 'checkpointCompleted',
    checkpoint,
    nextOffset,
    leaderEpoch: 4,
    leaderEpochStart: 20n,
    recordsRead: 10,
    recordsSkipped: { nullValue: 1 },
    checkpointParts,
    parts: [...parts],
  };
}

export function piece(
  checkpoint: number,
  index: number,
  parts: readonly PartChange[],
): EventOf<'checkpointPart'> {
  return { type: 'checkpointPart', checkpoint, index, parts: [...parts] };
}

export const stopped: EventOf<'partitionStopped'> = {
  type: 'partitionStopped',
  code: 'SOURCE_RANGE_LOST',
  message: 'Offsets 100 to 249 are gone.',
  fromOffset: 100n,
  toOffset: 250n,
  files: [],
  truncation: null,
};
