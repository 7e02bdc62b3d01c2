import { describe, expect, it } from 'vitest';
import { FAILPOINTS } from '../../src/system/failpoints.ts';
import {
  shortSchedule,
  sitesBehind,
  telling,
  withStrikes,
  type Site,
  type Strike,
} from '../../sim/exhaust.ts';
import { runWorld } from '../../sim/world.ts';
import { exhaust, expectEachHit, STORES } from './exhausted.ts';

const shortOf = (store: (typeof STORES)[number]) => shortSchedule({ store, job: null, seed: 1 });

describe('the short workload', () => {
  it.each(STORES)('passes every failpoint that the store %s has', async (store) => {
    const { failpointHits, violations, fired } = await runWorld(shortOf(store));
    const other = store === 'oss-hdfs' ? 'store.finish' : 'store.resume';
    const missing = FAILPOINTS.flatMap((point) => [`${point}:before`, `${point}:after`]).filter(
      (key) => failpointHits[key] === undefined,
    );
    expect(missing).toEqual([`${other}:before`, `${other}:after`]);
    expect(violations).toEqual([]);
    expect(fired).toEqual([true, true, true]);
  });

  it('tells where a fault can strike, and behind a strike only what comes later', async () => {
    const trace = await runWorld(shortOf('file'), { keepEverything: true });
    const all = sitesBehind(trace, []);
    const points = new Set(telling(all, []).map(({ point }) => point));
    expect(points).toEqual(new Set(FAILPOINTS.filter((point) => point !== 'store.resume')));
    const claimed: Strike = { type: 'crash', process: 1, life: 0, point: 'journal.claim', side: 'after' };
    const later = sitesBehind(trace, [claimed]);
    expect(later.length).toBeGreaterThan(0);
    expect(later.length).toBeLessThan(all.length);
    expect(later).not.toContainEqual(expect.objectContaining({ process: 1, point: 'journal.claim' }));
  });
});

describe('strikes', () => {
  const site = (process: number, life: number): Site => ({
    process,
    life,
    point: 'store.commit',
    side: 'after',
  });

  it('follow a crash in the process that recovers, a pause in another one', () => {
    const sites = [site(1, 0), site(0, 1), site(0, 0)];
    expect(telling(sites, [{ type: 'crash', ...site(0, 0) }])).toEqual([site(0, 1)]);
    expect(telling(sites, [{ type: 'pause', ...site(0, 0) }])).toEqual([site(1, 0)]);
  });

  it('take place where the run before came to', async () => {
    const first: Strike = { type: 'crash', process: 0, life: 0, point: 'store.write', side: 'after' };
    const struck = withStrikes(shortOf('file'), [first]);
    const trace = await runWorld(struck, { keepEverything: true });
    const [second] = telling(sitesBehind(trace, [first]), [first]);
    expect(second).toMatchObject({ process: 0, life: 1 });
    const twice = await runWorld(withStrikes(shortOf('file'), [first, { type: 'crash', ...second! }]));
    expect(twice.fired.slice(-2)).toEqual([true, true]);
  });
});

describe('the promise', () => {
  it.each(STORES)(
    'is kept with every single fault at the named failpoints, on the store %s',
    async (store) => {
      const { report, text } = await exhaust(store, 1);
      expect(report.verdict, text).toBe('held');
      const [none, singles] = report.levels;
      expect(none).toMatchObject({ schedules: 1, hit: 1 });
      expect(singles!.schedules).toBeGreaterThan(60);
      expectEachHit(report, store);
    },
  );
});
