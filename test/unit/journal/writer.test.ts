import { describe, expect, test } from 'vitest';
import { createMemoryBacking, createMemoryJournal } from '../../../journal/memory/journal.ts';
import type { AppendOutcome, Journal } from '../../../journal/port.ts';
import { EMPTY_TAIL } from '../../../journal/replay.ts';
import type { SubjectWriter } from '../../../journal/writer.ts';
import { bulky, chain, claimed, committed, identity, readAll, replayAll, writerOn } from './fixtures.ts';
import { Bench, subject } from './writerBench.ts';

describe('a writer whose appends go well', () => {
  test('chains its entries and hands out the tail of each', async () => {
    const bench = new Bench();
    const writer = bench.writer();
    const first = await writer.append(identity(), [claimed()]);
    const second = await writer.append(identity(), [committed(1), committed(2)]);
    expect([first.seq, second.seq]).toEqual([1, 2]);
    const replayed = await replayAll(bench.journal, subject);
    expect(replayed.map(({ tail }) => tail)).toEqual([first, second]);
    expect(replayed[1]?.entry).toMatchObject({ ...identity(), events: [committed(1), committed(2)] });
    expect(writer.tail).toEqual(second);
  });

  test('continues after entries that it replayed', async () => {
    const bench = new Bench();
    for (const bytes of chain(3)) await bench.journal.fileRequest(subject, bytes);
    const last = (await replayAll(bench.journal, subject)).at(-1);
    await bench.writer(last?.tail).append(identity(2), [claimed(2)]);
    expect(await bench.seqs()).toEqual([1, 2, 3, 4]);
  });

  test('measures an entry to the byte', async () => {
    const bench = new Bench();
    const writer = bench.writer();
    const bytes = writer.measure(identity(), [claimed()]);
    await writer.append(identity(), [claimed()]);
    expect((await readAll(bench.journal, subject))[0]?.byteLength).toBe(bytes);
  });
});

describe('an append with an unknown outcome', () => {
  test('took effect, the reply was lost: the same bytes are sent again, the own entry is found', async () => {
    const bench = new Bench();
    bench.faults = [{ type: 'replyLost' }];
    const tail = await bench.writer().append(identity(), [claimed()]);
    expect(tail).toEqual((await replayAll(bench.journal, subject)).at(-1)?.tail);
    expect(await bench.seqs()).toEqual([1]);
    expect(bench.sent).toHaveLength(2);
    expect(bench.sent[1]).toEqual(bench.sent[0]);
  });

  test('took no effect: it is sent until it is acknowledged', async () => {
    const bench = new Bench();
    bench.faults = [{ type: 'requestLost' }, { type: 'unavailable' }, { type: 'requestLost' }];
    const tail = await bench.writer().append(identity(), [claimed()]);
    expect(tail).toMatchObject({ seq: 1, revision: 1 });
    expect(await bench.seqs()).toEqual([1]);
    expect(bench.retries.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    expect(bench.pacer.pausesMs).toEqual([50, 100, 200]);
  });

  test('takes effect late, between two attempts: it is there once, and found', async () => {
    const bench = new Bench();
    bench.faults = [{ type: 'late' }, { type: 'unavailable' }];
    bench.pacer.onPause = (pause) => {
      if (pause === 2) bench.journal.deliverLate();
    };
    const tail = await bench.writer().append(identity(), [claimed()]);
    expect(tail).toMatchObject({ seq: 1, revision: 1 });
    expect(await bench.seqs()).toEqual([1]);
  });

  test('arrives late behind its own repetition: it has no effect any more', async () => {
    const bench = new Bench();
    bench.faults = [{ type: 'late' }];
    const writer = bench.writer();
    await writer.append(identity(), [claimed()]);
    expect(bench.journal.deliverLate()).toEqual([{ type: 'conflict', lastRevision: 1 }]);
    await writer.append(identity(), [committed(1)]);
    expect(await bench.seqs()).toEqual([1, 2]);
  });

  test('took no effect and another claim was first: fenced, and nothing of it is written', async () => {
    const bench = new Bench();
    bench.faults = [{ type: 'late' }];
    bench.pacer.onPause = async () => {
      await bench.rival(EMPTY_TAIL).append(identity(2), [claimed(2)]);
    };
    await expect(bench.writer().append(identity(1), [claimed(1)])).rejects.toMatchObject({
      code: 'FENCED',
      retry: 'fenced',
      fields: { epoch: 2 },
    });
    bench.journal.deliverLate();
    expect((await replayAll(bench.journal, subject)).map(({ entry }) => entry.epoch)).toEqual([2]);
  });

  test('took effect and another claim is behind it: adopted, and fenced at the next append', async () => {
    const bench = new Bench();
    bench.faults = [{ type: 'replyLost' }];
    bench.pacer.onPause = async (pause) => {
      if (pause > 1) return;
      const tail = (await replayAll(bench.journal, subject)).at(-1)?.tail ?? EMPTY_TAIL;
      await bench.rival(tail).append(identity(2), [claimed(2)]);
    };
    const writer = bench.writer();
    const tail = await writer.append(identity(1), [claimed(1)]);
    expect(tail).toMatchObject({ seq: 1, revision: 1 });
    await expect(writer.append(identity(1), [committed(1)])).rejects.toMatchObject({ code: 'FENCED' });
    expect((await replayAll(bench.journal, subject)).map(({ entry }) => entry.epoch)).toEqual([1, 2]);
  });

  test('the journal is away for long: tried again, at most 2 s apart, then acknowledged', async () => {
    const bench = new Bench();
    bench.faults = Array.from({ length: 100 }, () => ({ type: 'unavailable' as const }));
    const tail = await bench.writer().append(identity(), [claimed()]);
    expect(tail.seq).toBe(1);
    expect(bench.pacer.pausesMs).toHaveLength(100);
    expect(Math.max(...bench.pacer.pausesMs)).toBe(2_000);
    expect(bench.retries[0]?.cause).toMatchObject({ code: 'JOURNAL_UNAVAILABLE' });
  });
});

describe('an append that conflicts', () => {
  test('with a stale reader, which does not show the entry yet, is tried again until it does', async () => {
    const backing = createMemoryBacking();
    const reads: number[] = [];
    const bench = new Bench({
      backing,
      onRead: (_subject, after) => {
        reads.push(after);
        return reads.length < 3 ? { type: 'stale', upTo: 0 } : null;
      },
      onAppend: () => null,
    });
    await bench.rival(EMPTY_TAIL).append(identity(2), [claimed(2)]);
    await expect(bench.writer().append(identity(1), [claimed(1)])).rejects.toMatchObject({ code: 'FENCED' });
    expect(reads).toHaveLength(3);
  });

  test('while the journal cannot be read is tried again, never taken for a fence', async () => {
    let reads = 0;
    const bench = new Bench({
      onRead: () => {
        reads += 1;
        return reads < 4 ? { type: 'unavailable' } : null;
      },
    });
    bench.faults = [{ type: 'replyLost' }];
    const tail = await bench.writer().append(identity(), [claimed()]);
    expect(tail.seq).toBe(1);
    expect(reads).toBe(4);
    expect(await bench.seqs()).toEqual([1]);
  });

  test('with an entry that does not continue ours stops: the journal is damaged', async () => {
    const bench = new Bench();
    await bench.journal.fileRequest(subject, chain(2)[1] ?? new Uint8Array());
    await expect(bench.writer().append(identity(), [claimed()])).rejects.toMatchObject({
      code: 'JOURNAL_CORRUPT',
    });
  });
});

describe('a journal that lost its end', () => {
  async function appended(bench: Bench, count: number): Promise<SubjectWriter> {
    const writer = bench.writer();
    await writer.append(identity(), [claimed()]);
    for (let number = 1; number < count; number += 1) await writer.append(identity(), [committed(number)]);
    return writer;
  }

  test('stops with JOURNAL_ROLLED_BACK once that has been so for 30 s, and not before', async () => {
    const bench = new Bench();
    const writer = await appended(bench, 3);
    bench.journal.loseEnd(subject, 1);
    await expect(writer.append(identity(), [committed(9)])).rejects.toMatchObject({
      code: 'JOURNAL_ROLLED_BACK',
      retry: 'operator',
      fields: { lastRevision: 1, acknowledgedRevision: 3, seq: 3 },
    });
    expect(bench.pacer.nowAtMs).toBeGreaterThanOrEqual(30_000);
    expect(bench.pacer.nowAtMs).toBeLessThan(33_000);
    expect(await bench.seqs()).toEqual([1]);
  });

  test('a leader that was only behind for 29 s loses nothing', async () => {
    const bench = new Bench();
    const writer = await appended(bench, 3);
    const kept = bench.backing.subjects.get(subject) ?? [];
    bench.journal.loseEnd(subject, 1);
    bench.pacer.onPause = () => {
      if (bench.pacer.nowAtMs >= 29_000) bench.backing.subjects.set(subject, kept);
    };
    expect((await writer.append(identity(), [committed(9)])).seq).toBe(4);
    expect(await bench.seqs()).toEqual([1, 2, 3, 4]);
  });

  test('an outage in between starts the 30 s anew: only what is stable counts', async () => {
    const bench = new Bench();
    const writer = await appended(bench, 2);
    const kept = bench.backing.subjects.get(subject) ?? [];
    bench.journal.loseEnd(subject, 1);
    bench.pacer.onPause = () => {
      const nowMs = bench.pacer.nowAtMs;
      if (nowMs >= 20_000 && nowMs < 24_000) bench.faults = [{ type: 'unavailable' }];
      if (nowMs >= 45_000) bench.backing.subjects.set(subject, kept);
    };
    expect((await writer.append(identity(), [committed(9)])).seq).toBe(3);
  });

  test('a recreated journal, where the subject ends at 0, is a lost end', async () => {
    const bench = new Bench();
    const writer = await appended(bench, 1);
    bench.backing.subjects.clear();
    await expect(writer.append(identity(), [committed(9)])).rejects.toMatchObject({
      code: 'JOURNAL_ROLLED_BACK',
    });
  });

  test('every attempt says why: what the journal reports, and its own reason', async () => {
    const bench = new Bench();
    const writer = bench.writer();
    await writer.append(identity(), [claimed()]);
    bench.faults = [{ type: 'conflict' }, { type: 'conflict', lastRevision: 7 }];
    await writer.append(identity(), [committed(1)]);
    const [lost, unreadable] = bench.retries.map(({ cause }) => cause);
    expect(lost).toMatchObject({ code: 'JOURNAL_UNAVAILABLE', fields: { lastRevision: 0 } });
    expect(String(lost)).toMatch(/ends at revision 0, although entry 1 at 1 had been acknowledged/);
    expect(String(unreadable)).toMatch(/ends at revision 7, but gives no entry behind 1/);
  });

  test('a conflict before anything was acknowledged is no lost end, but does not last for ever', async () => {
    const bench = new Bench();
    bench.faults = Array.from({ length: 15 }, () => ({ type: 'conflict' as const }));
    expect((await bench.writer().append(identity(), [claimed()])).seq).toBe(1);
    expect(bench.pacer.nowAtMs).toBeGreaterThan(15_000);
    const again = new Bench();
    again.faults = Array.from({ length: 60 }, () => ({ type: 'conflict' as const }));
    await expect(again.writer().append(identity(), [claimed()])).rejects.toMatchObject({
      code: 'JOURNAL_CORRUPT',
    });
  });
});

describe('an entry that the journal does not take', () => {
  test('over the payload limit is refused before anything is sent, and the writer continues', async () => {
    const bench = new Bench({ entryBytesMax: 600 });
    const writer = bench.writer();
    await expect(writer.append(identity(), [bulky(600)])).rejects.toMatchObject({
      code: 'JOURNAL_ENTRY_TOO_LARGE',
      fields: { bytesMax: 600 },
    });
    expect(bench.appends).toBe(0);
    expect((await writer.append(identity(), [claimed()])).seq).toBe(1);
  });

  test('of exactly the payload limit is sent', async () => {
    const bytes = new Bench().writer().measure(identity(), [bulky(600)]);
    const bench = new Bench({ entryBytesMax: bytes });
    expect((await bench.writer().append(identity(), [bulky(600)])).seq).toBe(1);
    const narrow = new Bench({ entryBytesMax: bytes - 1 });
    await expect(narrow.writer().append(identity(), [bulky(600)])).rejects.toMatchObject({
      ...{ code: 'JOURNAL_ENTRY_TOO_LARGE', fields: { bytes, bytesMax: bytes - 1 } },
    });
  });

  test('at once is sent again also if nobody wants to hear of it', async () => {
    const bench = new Bench();
    bench.faults = [{ type: 'unavailable' }, { type: 'replyLost' }];
    const writer = writerOn(bench.journal, subject, EMPTY_TAIL, { pacer: bench.pacer });
    expect((await writer.append(identity(), [claimed()])).seq).toBe(1);
  });

  test('because it is full is sent again until there is room', async () => {
    const bench = new Bench();
    bench.faults = [{ type: 'full' }, { type: 'full' }];
    expect((await bench.writer().append(identity(), [claimed()])).seq).toBe(1);
    expect(bench.retries.map(({ cause }) => (cause as { code: string }).code)).toEqual([
      'JOURNAL_FULL',
      'JOURNAL_FULL',
    ]);
  });

  test('for good rejects, and the writer continues: nothing was written', async () => {
    const bench = new Bench();
    bench.faults = [{ type: 'refused' }];
    const writer = bench.writer();
    await expect(writer.append(identity(), [claimed()])).rejects.toMatchObject({
      code: 'JOURNAL_ENTRY_TOO_LARGE',
      message: expect.stringContaining(`refuses entry 1 of ${subject} for good`) as string,
      cause: expect.any(Error) as Error,
    });
    expect((await writer.append(identity(), [claimed()])).seq).toBe(1);
  });

  test('for good, behind an attempt of unknown outcome, ends the writer: it may be there', async () => {
    const bench = new Bench();
    bench.faults = [{ type: 'late' }, { type: 'refused' }];
    const writer = bench.writer();
    await expect(writer.append(identity(), [claimed()])).rejects.toMatchObject({
      code: 'JOURNAL_ENTRY_TOO_LARGE',
    });
    await expect(writer.append(identity(), [committed(1)])).rejects.toMatchObject({ code: 'FENCED' });
    expect(bench.appends).toBe(2);
  });

  test('because no replay could read it is a bug found before it is written', async () => {
    const bench = new Bench();
    const writer = bench.writer();
    const broken = { ...committed(1), partId: 'not a part id' } as never;
    await expect(writer.append(identity(), [broken])).rejects.toMatchObject({ code: 'INTERNAL' });
    expect(bench.appends).toBe(0);
    expect((await writer.append(identity(), [claimed()])).seq).toBe(1);
  });
});

describe('a writer that is told to stop', () => {
  test('before it sent anything sends nothing, and may continue', async () => {
    const bench = new Bench();
    const writer = bench.writer();
    const reason = new Error('shutting down');
    await expect(writer.append(identity(), [claimed()], AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(bench.appends).toBe(0);
    expect((await writer.append(identity(), [claimed()])).seq).toBe(1);
  });

  test('while the outcome is unknown rejects with the reason and takes no further append', async () => {
    const bench = new Bench();
    const abort = new AbortController();
    const reason = new Error('shutting down');
    bench.faults = [{ type: 'late' }];
    bench.pacer.onPause = () => abort.abort(reason);
    const writer = bench.writer();
    await expect(writer.append(identity(), [claimed()], abort.signal)).rejects.toBe(reason);
    await expect(writer.append(identity(), [committed(1)])).rejects.toMatchObject({ code: 'FENCED' });
    bench.journal.deliverLate();
    expect(await bench.seqs()).toEqual([1]);
  });

  test('does not wait for the pause to end', async () => {
    const bench = new Bench();
    const abort = new AbortController();
    bench.faults = [{ type: 'unavailable' }];
    bench.pacer.onPause = () => {
      abort.abort(new Error('shutting down'));
      return new Promise(() => undefined);
    };
    await expect(bench.writer().append(identity(), [claimed()], abort.signal)).rejects.toThrow(
      'shutting down',
    );
  });

  test('an acknowledged append is acknowledged, also where the signal came meanwhile', async () => {
    const abort = new AbortController();
    const bench = new Bench({
      onAppend: () => {
        abort.abort(new Error('shutting down'));
        return null;
      },
    });
    expect((await bench.writer().append(identity(), [claimed()], abort.signal)).seq).toBe(1);
  });
});

describe('one append at a time', () => {
  test('a second one before the first has ended is a bug, and does not disturb the first', async () => {
    const bench = new Bench();
    const writer = bench.writer();
    const first = writer.append(identity(), [claimed()]);
    await expect(writer.append(identity(), [committed(1)])).rejects.toMatchObject({ code: 'INTERNAL' });
    expect((await first).seq).toBe(1);
    expect(await bench.seqs()).toEqual([1]);
  });

  test('a fenced writer stays fenced: nothing more is sent', async () => {
    const bench = new Bench();
    await bench.rival(EMPTY_TAIL).append(identity(2), [claimed(2)]);
    const writer = bench.writer();
    await expect(writer.append(identity(1), [claimed(1)])).rejects.toMatchObject({ code: 'FENCED' });
    const appends = bench.appends;
    await expect(writer.append(identity(1), [claimed(1)])).rejects.toMatchObject({ code: 'FENCED' });
    expect(bench.appends).toBe(appends);
  });

  test('a journal that rejects outright ends the writer with that error', async () => {
    const replaced = new Error('replaced');
    const journal: Journal = Object.assign(createMemoryJournal(), {
      append: (): Promise<AppendOutcome> => Promise.reject(replaced),
    });
    const writer = writerOn(journal, subject);
    await expect(writer.append(identity(), [claimed()])).rejects.toBe(replaced);
    await expect(writer.append(identity(), [claimed()])).rejects.toMatchObject({
      code: 'FENCED',
      fields: { seq: 1 },
      cause: replaced,
    });
  });
});
