import { describe, expect, it } from 'vitest';
import { createMemoryJournal } from '../../../journal/memory/journal.ts';
import { firstDifference, NotComparable, type FoldDifference } from '../../../src/audit/compareFolds.ts';
import { foldLines, type FoldedEntry, type FoldLine } from '../../../src/audit/foldLines.ts';
import { FinishedJob, JOB } from './finishedJob.ts';

async function* given(lines: readonly FoldLine[]): AsyncGenerator<FoldLine> {
  yield* lines;
}

const compared = (own: readonly FoldLine[], other: readonly FoldLine[]): Promise<FoldDifference | null> =>
  firstDifference(given(own), given(other), () => undefined);

async function folded(finished: FinishedJob): Promise<FoldLine[]> {
  const lines: FoldLine[] = [];
  const journal = createMemoryJournal({ backing: finished.job.backing, readBatchEntries: 3 });
  for await (const line of foldLines(journal, JOB)) lines.push(line);
  return lines;
}

const entry = (seq: number, state: Partial<FoldedEntry['state']> = {}, subject = 'a'): FoldedEntry => ({
  ...{ type: 'entry', subject, seq, at: 'then', events: ['partOpened'] },
  state: { claim: '1', offsets: '1', requests: '1', stop: '1', files: '1', ...state },
});
const refused = (seq: number, code = 'JOURNAL_CORRUPT', subject = 'a'): FoldLine => ({
  ...{ type: 'refused', subject, seq, code, message: 'no' },
});

describe('the first difference', () => {
  it('is none between equal lines, whatever each says of what both refuse', async () => {
    expect(await compared([entry(1), entry(2)], [entry(1), entry(2)])).toBeNull();
    expect(await compared([entry(1), refused(2, 'A')], [entry(1), refused(2, 'B')])).toBeNull();
  });

  it('is the first entry with another state, and names its sides', async () => {
    const other = [entry(1), entry(2, { offsets: '2', files: '9' }), entry(3, { stop: '2' })];
    expect(await compared([entry(1), entry(2), entry(3)], other)).toMatchObject({
      ...{ subject: 'a', seq: 2, at: 'then', events: ['partOpened'], sides: ['offsets', 'files'] },
      ...{ refusedByThis: null, refusedByOther: null },
    });
  });

  it('is an entry that one of the two refuses', async () => {
    const refusal = { code: 'JOURNAL_CORRUPT', message: 'no' };
    const one = await compared([entry(1), refused(2)], [entry(1), entry(2)]);
    expect(one).toMatchObject({ seq: 2, at: 'then', refusedByThis: refusal, refusedByOther: null });
    const other = await compared([entry(1), entry(2)], [entry(1), refused(2)]);
    expect(other).toMatchObject({ seq: 2, at: 'then', refusedByThis: null, refusedByOther: refusal });
  });

  it('is never told of lines about other entries, or that end elsewhere', async () => {
    const own = [entry(1), entry(2)];
    for (const other of [[], [entry(1)], [...own, entry(3)], [entry(2)], [entry(1, {}, 'b')], [refused(7)]])
      await expect(compared(own, other)).rejects.toBeInstanceOf(NotComparable);
  });
});

describe('the lines of a fold', () => {
  it('are one for each entry, and their state changes with what an event changes', async () => {
    const finished = await FinishedJob.made();
    const lines = (await folded(finished)) as FoldedEntry[];
    expect(lines.map(({ type }) => type)).not.toContain('refused');
    expect(lines).toHaveLength(finished.entries(0).length + finished.entries(1).length);
    const sidesOf = (type: string): Set<string> => {
      const changed = lines.flatMap((line, index) => {
        const before = lines[index - 1];
        if (before?.subject !== line.subject || line.events.join() !== type) return [];
        return Object.entries(line.state).flatMap(([side, digest]) =>
          digest === before.state[side as keyof FoldedEntry['state']] ? [] : [side],
        );
      });
      return new Set(changed);
    };
    expect(sidesOf('partOpened')).toEqual(new Set(['files']));
    expect(sidesOf('partCommitted')).toEqual(new Set(['files']));
    expect(sidesOf('checkpointCompleted')).toEqual(new Set(['offsets', 'files']));
    expect(sidesOf('epochClaimed')).toEqual(new Set(['claim']));
  });

  it('end at an entry that cannot be folded; the next partition follows', async () => {
    const finished = await FinishedJob.made();
    const whole = await folded(finished);
    finished.replaceEntries(0, finished.entries(0).toSpliced(3, 1));
    const lines = await folded(finished);
    expect(lines.slice(0, 3)).toEqual(whole.slice(0, 3));
    expect(lines[3]).toMatchObject({ type: 'refused', seq: 4, code: 'JOURNAL_CORRUPT' });
    expect(lines.slice(4)).toEqual(whole.filter(({ subject }) => subject === finished.subject(1)));
  });
});
