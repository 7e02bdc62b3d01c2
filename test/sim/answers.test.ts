import { describe, expect, test } from 'vitest';
import type { Fault, RunTrace } from '../../sim/schedule.ts';
import { runWorld } from '../../sim/world.ts';
import { schedule } from './schedules.ts';

const back: Fault = { type: 'journalBack', atMs: 420, entries: 6, running: false };
const answer = (from: 'journal' | 'witness'): Fault => ({
  ...{ type: 'answer', atMs: 8_000, forMs: 25_000, from, acceptLoss: true },
});
const config = { processes: 1, faultsUntilMs: 60_000 } as const;

const answered = ({ journal }: RunTrace): string[] =>
  journal.flatMap(({ text }) => /"answer":"(from-\w+)"/.exec(text)?.[1] ?? []);

describe.each(['file', 'oss-hdfs'] as const)('%s: a journal that went back', (store) => {
  test('continues when its operator says so, after unknown files are moved away: no loss', async () => {
    const faults = [back, answer('journal')];
    const trace = await runWorld(schedule({ config: { ...config, store }, faults }));
    expect(trace.violations).toEqual([]);
    expect(answered(trace)).toContain('from-journal');
    expect(trace.visible.some(({ type }) => type === 'putAway')).toBe(true);
    expect(standing(trace)).toEqual(
      trace.expected.flatMap((all) => all.map(({ value }) => value)).toSorted(),
    );
  });

  test('is continued from behind its witness: nothing is published twice', async () => {
    const faults = [back, answer('witness')];
    const trace = await runWorld(schedule({ config: { ...config, store }, faults }));
    expect(trace.violations).toEqual([]);
    expect(answered(trace)).toContain('from-witness');
    expect(trace.visible.some(({ type }) => type === 'putAway')).toBe(false);
    const lines = standing(trace);
    expect(new Set(lines).size).toBe(lines.length);
  });
});

/** The records that readers see in the end. */
function standing({ visible }: RunTrace): string[] {
  const files = new Map<string, string>();
  for (const { uri, content } of visible) files.set(uri, content ?? '');
  return [...files.values()].flatMap((content) => content.split('\n').slice(0, -1)).toSorted();
}
