import { describe, expect, test } from 'vitest';
import { journalId } from '../../journal/ids.ts';
import type { Journal } from '../../journal/port.ts';
import { EMPTY_TAIL, type Tail } from '../../journal/replay.ts';
import type { JournalFault } from '../../sim/schedule.ts';
import { SimJournalServer, type JournalFaults } from '../../sim/simJournalServer.ts';
import type { Scheduler } from '../../sim/scheduler.ts';
import { journalConformance } from '../conformance/journal/suite.ts';
import type { JournalWorld, LossyJournal } from '../conformance/journal/world.ts';
import { claimed, committed, identity, readAll, subjectOf, writerOn } from '../unit/journal/fixtures.ts';
import { eventually, LIMITS, newProcess, newScheduler, pass } from './simulated.ts';

const OPTIONS = { entryBytesMax: 1_000_000, readBatchEntries: 1_000, timeoutMs: 300 };

/** Faults that a test hands out one by one. */
class NextFault implements JournalFaults {
  #next: { readonly fault: JournalFault; readonly met: () => void } | null = null;

  set(fault: JournalFault): Promise<void> {
    return new Promise((met) => {
      this.#next = { fault, met };
    });
  }

  atJournal(_process: unknown, call: 'append' | 'read'): JournalFault | null {
    const next = this.#next;
    const isRead = next?.fault.type === 'staleRead' || next?.fault.type === 'brokenRead';
    if (next === null || isRead !== (call === 'read')) return null;
    this.#next = null;
    next.met();
    return next.fault;
  }
}

/** Keeps the scheduler going for code that knows nothing of it. */
function driven(scheduler: Scheduler): { stop(): Promise<void> } {
  const drive = { isOver: false };
  const going = (async () => {
    while (!drive.isOver) await scheduler.run(() => drive.isOver, LIMITS);
  })();
  return {
    stop: () => {
      drive.isOver = true;
      return going;
    },
  };
}

async function simulatedWorld(): Promise<JournalWorld> {
  const scheduler = newScheduler();
  const faults = new NextFault();
  let lives = 0;
  let opened: Journal[] = [];
  const makeServer = (): SimJournalServer => {
    lives += 1;
    return new SimJournalServer(scheduler, faults, { ...OPTIONS, id: journalId(`sim-journal-${lives}`) });
  };
  let server = makeServer();
  const drive = driven(scheduler);
  let processes = 0;
  const open = async (): Promise<Journal> => {
    processes += 1;
    const journal = server.connect(newProcess(scheduler, { place: processes }));
    opened.push(journal);
    return journal;
  };
  return {
    open,
    openRival: open,
    openReader: open,
    openLossy: async (): Promise<LossyJournal> => ({
      journal: await open(),
      loseNextReply: () => faults.set({ type: 'lostReply' }),
      loseNextRequest: () => faults.set({ type: 'lostRequest' }),
    }),
    store: async (subject, entries) => {
      for (const bytes of entries) server.store(subject, bytes);
    },
    appendThroughCrash: async (subject) => {
      const process = newProcess(scheduler, { place: 100 });
      const writer = writerOn(server.connect(process), subject);
      const acknowledged: Tail[] = [await writer.append(identity(), [claimed()])];
      acknowledged.push(await writer.append(identity(), [committed(1)]));
      void writer.append(identity(), [committed(2)]);
      await Promise.resolve();
      process.kill();
      return acknowledged;
    },
    recreate: async () => {
      for (const journal of opened) await journal.close();
      opened = [];
      server = makeServer();
    },
    [Symbol.asyncDispose]: () => drive.stop(),
  };
}

describe('the journal of the world', () => {
  journalConformance(simulatedWorld);
});

describe('the faults of the journal of the world', () => {
  const subject = subjectOf();
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

  function scene() {
    const scheduler = newScheduler();
    const faults = new NextFault();
    const server = new SimJournalServer(scheduler, faults, { ...OPTIONS, id: journalId('sim-journal') });
    const connect = (place = 0): Journal => server.connect(newProcess(scheduler, { place }));
    return { scheduler, faults, server, connect, journal: connect() };
  }

  test('a reply is lost: appended, and unknown to the caller after its time-out', async () => {
    const { scheduler, faults, server, journal } = scene();
    void faults.set({ type: 'lostReply' });
    expect(await eventually(scheduler, journal.append(subject, 0, bytes('one')))).toMatchObject({
      type: 'unknown',
    });
    expect(scheduler.nowMs).toBeGreaterThanOrEqual(OPTIONS.timeoutMs);
    expect(server.entries(subject)).toHaveLength(1);
  });

  test('a late append arrives after the caller has given up, unless its place was taken', async () => {
    const { scheduler, faults, server, journal } = scene();
    void faults.set({ type: 'late' });
    expect(await eventually(scheduler, journal.append(subject, 0, bytes('one')))).toMatchObject({
      type: 'unknown',
    });
    expect(server.entries(subject)).toHaveLength(0);
    await pass(scheduler, 3 * OPTIONS.timeoutMs);
    expect(server.entries(subject)).toHaveLength(1);
    void faults.set({ type: 'late' });
    await eventually(scheduler, journal.append(subject, 1, bytes('two')));
    expect(await eventually(scheduler, journal.append(subject, 1, bytes('two')))).toMatchObject({
      type: 'appended',
    });
    await pass(scheduler, 3 * OPTIONS.timeoutMs);
    expect(server.entries(subject)).toHaveLength(2);
  });

  test('a stale reader misses the newest entries; its append then conflicts', async () => {
    const { scheduler, faults, server, journal } = scene();
    for (const text of ['one', 'two', 'three']) server.store(subject, bytes(text));
    void faults.set({ type: 'staleRead', entries: 2 });
    expect(await eventually(scheduler, readAll(journal, subject))).toEqual([bytes('one')]);
    expect(await eventually(scheduler, journal.append(subject, 1, bytes('four')))).toEqual({
      type: 'conflict',
      lastRevision: 3,
    });
  });

  test('a read breaks off behind some entries', async () => {
    const { scheduler, faults, server, journal } = scene();
    for (const text of ['one', 'two', 'three']) server.store(subject, bytes(text));
    void faults.set({ type: 'brokenRead', entries: 2 });
    const seen: number[] = [];
    const reading = (async () => {
      for await (const batch of journal.read(subject, 0)) seen.push(batch.length);
    })();
    await expect(eventually(scheduler, reading)).rejects.toMatchObject({ code: 'JOURNAL_UNAVAILABLE' });
    expect(seen).toEqual([2]);
  });

  test('while it is away appends are unknown and not written, and reads fail', async () => {
    const { scheduler, server, journal } = scene();
    server.goAway(10_000);
    expect(await eventually(scheduler, journal.append(subject, 0, bytes('one')))).toMatchObject({
      type: 'unknown',
    });
    await expect(eventually(scheduler, readAll(journal, subject))).rejects.toMatchObject({
      code: 'JOURNAL_UNAVAILABLE',
    });
    server.goAway(0);
    expect(await eventually(scheduler, journal.append(subject, 0, bytes('one')))).toMatchObject({
      type: 'appended',
    });
  });

  test('revisions have holes inside a subject, as on a stream that many share', async () => {
    const { scheduler, connect } = scene();
    const [one, other] = [connect(1), connect(2)];
    await eventually(scheduler, other.append(subjectOf('other'), 0, bytes('x')));
    expect(await eventually(scheduler, one.append(subject, 0, bytes('one')))).toEqual({
      type: 'appended',
      revision: 2,
    });
  });

  test('of two writers that append at once the one that arrives first wins', async () => {
    const winners = new Set<number>();
    for (let seed = 1; seed <= 8; seed += 1) {
      const scheduler = newScheduler(seed);
      const server = new SimJournalServer(scheduler, new NextFault(), {
        ...OPTIONS,
        id: journalId('sim-journal'),
      });
      const writers = [1, 2].map((place) =>
        writerOn(server.connect(newProcess(scheduler, { place, life: seed })), subject, EMPTY_TAIL),
      );
      const ended = await eventually(
        scheduler,
        Promise.allSettled(
          writers.map((writer, index) => writer.append(identity(index + 1), [claimed(index + 1)])),
        ),
      );
      const won = ended.findIndex(({ status }) => status === 'fulfilled');
      expect(ended.filter(({ status }) => status === 'rejected')).toHaveLength(1);
      winners.add(won);
    }
    expect(winners).toEqual(new Set([0, 1]));
  });
});
