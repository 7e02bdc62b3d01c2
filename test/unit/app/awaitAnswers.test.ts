import { describe, expect, test } from 'vitest';
import { encodeEntry } from '../../../journal/entry.ts';
import { FORMAT_OF_MOST, ENTRY_VERSION } from '../../../journal/entryFormats.ts';
import type { JournalEvent } from '../../../journal/events.ts';
import { claimId, entryHash, jobName } from '../../../journal/ids.ts';
import { createMemoryJournal, type MemoryJournal } from '../../../journal/memory/journal.ts';
import type { PresenceBoard } from '../../../journal/presence.ts';
import { createMemoryPresence } from '../../../journal/memory/presence.ts';
import { partitionSubject } from '../../../journal/subjects.ts';
import { awaitAnswers } from '../../../src/app/awaitAnswers.ts';
import { systemClock, type Clock } from '../../../src/system/clock.ts';
import { fileOperatorRequest } from '../../../src/partition/requests.ts';
import { noFailpoints } from '../../../src/system/failpoints.ts';
import { DependencyWatch } from '../../../src/presence/dependencies.ts';
import { encodePresence, type PresenceFacts } from '../../../src/presence/record.ts';

const JOB = jobName('clicks');
const at = { topic: 'clicks', partition: 0 };
const NO_OWNER =
  'no coordinator is running; the request stays filed, and the next one to own the partition takes it up';

/** Waits pass at once, and a test hears of each: what happens meanwhile happens there. */
function passingClock(during: (waits: number) => Promise<void> | void = () => undefined): Clock {
  let nowMs = 0;
  let waits = 0;
  return {
    ...systemClock,
    nowMs: () => nowMs,
    pause: async (delayMs) => {
      nowMs += delayMs;
      waits += 1;
      await during(waits);
    },
  };
}

function entryOf(events: readonly JournalEvent[]): Uint8Array {
  return encodeEntry({
    ...{
      job: JOB,
      ...at,
      epoch: 1,
      claimId: claimId('a'.repeat(32)),
      seq: 1,
      at: '2026-02-03T04:05:06.000Z',
    },
    ...{ v: ENTRY_VERSION, minReader: FORMAT_OF_MOST, prevHash: entryHash('0'.repeat(64)), events },
  });
}

const say = (journal: MemoryJournal, ...events: JournalEvent[]) =>
  journal.fileRequest(partitionSubject(JOB, at), entryOf(events));

function recordOf(changes: Partial<PresenceFacts>, bytesMax = 1_000_000): Uint8Array {
  const facts: PresenceFacts = {
    ...{ v: 1, id: 'a', job: JOB, journalId: 'j', host: 'h', pid: 1, version: '1', startedAtMs: 0 },
    ...{ partitions: [{ ...at, state: 'running' }], conditions: [], answers: [] },
    dependencies: new DependencyWatch(systemClock).answers,
    ...changes,
  };
  return encodePresence(facts, bytesMax);
}

async function bench(record: Uint8Array | null = recordOf({})) {
  const journal = createMemoryJournal();
  const presence = createMemoryPresence({ nowMs: () => 0 });
  const keep = (bytes: Uint8Array) => presence.keep({ job: JOB, coordinatorId: 'a' }, bytes);
  if (record !== null) await keep(record);
  // What was answered before belongs to other requests.
  await say(journal, { type: 'rollRequested', requestId: 1 });
  const requestId = await fileOperatorRequest({ journal, failpoints: noFailpoints }, JOB, at, {
    type: 'roll',
  });
  const notices: string[] = [];
  const wait = (clock: Clock, board: PresenceBoard = presence) =>
    awaitAnswers(
      {
        ...{ journal, presence: board, job: JOB, waitMs: 60_000, clock },
        onNotice: (notice) => notices.push(notice),
      },
      [{ partition: at, requestId }],
    );
  return { journal, keep, requestId, notices, wait };
}

describe('who waits for an answer', () => {
  test.each([
    [
      'accepted',
      (requestId: number): JournalEvent => ({ type: 'rollRequested', requestId }),
      { type: 'accepted' },
    ],
    [
      'refused',
      (requestId: number): JournalEvent => ({ type: 'requestRefused', requestId, reason: 'no' }),
      { type: 'refused', reason: 'no' },
    ],
  ])('finds it in the journal: %s', async (_what, event, answer) => {
    const { journal, requestId, notices, wait } = await bench();
    const clock = passingClock(async (waits) => {
      if (waits === 1) await say(journal, { type: 'rollRequested', requestId: requestId + 100 });
      if (waits === 4) await say(journal, event(requestId));
    });
    expect(await wait(clock)).toEqual([answer]);
    expect(notices).toEqual([]);
  });

  test('finds the answer of a halted partition, which journals nothing, in its presence', async () => {
    const { keep, requestId, wait } = await bench();
    const answered = { ...at, requestId, isAccepted: false, reason: 'It is halted.' };
    const clock = passingClock(async (waits) => {
      if (waits === 2) await keep(recordOf({ answers: [{ ...answered, requestId: 1 }, answered] }));
    });
    expect(await wait(clock)).toEqual([{ type: 'refused', reason: 'It is halted.' }]);
  });

  test('is told at once where no coordinator is running, and waits all the same', async () => {
    const { journal, requestId, notices, wait } = await bench(null);
    const clock = passingClock(async (waits) => {
      expect(notices).toEqual([NO_OWNER]);
      if (waits === 5) await say(journal, { type: 'rollRequested', requestId });
    });
    expect(await wait(clock)).toEqual([{ type: 'accepted' }]);
  });

  test('has no answer when the time is over', async () => {
    const { notices, wait } = await bench(null);
    expect(await wait(passingClock())).toEqual([{ type: 'none' }]);
    expect(notices).toEqual([NO_OWNER]);
  });

  test('is told where a coordinator is running that has not the partition', async () => {
    const { notices, wait } = await bench(
      recordOf({ partitions: [{ ...at, partition: 1, state: 'running' }] }),
    );
    expect(await wait(passingClock())).toEqual([{ type: 'none' }]);
    expect(notices).toEqual(['no running coordinator has clicks/0 now; the request stays filed']);
  });

  test('is told nothing of owners where a record has no room for all its partitions', async () => {
    const partitions: PresenceFacts['partitions'] = Array.from({ length: 100 }, (_, partition) => ({
      ...{ topic: 'others', partition, state: 'running' },
    }));
    const { notices, wait } = await bench(recordOf({ partitions }, 2_000));
    expect(await wait(passingClock())).toEqual([{ type: 'none' }]);
    expect(notices).toEqual([]);
  });

  test('is reported, once, where that cannot be read', async () => {
    const { notices, wait } = await bench();
    const broken = createMemoryPresence({
      nowMs: () => 0,
      onCall: () => {
        throw new Error('away');
      },
    });
    expect(await wait(passingClock(), broken)).toEqual([{ type: 'none' }]);
    expect(notices).toEqual(['whether a coordinator is running cannot be read: away']);
  });
});
