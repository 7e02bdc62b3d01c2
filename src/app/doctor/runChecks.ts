/**
 * Runs the checks of one area, one after the other, each for a bounded time. One that fails hides no other;
 * one that others need and that is not done makes them not done.
 */
import { ERROR_CODES, TidemarkError } from '../../../journal/errors.ts';
import { fail, notDone, type Check, type Finding, type Probe } from '../../../kernels/checks/check.ts';
import { durationText } from '../../../kernels/checks/sizes.ts';
import { within } from '../../system/bounded.ts';
import type { Clock } from '../../system/clock.ts';
import type { CheckArea, CheckResult } from './doctorReport.ts';

const CHECK_LIMIT_MS = 10_000;
/** How long calls may take to return that were given up, before what they made is removed. */
const LINGER_MS = 5_000;
const CLOSE_LIMIT_MS = 10_000;

export interface AreaRun {
  readonly area: CheckArea;
  readonly probe: Probe;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onBegun: (id: string) => void;
  readonly onDone: (id: string) => void;
  /**
   * Awaited behind the first check, which makes nothing: others may look at the same folders, and what was
   * there before has to be known before anything is made.
   */
  readonly othersHaveLooked: () => Promise<void>;
}

export interface AreaFound {
  readonly checks: readonly CheckResult[];
  readonly leftovers: readonly string[];
}

export async function runChecks(run: AreaRun): Promise<AreaFound> {
  const { area, probe, onBegun, onDone } = run;
  const underWay: Promise<unknown>[] = [];
  const checks: CheckResult[] = [];
  for (const check of probe.checks) {
    onBegun(check.id);
    const { finding, tookMs } = await findingOf(run, check, checks, underWay);
    checks.push({ area, id: check.id, ...finding, tookMs: Math.round(tookMs) });
    onDone(check.id);
    if (checks.length === 1) await run.othersHaveLooked();
  }
  return { checks, leftovers: await close(run, underWay) };
}

interface Timed {
  readonly finding: Finding;
  readonly tookMs: number;
}

async function findingOf(
  run: AreaRun,
  check: Check,
  before: readonly CheckResult[],
  underWay: Promise<unknown>[],
): Promise<Timed> {
  if (run.signal.aborted) return { finding: interrupted(), tookMs: 0 };
  const missing = before.find(
    ({ id, outcome }) => check.needs.includes(id) && (outcome === 'fail' || outcome === 'notDone'),
  );
  if (missing !== undefined) {
    const { id, outcome } = missing;
    const why = outcome === 'fail' ? 'has failed' : 'was not done';
    return { finding: notDone(`it needs ${id}, which ${why}`, ''), tookMs: 0 };
  }
  const startMs = run.clock.nowMs();
  const finding = await boundedFinding(run, check, underWay);
  return { finding, tookMs: run.clock.nowMs() - startMs };
}

const interrupted = (): Finding => notDone('it was interrupted', '');

async function boundedFinding(
  { clock, signal, probe }: AreaRun,
  check: Check,
  underWay: Promise<unknown>[],
): Promise<Finding> {
  const limitMs = check.limitMs ?? CHECK_LIMIT_MS;
  const over = new AbortController();
  const late = Promise.withResolvers<Finding>();
  const timer = clock.timer(limitMs, () => late.resolve(tooLate(limitMs)));
  const stop = (): void => late.resolve(interrupted());
  signal.addEventListener('abort', stop);
  const work = check.run(over.signal).catch((error: unknown) => findingOfError(error, probe));
  underWay.push(work);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    timer.cancel();
    signal.removeEventListener('abort', stop);
    over.abort();
  }
}

function tooLate(limitMs: number): Finding {
  return notDone(
    `there was no answer within ${durationText(limitMs)}`,
    'Look whether it is only slow now, and run this again.',
  );
}

function findingOfError(error: unknown, probe: Probe): Finding {
  const found = error instanceof Error ? error.message : String(error);
  const mend = error instanceof TidemarkError ? ERROR_CODES[error.code].help : 'Report this with its output.';
  return probe.isAway(error) ? notDone(found, mend) : fail(found, mend);
}

/** Returns what may be left, as sentences. */
async function close({ area, probe, clock }: AreaRun, underWay: Promise<unknown>[]): Promise<string[]> {
  await within(clock, LINGER_MS, Promise.allSettled(underWay));
  const outcome: { type: 'late' | 'done' | 'failed'; error?: unknown } = { type: 'late' };
  const closing = probe.close().then(
    () => {
      outcome.type = 'done';
    },
    (error: unknown) => {
      outcome.type = 'failed';
      outcome.error = error;
    },
  );
  await within(clock, CLOSE_LIMIT_MS, closing);
  switch (outcome.type) {
    case 'done':
      return [];
    case 'late':
      return [`The checks of the ${area} could not be cleaned up within ${durationText(CLOSE_LIMIT_MS)}.`];
    case 'failed': {
      const reason = outcome.error instanceof Error ? outcome.error.message : String(outcome.error);
      return [`The checks of the ${area} could not be cleaned up: ${reason}`];
    }
  }
}
