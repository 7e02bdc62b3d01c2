import { describe, expect, test } from 'vitest';
import { createMemoryJournal } from '../../../journal/memory/journal.ts';
import { EMPTY_TAIL } from '../../../journal/replay.ts';
import { claimed, committed, identity } from './fixtures.ts';
import { Bench } from './writerBench.ts';

describe('a conflict with an entry that nobody can read', () => {
  test.each([1, 9])(
    'at revision %i: stops with JOURNAL_CORRUPT after 30 s, and not before',
    async (lastRevision) => {
      const bench = new Bench();
      const writer = bench.writer();
      await writer.append(identity(), [claimed()]);
      bench.faults = Array.from({ length: 1_000 }, () => ({ type: 'conflict' as const, lastRevision }));
      await expect(writer.append(identity(), [committed(1)])).rejects.toMatchObject({
        ...{
          code: 'JOURNAL_CORRUPT',
          retry: 'operator',
          message: expect.stringContaining(`ends at revision ${lastRevision}, but gives no entry`) as string,
          fields: { lastRevision, acknowledgedRevision: 1, seq: 1 },
        },
      });
      expect(bench.pacer.nowAtMs).toBeGreaterThanOrEqual(30_000);
      expect(bench.pacer.nowAtMs).toBeLessThan(33_000);
    },
  );

  test('while the journal cannot be read either, the 30 s do not begin', async () => {
    const bench = new Bench();
    const journal = createMemoryJournal({
      backing: bench.backing,
      onAppend: () => (bench.pacer.nowAtMs < 90_000 ? { type: 'conflict', lastRevision: 9 } : null),
      onRead: () => (bench.pacer.nowAtMs < 70_000 ? { type: 'unavailable' } : null),
    });
    const tail = await bench.writer(EMPTY_TAIL, { journal }).append(identity(), [claimed()]);
    expect(tail.seq).toBe(1);
  });

  test('nor if the journal reports just what was acknowledged', async () => {
    const bench = new Bench();
    const first = await bench.writer().append(identity(), [claimed()]);
    const journal = createMemoryJournal({
      backing: bench.backing,
      onAppend: () => (bench.pacer.nowAtMs < 90_000 ? { type: 'conflict', lastRevision: 1 } : null),
      onRead: () => (bench.pacer.nowAtMs < 70_000 ? { type: 'unavailable' } : null),
    });
    expect((await bench.writer(first, { journal }).append(identity(), [committed(1)])).seq).toBe(2);
  });

  test('two kinds of odd answers in turn are no stable one', async () => {
    const bench = new Bench();
    const writer = bench.writer();
    await writer.append(identity(), [claimed()]);
    bench.faults = Array.from({ length: 60 }, (_, index) => ({
      ...{ type: 'conflict' as const, lastRevision: index % 2 === 0 ? 0 : 9 },
    }));
    await writer.append(identity(), [committed(1)]);
    expect(bench.pacer.nowAtMs).toBeGreaterThan(60_000);
  });
});

describe('a journal that says itself that its end is lost', () => {
  test('stops with JOURNAL_ROLLED_BACK after 30 s, also while it cannot be read', async () => {
    const bench = new Bench();
    const tail = await bench.writer().append(identity(), [claimed()]);
    const journal = createMemoryJournal({
      backing: bench.backing,
      onAppend: () => (bench.pacer.nowAtMs < 90_000 ? { type: 'conflict', lastRevision: 0 } : null),
      onRead: () => ({ type: 'unavailable' }),
    });
    await expect(bench.writer(tail, { journal }).append(identity(), [committed(1)])).rejects.toMatchObject({
      code: 'JOURNAL_ROLLED_BACK',
      fields: { lastRevision: 0, seq: 1 },
    });
    expect(bench.pacer.nowAtMs).toBeLessThan(33_000);
  });
});
