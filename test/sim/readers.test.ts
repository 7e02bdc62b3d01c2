import { describe, expect, test } from 'vitest';
import type { Fault } from '../../sim/schedule.ts';
import { runWorld } from '../../sim/world.ts';
import { schedule } from './schedules.ts';

const STORES = ['file', 'oss', 'oss-hdfs'] as const;
const crash: Fault = {
  ...{ type: 'crash', process: 0, life: 0, nth: 1 },
  ...{ point: 'store.commit', side: 'after' },
};

describe.each(STORES)('%s: a reader who takes files away', (store) => {
  test('when they are journaled as committed harms nothing, whoever dies meanwhile', async () => {
    const faults: Fault[] = [{ type: 'reader', atMs: 0, forMs: 20_000, everyMs: 1 }, crash];
    const { violations, visible, expected } = await runWorld(schedule({ config: { store }, faults }));
    expect(violations).toEqual([]);
    const taken = visible.filter(({ type }) => type === 'taken');
    expect(taken.length).toBeGreaterThan(2);
    const lines = visible.flatMap(({ content }) => (content ?? '').split('\n').slice(0, -1));
    expect(lines.length).toBe(expected.flat().length);
  });

  test('before that makes a stop right, and nothing is published twice', async () => {
    const faults: Fault[] = [{ type: 'hastyReader', atMs: 0, forMs: 20_000, everyMs: 1 }, crash];
    const { violations, harms, stopped } = await runWorld(schedule({ config: { store }, faults }));
    expect(violations).toEqual([]);
    expect(harms.length).toBeGreaterThan(0);
    expect(stopped.map(({ code }) => code)).toContain('STORE_FILE_MISSING');
  });
});
