/**
 * Run as a process of its own, so that patched sources are loaded: `judge.ts <root> <store> <seed> <runs>`
 * fuzzes the copy at `root`, audits deeply what the first broken schedule has left, and writes one line of
 * JSON: what the checkers say, and what the audit says.
 */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { auditJob } from '../../src/audit/auditJob.ts';
import type { AuditReport } from '../../src/audit/auditReport.ts';
import type * as Runner from '../../sim/runner.ts';
import type { Invariant, Schedule, StoreKind } from '../../sim/schedule.ts';
import { jobSettings } from '../../sim/job/settings.ts';
import type * as WorldOfCopy from '../../sim/world.ts';
import { audited } from '../sim/audited.ts';

/** Some schedules break a promise thousands of times. */
const MESSAGES_MAX = 20;

export interface Judged {
  readonly schedules: number;
  /** Of the checkers; empty if every schedule held. */
  readonly broken: readonly Invariant[];
  readonly messages: readonly string[];
  /** Of the copy's own audit; null if nothing is broken, or if it could not end. */
  readonly verdict: AuditReport['verdict'] | null;
  /**
   * Of the audit of the sources as they are, where the copy's own sees nothing: it replays by machines that
   * may be what was changed.
   */
  readonly verdictOfOthers: AuditReport['verdict'] | null;
  readonly findings: readonly string[];
  readonly error: string | null;
}

if (import.meta.main) {
  const [root = '', store = '', seed = '', runs = ''] = process.argv.slice(2);
  const load = <T>(file: string): Promise<T> =>
    import(pathToFileURL(path.join(root, file)).href) as Promise<T>;
  const { fuzz } = await load<typeof Runner>('sim/runner.ts');
  const { runWorld } = await load<typeof WorldOfCopy>('sim/world.ts');
  const own = {
    auditJob: (await load<{ auditJob: typeof auditJob }>('src/audit/auditJob.ts')).auditJob,
    jobSettings: (await load<{ jobSettings: typeof jobSettings }>('sim/job/settings.ts')).jobSettings,
  };
  const stop = new AbortController();
  const { failure, schedules } = await fuzz({
    ...{ seed: Number(seed), store: store as StoreKind, job: null, threads: 1 },
    mode: { type: 'runs', runs: Number(runs) },
    ...{ nowMs: () => performance.now(), signal: stop.signal },
    onProgress: ({ what }) => {
      if (what === 'shrinking') stop.abort();
    },
  });
  let judged: Judged = {
    ...{
      schedules,
      broken: [],
      messages: [],
      verdict: null,
      verdictOfOthers: null,
      findings: [],
      error: null,
    },
  };
  if (failure !== null) {
    const { violations, schedule } = failure;
    const broken = [...new Set(violations.map(({ invariant }) => invariant))];
    judged = { ...judged, broken, messages: violations.slice(0, MESSAGES_MAX).map(({ message }) => message) };
    try {
      const { report } = await audited(schedule, { runWorld, ...own });
      const other = await auditOfOthers(report, schedule, { runWorld });
      const found = [...report.findings, ...(other?.findings ?? [])].map(({ code }) => code);
      const verdictOfOthers = other?.verdict ?? null;
      judged = { ...judged, verdict: report.verdict, verdictOfOthers, findings: [...new Set(found)] };
    } catch (error) {
      judged = { ...judged, error: String(error) };
    }
  }
  process.stdout.write(`${JSON.stringify(judged)}\n`);
}

async function auditOfOthers(
  { verdict }: AuditReport,
  schedule: Schedule,
  { runWorld }: Pick<typeof WorldOfCopy, 'runWorld'>,
): Promise<AuditReport | null> {
  if (verdict !== 'clean') return null;
  return (await audited(schedule, { runWorld, auditJob, jobSettings })).report;
}
