/** The audit and the checkers share no code: each may find the other's faults. */
import { expect, it } from 'vitest';
import { drawSchedule, randomOfRun } from '../../sim/draw/schedule.ts';
import { audited } from './audited.ts';

it('x', { timeout: 600_000 }, async () => {
  const counts = new Map<string, number>();
  for (let seed = 300; seed < 1800; seed += 1) {
    const { trace, report } = await audited(drawSchedule(randomOfRun(4, seed), { store: (['file', 'oss-hdfs', 'oss'] as const)[seed % 3] ?? 'file', job: null }));
    const key = [...new Set(trace.harms.map(({ type }) => type))].sort().join('+') + ' -> ' + [...new Set(report.findings.map(({ code }) => code))].sort().join('+') + (report.unchecked.length > 0 ? ' UNCHECKED ' + report.unchecked[0]?.message : '');
    counts.set(key, (counts.get(key) ?? 0) + 1);
    if (trace.harms.length === 0 && report.verdict !== 'clean') console.log(seed, trace.schedule.config.store, trace.violations, report.findings.slice(0, 3), report.unchecked);
    if (trace.harms.length > 0 && trace.harms.every(({type}) => type !== 'journalBack' && type !== 'journalDamage') && report.findings.length > 0) console.log(seed, trace.schedule.config.store, trace.harms, report.findings.slice(0, 3));
  }
  console.log(counts);
  expect(1).toBe(1);
});
