/** Schedules in which faults strike at every place, for the tests of them. */
import { expect } from 'vitest';
import { fuzzLines } from '../../src/cli/fuzzText.ts';
import type { FuzzReport } from '../../sim/report.ts';
import { fuzz } from '../../sim/runner.ts';

export const STORES = ['file', 'oss', 'oss-hdfs'] as const;
type Store = (typeof STORES)[number];

export async function exhaust(
  store: Store,
  strikes: number,
): Promise<{ readonly report: FuzzReport; readonly text: string }> {
  const report = await fuzz({
    ...{ seed: 1, store, job: null, mode: { type: 'exhaustive', strikes } },
    ...{ nowMs: () => performance.now(), signal: new AbortController().signal },
  });
  const lines = fuzzLines(report);
  console.log(`${store}: ${lines.slice(0, 6).join('\n')}\n${lines.at(-1) ?? ''}`);
  return { report, text: lines.join('\n') };
}

/** Nearly all take place: what a run came to is where the next one strikes. */
export function expectEachHit({ levels, failpoints }: FuzzReport, store: Store): void {
  const [, singles] = levels;
  expect(singles!.hit / singles!.schedules).toBeGreaterThan(0.9);
  const unhit = failpoints.filter(({ hit }) => hit === 0).map(({ point }) => point);
  expect(new Set(unhit)).toEqual(new Set([store === 'oss-hdfs' ? 'store.finish' : 'store.resume']));
}
