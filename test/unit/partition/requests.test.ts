import { describe, expect, test } from 'vitest';
import type { StopFacts } from '../../../actors/facts.ts';
import type { OperatorRequest } from '../../../journal/events.ts';
import { decideRequest, jumpOf, proposedRequests } from '../../../src/partition/requests.ts';
import type { OffsetRange } from '../../../src/sources/port.ts';

const RESUME: OperatorRequest = { type: 'resume', from: null, acceptLoss: false };
const END = 9_223_372_036_854_775_807n;

function stopOf(changes: Partial<StopFacts> = {}): StopFacts {
  return {
    ...{ code: 'SOURCE_RANGE_LOST', message: 'Gone.', fromOffset: 10n, toOffset: 15n, files: [] },
    truncation: null,
    ...changes,
  };
}

const factsOf = (stop: StopFacts | null, nextOffset = 10n) => ({
  ...{ stop, nextOffset, lastRequestId: 0, checkpoint: 3 },
});

function answer(
  facts: ReturnType<typeof factsOf>,
  request: OperatorRequest,
  range: OffsetRange | null = null,
): string {
  const [event] = decideRequest({ facts }, { requestId: 7, request }, { range, jump: null });
  return event?.type === 'requestRefused' ? event.reason : (event?.type ?? 'nothing');
}

const loss = (fromOffset: bigint, toOffset: bigint): OperatorRequest => ({
  type: 'acceptLoss',
  fromOffset,
  toOffset,
});
const range = { startOffset: 15n, endOffset: 40n };

describe('a loss that is to be accepted', () => {
  test('is accepted as the stop names it, whatever the source holds', () => {
    expect(answer(factsOf(stopOf()), loss(10n, 15n))).toBe('lossAccepted');
    expect(answer(factsOf(stopOf({ code: 'SOURCE_BATCH_CORRUPT' })), loss(10n, 15n))).toBe('lossAccepted');
    expect(answer(factsOf(stopOf()), loss(10n, 12n))).toBe('lossAccepted');
  });

  test('is accepted where an earlier version journaled the stop, whose code is another one now', () => {
    const facts = factsOf(stopOf({ code: 'KAFKA_BATCH_TOO_LARGE' }));
    expect(answer(facts, loss(10n, 15n))).toBe('lossAccepted');
    expect(answer(facts, loss(10n, 40n), range)).toBe('lossAccepted');
    expect(proposedRequests(facts)).toEqual([RESUME, loss(10n, 15n)]);
  });

  test('may reach further only within what the source holds', () => {
    expect(answer(factsOf(stopOf()), loss(10n, 40n), range)).toBe('lossAccepted');
    expect(answer(factsOf(stopOf()), loss(10n, 41n), range)).toContain(
      'must end at 40, where the source ends',
    );
    expect(answer(factsOf(stopOf()), loss(10n, END), range)).toContain(
      'must end at 40, where the source ends',
    );
    expect(answer(factsOf(stopOf()), loss(10n, 16n))).toContain('the source does not say how far it goes');
    expect(answer(factsOf(stopOf({ toOffset: null })), loss(10n, END))).toContain('does not name its end');
    expect(answer(factsOf(stopOf({ toOffset: null })), loss(10n, 12n), range)).toBe('lossAccepted');
  });

  test('begins at nextOffset, and there is one only where the stop says so', () => {
    expect(answer(factsOf(stopOf()), loss(5n, 15n))).toBe(
      'The loss must begin at nextOffset 10 and end behind it, not [5, 15).',
    );
    expect(answer(factsOf(null), loss(10n, 15n))).toContain('not stopped');
    for (const code of ['SOURCE_REPLACED', 'SOURCE_BEYOND_END', 'JOURNAL_CORRUPT', 'INTERNAL'])
      expect(answer(factsOf(stopOf({ code })), loss(10n, 15n), range)).toContain(`stopped for ${code}`);
    expect(answer(factsOf(stopOf({ files: ['/lake/a'] })), loss(10n, 15n))).toContain('/lake/a');
  });

  test('is none yet where the last checkpoint failed: what stands before it may still be read', () => {
    const facts = factsOf(stopOf({ fromOffset: 14n, toOffset: 19n }));
    expect(answer(facts, loss(10n, 19n), range)).toContain('Resume the partition first');
    expect(answer(facts, loss(14n, 19n), range)).toContain('must begin at nextOffset 10');
  });
});

describe('an answer that jumps', () => {
  const truncation = { divergedAt: 6n, leaderEpoch: null };
  const jumps = [
    ['a loss', stopOf(), loss(10n, 15n), 15n],
    ['a truncation', stopOf({ truncation }), { type: 'acceptTruncation', divergedAt: 6n }, 6n],
  ] as const;

  test.each(jumps)('%s: the leader epoch below is journaled with it', (_what, stop, request, nextOffset) => {
    const facts = factsOf(stop);
    expect(jumpOf(facts, request)).toBe(nextOffset);
    const jump = { nextOffset, below: { epoch: 4, startOffset: 2n } };
    const [answered, ...rest] = decideRequest({ facts }, { requestId: 7, request }, { range: null, jump });
    expect(answered?.type).toMatch(/Accepted$/);
    expect(rest).toEqual([
      {
        ...{ type: 'checkpointCompleted', checkpoint: 4, nextOffset, leaderEpoch: 4, leaderEpochStart: 2n },
        ...{ recordsRead: 0, recordsSkipped: { nullValue: 0 }, checkpointParts: 0, parts: [] },
      },
    ]);
  });

  test.each(jumps)('%s: is refused where the source does not tell what is below', (_what, stop, request) => {
    const says = { range: null, jump: 'The source does not tell it.' };
    expect(decideRequest({ facts: factsOf(stop) }, { requestId: 7, request }, says)).toEqual([
      { type: 'requestRefused', requestId: 7, reason: 'The source does not tell it.' },
    ]);
  });

  test('is none where the answer names the leader epoch itself, or where reading stays', () => {
    const known = stopOf({ truncation: { divergedAt: 6n, leaderEpoch: 3 } });
    expect(jumpOf(factsOf(known), { type: 'acceptTruncation', divergedAt: 6n })).toBeNull();
    expect(jumpOf(factsOf(stopOf()), { type: 'roll' })).toBeNull();
  });
});

const REPAIR = { type: 'repair', notTaken: false } as const;

describe('what is proposed', () => {
  test.each([
    ['a lost range', stopOf(), [RESUME, loss(10n, 15n)]],
    ['a damaged batch', stopOf({ code: 'SOURCE_BATCH_CORRUPT' }), [RESUME, loss(10n, 15n)]],
    ['a lost range behind a checkpoint that failed', stopOf({ fromOffset: 14n, toOffset: 19n }), [RESUME]],
    ['a range without an end', stopOf({ toOffset: null }), [RESUME]],
    ['a file that is missing', stopOf({ code: 'STORE_FILE_MISSING', files: ['/lake/a'] }), [RESUME, REPAIR]],
    ['a topic that was made anew', stopOf({ code: 'SOURCE_REPLACED' }), [RESUME]],
    ['a line that grew behind what counts', stopOf({ fromOffset: 9n, toOffset: 10n }), [RESUME]],
  ] as const)('for %s is what would be accepted', (_what, stop, expected) => {
    const facts = factsOf(stop);
    const proposed = proposedRequests(facts);
    expect(proposed).toEqual(expected);
    // Only the owner can say whether a repair is possible.
    for (const request of proposed.filter(({ type }) => type !== 'repair'))
      expect(answer(facts, request)).toMatch(/^(resumeRequested|lossAccepted)$/);
  });

  test('for a partition that is not stopped is nothing', () => {
    expect(proposedRequests(factsOf(null))).toEqual([]);
  });
});
