/** Operators that remove orphans in the world, and the checker that judges them. */
import { describe, expect, it } from 'vitest';
import { checkP8 } from '../../sim/checkers/onlyOrphansRemoved.ts';
import { partOf } from '../../sim/checkers/sweptNames.ts';
import { drawSchedule, randomOfRun } from '../../sim/draw/schedule.ts';
import type { Swept, TracedSweeps } from '../../sim/sweeping.ts';
import { runWorld } from '../../sim/world.ts';
import { SOUND } from './trace.ts';

const SEED = 7;
const RUNS = 250;

it.each(['file', 'oss-hdfs', 'oss'] as const)(
  'drawn schedules on %s: orphans are found and removed, and only they',
  { timeout: 300_000 },
  async (store) => {
    let removed = 0;
    let ends = 0;
    for (let run = 0; run < RUNS; run += 1) {
      const schedule = drawSchedule(randomOfRun(SEED, run), { store, job: null });
      if (!schedule.faults.some(({ type }) => type === 'orphans')) continue;
      const { violations, sweeps } = await runWorld(schedule);
      expect(violations, `run ${run}`).toEqual([]);
      removed += sweeps.swept.length;
      if (sweeps.last?.problem === null) ends += 1;
    }
    expect(removed).toBeGreaterThan(0);
    expect(ends).toBeGreaterThan(RUNS / 10);
  },
);

describe('P8', () => {
  const part: Swept['part'] = {
    ...{ partition: 0, finalUri: 'file:///lake/a', hasEnded: true, isStopped: false },
  };
  const swept = (of: Swept['part']): TracedSweeps => ({
    swept: [{ atMs: 90, begunAtMs: 80, uri: 'file:///lake/.a', part: of }],
    last: null,
  });
  const found = (sweeps: TracedSweeps, harms: (typeof SOUND)['harms'] = []) =>
    checkP8({ ...SOUND, sweeps, harms }).map(({ message }) => message);

  it('holds where what is removed was of files that have ended', () => {
    expect(found(swept(part))).toEqual([]);
    expect(found({ swept: [], last: { problem: null, left: [] } })).toEqual([]);
  });

  it.each([
    [null, 'which the journal does not hold'],
    [{ ...part, hasEnded: false }, 'which file:///lake/a may still need'],
    [{ ...part, isStopped: true }, 'whose partition 0 is stopped'],
  ])('is broken by a removal of %j', (of, why) => {
    expect(found(swept(of))).toEqual([`at 90 ms an operator removed file:///lake/.a, ${why}`]);
  });

  it('excuses only a command during which the journal went back', () => {
    const harm = { type: 'journalBack', partition: null, codes: [] } as const;
    expect(found(swept(null), [{ ...harm, atMs: 85 }])).toEqual([]);
    expect(found(swept(null), [{ ...harm, atMs: 70 }])).toHaveLength(1);
  });

  it.each([
    [{ problem: null, left: ['file:///lake/.b'] }, 'an operator has left file:///lake/.b'],
    [{ problem: 'x', left: [] }, 'in the end nobody could look for orphans: x'],
  ])('is broken by an end like %j', (last, message) => {
    expect(found({ swept: [], last })).toEqual([message]);
  });
});

it('reads whose a name is in the journal, by every name that a file had', () => {
  const entry = (...events: object[]) => ({
    ...{ subject: 'world.partition.numbers.0', revision: 1, atMs: 0 },
    text: JSON.stringify({ topic: 'numbers', partition: 0, events }),
  });
  const names = { partId: 'a', finalUri: 'file:///lake/a' };
  const opened = entry({ type: 'partOpened', ...names, temporaryUri: 'file:///lake/.tidemark-1' });
  const moved = entry({ type: 'partMoved', partId: 'a', toUri: 'file:///lake/.tidemark-2' });
  const of = (uri: string, ...entries: (typeof opened)[]) =>
    partOf(entries, { by: 'p4.0', uri, upload: null }, Infinity);
  const open = { partition: 0, finalUri: 'file:///lake/a', hasEnded: false, isStopped: false };
  expect(of('file:///lake/.tidemark-1', opened)).toEqual(open);
  expect(of('file:///lake/.tidemark-rows-2', opened, moved)).toEqual(open);
  expect(of('file:///lake/.tidemark-2.p', opened, moved)).toEqual(open);
  expect(of('file:///lake/.tidemark-1.48', opened)).toEqual(open);
  expect(of('file:///lake/.tidemark-2', opened)).toBeNull();
  const ended = entry({ type: 'partDiscarded', partId: 'a' }, { type: 'partitionStopped' });
  expect(of('file:///lake/.tidemark-1', opened, ended)).toEqual({ ...open, hasEnded: true, isStopped: true });
});
