/** Whether records of damaged files can be put where they were, by the whole journal of their partition. */
import { describe, expect, it } from 'vitest';
import type { JournalEvent } from '../../../journal/events.ts';
import { createMemoryJournal } from '../../../journal/memory/journal.ts';
import { EMPTY_TAIL } from '../../../journal/replay.ts';
import { jobSubject } from '../../../journal/subjects.ts';
import { SubjectWriter } from '../../../journal/writer.ts';
import { placingOf } from '../../../src/job/placing.ts';
import { readRepairHistory } from '../../../src/partition/repairHistory.ts';
import type { Repairing } from '../../../src/partition/repair.ts';
import { checkpointed, claimed as claimedBy, part, partOpened } from '../../model/samples.ts';
import { identity, JOB, subjectOf } from '../journal/fixtures.ts';

const CONFIG = { bucket: { by: 'record-time' } };
const OTHER = { bucket: { by: 'key' } };
const OWN = placingOf(CONFIG);

const claimed = (epoch: number, placing?: string): JournalEvent =>
  placing === undefined ? claimedBy(epoch) : { ...claimedBy(epoch), placing };
/** Counts ten records. */
const counted = (checkpoint: number): JournalEvent => checkpointed(checkpoint, BigInt(checkpoint) * 10n);
const lost = (fromOffset: bigint, toOffset: bigint): JournalEvent => ({
  ...{ type: 'lossAccepted', requestId: 1, fromOffset, toOffset },
});

/** File 1 is damaged. */
async function historyOf(events: readonly JournalEvent[], starts: readonly (typeof CONFIG)[] = []) {
  const journal = createMemoryJournal();
  const pacer = { nowMs: () => 0, pause: () => Promise.resolve() };
  const shared = { journal, pacer, timestamp: () => '2026-12-01T00:00:00.000Z' };
  const own = new SubjectWriter({ ...shared, subject: subjectOf() }, EMPTY_TAIL);
  for (const event of events) await own.append(identity(), [event]);
  const ofJob = new SubjectWriter({ ...shared, subject: jobSubject(JOB) }, EMPTY_TAIL);
  for (const config of starts)
    await ofJob.append(identity(), [
      {
        ...{ type: 'jobStarted', fingerprint: 'f', version: '1', groupId: null, clusterId: null },
        ...{ topics: [], sinkUri: null, config, moved: [] },
      },
    ]);
  const repairing = {
    context: { ports: { journal }, settings: { job: JOB, effectiveConfig: CONFIG } },
    task: { partition: { topic: 'events', partition: 0 } },
  };
  const damaged = [{ partId: part(1) }];
  return readRepairHistory(
    repairing as unknown as Repairing,
    damaged as unknown as Parameters<typeof readRepairHistory>[1],
  );
}

const REFUSED = expect.stringContaining('other folders') as unknown;

describe('the owners since the first damaged file was opened', () => {
  it('have all placed records as the job does', async () => {
    const events = [claimed(1, OWN), partOpened(1), counted(1), claimed(2, OWN), counted(2)];
    expect(await historyOf(events)).toEqual({ givenUp: [] });
  });

  it('are those alone: before, records may have been placed otherwise', async () => {
    const events = [
      claimed(1, 'other'),
      partOpened(2),
      counted(1),
      claimed(2, OWN),
      partOpened(1),
      counted(2),
    ];
    expect(await historyOf(events)).toEqual({ givenUp: [] });
  });

  it('have placed records otherwise, before or behind its end: refused', async () => {
    expect(await historyOf([claimed(1, 'other'), partOpened(1), counted(1), claimed(2, OWN)])).toEqual(
      REFUSED,
    );
    const behind = [
      claimed(1, OWN),
      partOpened(1),
      counted(1),
      claimed(2, 'other'),
      counted(2),
      claimed(3, OWN),
    ];
    expect(await historyOf(behind)).toEqual(REFUSED);
  });

  it('count only if they have read: a stopped partition was claimed with a changed job', async () => {
    const settled: JournalEvent = { ...checkpointed(2, 10n), recordsRead: 0 };
    const events = [
      claimed(1, OWN),
      partOpened(1),
      counted(1),
      claimed(2, 'other'),
      settled,
      claimed(3, OWN),
    ];
    expect(await historyOf(events)).toEqual({ givenUp: [] });
  });

  it('of an earlier version are judged by the starts of the job', async () => {
    const events = [claimed(1), partOpened(1), counted(1), claimed(2, OWN)];
    expect(await historyOf(events, [CONFIG, CONFIG])).toEqual({ givenUp: [] });
    expect(await historyOf(events, [OTHER, CONFIG])).toEqual(REFUSED);
  });
});

describe('offsets that were given up', () => {
  it('by a loss or by an answer for the journal stay given up', async () => {
    const answered: JournalEvent = {
      ...{ type: 'witnessAnswered', requestId: 2, answer: 'from-witness', witnesses: [] },
      loss: { fromOffset: 40n, toOffset: 50n },
    };
    const events = [claimed(1, OWN), partOpened(1), counted(1), lost(10n, 20n), answered];
    expect(await historyOf(events)).toEqual({
      givenUp: [
        { fromOffset: 10n, toOffset: 20n },
        { fromOffset: 40n, toOffset: 50n },
      ],
    });
  });

  it('are read again from where the log was replaced', async () => {
    const replaced: JournalEvent = {
      ...{ type: 'logTruncationAccepted', requestId: 3, divergedAt: 15n, leaderEpoch: null },
    };
    const events = [claimed(1, OWN), partOpened(1), lost(10n, 20n), lost(30n, 40n), replaced, lost(17n, 18n)];
    expect(await historyOf(events)).toEqual({
      givenUp: [
        { fromOffset: 10n, toOffset: 15n },
        { fromOffset: 17n, toOffset: 18n },
      ],
    });
  });

  it('are too many for one entry: refused', async () => {
    const many = Array.from({ length: 101 }, (_, at) => lost(BigInt(2 * at), BigInt(2 * at + 1)));
    expect(await historyOf([claimed(1, OWN), partOpened(1), ...many])).toContain('More than 100 ranges');
  });
});
