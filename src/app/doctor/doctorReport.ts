/** What `tidemark doctor` has found. */
import type { Finding, Outcome } from '../../../kernels/checks/check.ts';
import type { Log } from '../../telemetry/log.ts';

export const CHECK_AREAS = ['source', 'journal', 'sink', 'machine', 'job'] as const;
export type CheckArea = (typeof CHECK_AREAS)[number];

export interface CheckResult extends Finding {
  readonly area: CheckArea;
  readonly id: string;
  /** In milliseconds; 0 if it was not begun. */
  readonly tookMs: number;
}

export interface DoctorReport {
  readonly job: string;
  /** By area, each in the order of its checks. */
  readonly checks: readonly CheckResult[];
  readonly counts: Readonly<Record<Outcome, number>>;
  /** What was made for the checks and may still be there, as sentences. */
  readonly leftovers: readonly string[];
}

export interface DoctorProgress {
  readonly done: number;
  readonly total: number;
  /** Ids of the checks that run now. */
  readonly running: readonly string[];
}

export interface DoctorOptions {
  readonly log: Log;
  /** Ends the checks early. What they have made is removed all the same. */
  readonly signal: AbortSignal;
  readonly onProgress: (progress: DoctorProgress) => void;
}

export function countsOf(checks: readonly CheckResult[]): DoctorReport['counts'] {
  const count = (outcome: Outcome): number => checks.filter((one) => one.outcome === outcome).length;
  return { pass: count('pass'), warn: count('warn'), fail: count('fail'), notDone: count('notDone') };
}
