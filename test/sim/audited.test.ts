/** The audit and the checkers share no code: each may find the other's faults. */
import { expect, it } from 'vitest';
import { drawSchedule, randomOfRun } from '../../sim/draw/schedule.ts';
import type { RunTrace } from '../../sim/schedule.ts';
import type { AuditReport } from '../../src/audit/auditReport.ts';
import type { FindingCode } from '../../src/audit/findings.ts';
import { audited } from './audited.ts';

const SEED = 4;
const RUNS = 150;

/** What is right to find after a fault of this type, where it has not been answered. */
const RIGHT: Readonly<Partial<Record<RunTrace['harms'][number]['type'], readonly FindingCode[]>>> = {
  journalDamage: ['ENTRY_DAMAGED'],
  journalBack: ['WITNESS_DIFFERS', 'GROUP_AHEAD', 'FILE_UNKNOWN', 'FILE_MISSING'],
  // Readers took a file away before its commit was journaled.
  hastyReader: ['FILE_MISSING'],
  // Of a file that is not published yet, and that no repair has given up.
  damage: ['FILE_MISSING', 'FILE_DIFFERS'],
};

/** Findings that no fault of the schedule explains. */
function unexplained({ harms }: RunTrace, { findings }: AuditReport) {
  const right = harms.flatMap(({ type }) => RIGHT[type] ?? []);
  return findings.filter(({ code }) => !right.includes(code));
}

it.each(['file', 'oss-hdfs', 'oss'] as const)(
  'drawn schedules on %s: what is kept is clean, and what is damaged is found',
  { timeout: 300_000 },
  async (store) => {
    let cleanFiles = 0;
    let damaged = 0;
    const deep = { records: 0, files: 0, markers: 0n, aborted: 0n, compacted: 0n, expired: 0n };
    for (let run = 0; run < RUNS; run += 1) {
      const schedule = drawSchedule(randomOfRun(SEED, run), { store, job: null });
      const { trace, report } = await audited(schedule);
      const name = `run ${run}`;
      expect(trace.violations, name).toEqual([]);
      expect(unexplained(trace, report), name).toEqual([]);
      expect(report.unchecked, name).toEqual([]);
      for (const { records, files, expired, holes, holesBy } of report.deep ?? []) {
        const { markers, aborted, compacted } = holesBy;
        // The world has a cause for each.
        expect(markers + aborted + compacted, name).toBe(holes);
        deep.records += records;
        deep.files += files.compared;
        deep.markers += markers;
        deep.aborted += aborted;
        deep.compacted += compacted;
        deep.expired += expired;
      }
      if (report.verdict === 'clean') cleanFiles += report.files.compared;
      else damaged += 1;
      const isDamaged = trace.stopped.some(
        ({ code }) => code === 'JOURNAL_CORRUPT' || code === 'JOURNAL_ROLLED_BACK',
      );
      const isEnded = trace.completeAtMs === null;
      if (isDamaged && isEnded) expect(report.verdict, name).toBe('damaged');
    }
    expect(cleanFiles).toBeGreaterThan(RUNS);
    expect(damaged).toBeGreaterThan(0);
    expect(deep.records).toBeGreaterThan(RUNS);
    expect(deep.files).toBeGreaterThan(RUNS);
    for (const cause of ['markers', 'aborted', 'compacted', 'expired'] as const)
      expect(deep[cause], cause).toBeGreaterThan(RUNS / 10);
  },
);
