/** Which repairs are refused by what the source says. */
import { expect, it } from 'vitest';
import { createMemoryJournal } from '../../../journal/memory/journal.ts';
import type { OffsetRange } from '../../../src/sources/port.ts';
import { planRepair, type Repairing } from '../../../src/partition/repair.ts';
import { JOB } from '../journal/fixtures.ts';

/** One file of offsets 10 to 19 is gone; 100 offsets were read. The source has no leader epochs. */
function plan(range: OffsetRange, isCompacted = false) {
  const durable = { length: 1, records: 10, firstOffset: 10n, lastOffset: 19n, crc64: '', handle: null };
  const context = { partId: 'a', generation: 1, finalUri: 'file:///part', staleUris: [], durable };
  const source = {
    ...{ kind: 'kafka', verifyIdentity: () => Promise.resolve(), ranges: () => Promise.resolve([range]) },
    isCompacted: () => Promise.resolve(isCompacted),
  };
  const reading = { showsUnpublished: true, verify: () => Promise.resolve({ type: 'missing' }) };
  const store = { reading, takeover: { type: 'finish' } };
  const clock = { pause: () => Promise.resolve() };
  const repairing = {
    context: {
      ports: { source, store, clock, journal: createMemoryJournal() },
      settings: { job: JOB, effectiveConfig: {}, assigner: () => ({ isKnownAgain: () => true }) },
    },
    task: {
      ...{ partition: { topic: 'events', partition: 0 }, purpose: 'read', topicId: null },
      clusterId: { journaled: null, found: null },
    },
    host: {
      ledger: {
        facts: {
          ...{ nextOffset: 100n, generation: 1, repair: null },
          ...{ leaderEpoch: null, leaderEpochStart: null, earlierLeaderEpochs: [] },
        },
        parts: () => [{ status: 'inProgress', context }],
      },
    },
  };
  return planRepair(repairing as unknown as Repairing, false);
}

it('a source that has all that was read from the first damaged offset on can be read again', async () => {
  const planned = await plan({ startOffset: 10n, endOffset: 100n });
  expect(planned).toMatchObject({ damaged: ['a'], jump: { nextOffset: 10n } });
});

it('a source that begins later, ends before, or is compacted cannot', async () => {
  expect(await plan({ startOffset: 11n, endOffset: 100n })).toContain('it begins at 11');
  expect(await plan({ startOffset: 0n, endOffset: 99n })).toContain('ends at offset 99');
  expect(await plan({ startOffset: 0n, endOffset: 100n }, true)).toContain('compacted');
});
