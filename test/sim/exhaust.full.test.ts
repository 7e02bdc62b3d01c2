import { describe, expect, it } from 'vitest';
import { exhaust, expectEachHit, STORES } from './exhausted.ts';

describe('the promise', () => {
  it.each(STORES)(
    'is kept with every single fault and every pair at the named failpoints, on the store %s',
    { timeout: 600_000 },
    async (store) => {
      const { report, text } = await exhaust(store, 2);
      expect(report.verdict, text).toBe('held');
      const [, , pairs] = report.levels;
      expect(pairs!.hit / pairs!.schedules).toBeGreaterThan(0.9);
      expect(pairs!.schedules).toBeGreaterThan(1_500);
      expectEachHit(report, store);
    },
  );
});
