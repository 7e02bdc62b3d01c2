import { expect, test } from 'vitest';
import { namesPileUp } from '../../sim/checkers/names.ts';
import type { Fault, RunTrace } from '../../sim/schedule.ts';
import { runWorld } from '../../sim/world.ts';
import { schedule } from './schedules.ts';

const KILLS: readonly Fault[] = [
  { type: 'kill', process: 0, atMs: 440 },
  { type: 'kill', process: 1, atMs: 445 },
];
/** Nothing is closed before the faults are over. */
const roll = { maxBytes: 1_000, maxAgeMs: 9_000, maxIdleMs: 9_000, atCheckpoint: false };

function namesOf({ journal }: RunTrace): number[] {
  const names = new Map<string, number>();
  for (const { text } of journal) {
    const { events = [] } = JSON.parse(text) as { events?: { type: string; partId: string }[] };
    for (const { type, partId } of events)
      if (type === 'partMoved') names.set(partId, (names.get(partId) ?? 0) + 1);
  }
  return [...names.values()];
}

function refused(point: 'store.resume' | 'store.finish'): Fault[] {
  return [0, 1].flatMap((process) =>
    [0, 1].flatMap((life) =>
      Array.from({ length: 12 }, (_, index): Fault => {
        return { type: 'store', process, life, nth: index + 1, point, fault: 'refused' };
      }),
    ),
  );
}

test.each([
  ['oss-hdfs', 'store.resume'],
  ['file', 'store.finish'],
] as const)(
  '%s: a takeover that is refused again and again journals one name for each owner',
  async (store, point) => {
    const trace = await runWorld(
      schedule({ config: { store, roll }, faults: [...KILLS, ...refused(point)] }),
    );
    expect(trace.violations).toEqual([]);
    const refusals = trace.fired.filter(Boolean).length - KILLS.length;
    expect(refusals).toBeGreaterThanOrEqual(12);
    expect(namesOf(trace).length).toBeGreaterThan(0);
    expect(Math.max(...namesOf(trace))).toBeLessThanOrEqual(3);
  },
);

test.each(['oss-hdfs', 'file'] as const)(
  '%s: a destination that is away is given no name for each try',
  async (store) => {
    const away: Fault = { type: 'away', service: 'store', atMs: 450, forMs: 40_000 };
    const trace = await runWorld(
      schedule({ config: { store, roll, faultsUntilMs: 60_000 }, faults: [...KILLS, away] }),
    );
    expect(trace.violations).toEqual([]);
    expect(Math.max(0, ...namesOf(trace))).toBeLessThanOrEqual(3);
  },
);

test('names that pile up are found', async () => {
  const trace = await runWorld(schedule({ config: { store: 'oss-hdfs', roll }, faults: KILLS }));
  const moved = { type: 'partMoved', partId: 'a', fromUri: 'x', toUri: 'y' };
  const entry = {
    subject: 's',
    revision: 1,
    atMs: 0,
    text: JSON.stringify({ partition: 1, events: [moved] }),
  };
  const piled = (names: number) =>
    namesPileUp({ ...trace, journal: Array.from({ length: names }, () => entry) });
  expect(piled(6)).toEqual([]);
  expect(piled(7)).toMatchObject([{ invariant: 'P6', partition: 1 }]);
});
