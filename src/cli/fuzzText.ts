/**
 * The output of `tidemark fuzz`: a verdict, what was tried, and for a failure all that is needed to
 * understand and repeat it.
 */
import type { Failure, FuzzMode, FuzzReport } from '../../sim/report.ts';
import { historyLines } from './fuzzHistoryText.ts';
import type { FuzzProgress } from '../../sim/runner.ts';
import type { Violation } from '../../sim/schedule.ts';
import { formatCount, formatNoun } from '../telemetry/format.ts';
import { left, right, tableLines } from './table.ts';

const VIOLATIONS_SHOWN = 5;
const FILES_SHOWN = 10;
const LEVEL_NAMES = ['no fault', 'single faults', 'pairs', 'triples'] as const;

export function fuzzLines(report: FuzzReport): string[] {
  const { failure, job, history } = report;
  return [
    verdictLine(report),
    ...(job === null ? [] : [`  job ${job.name}: ${job.settings.join('; ')}`]),
    ...levelLines(report),
    ...(history === null ? [] : historyLines(history)),
    `  ${triedLine(report)}`,
    '',
    ...failpointLines(report),
    // Of one stretch it is no news what it does not come to.
    ...(history === null ? coverageLines(report.coverage) : []),
    ...(failure === null ? [] : ['', ...failureLines(failure)]),
    '',
    timingLine(report),
  ];
}

function verdictLine({ verdict, failure, schedules, seed, store, mode, isComplete }: FuzzReport): string {
  const what = `${formatNoun(schedules, 'schedule')}, seed ${seed}, store ${store}`;
  const cut = isComplete ? '' : `; interrupted${aimText(mode)}`;
  return verdict === 'held'
    ? `held: the promise was kept in ${what}${cut}`
    : `violated: ${failure?.invariant ?? ''} is broken in the last of ${what}${cut}`;
}

function aimText(mode: FuzzMode): string {
  return mode.type === 'runs' ? `, ${formatCount(mode.runs)} were to be run` : '';
}

function levelLines({ levels }: FuzzReport): string[] {
  return levels.map(
    ({ strikes, schedules, hit }) =>
      `  ${LEVEL_NAMES[strikes] ?? `${strikes} faults`}: ${formatNoun(schedules, 'schedule')}, ` +
      `in ${formatCount(hit)} the last fault took place`,
  );
}

function triedLine({ faults, failpoints }: FuzzReport): string {
  const planned = faults.reduce((sum, fault) => sum + fault.planned, 0);
  const hit = faults.reduce((sum, fault) => sum + fault.hit, 0);
  const points = failpoints.filter((point) => point.hit > 0).length;
  const kinds = faults.map((fault) => `${fault.type} ${formatCount(fault.hit)}`).join(', ');
  return (
    `crash points: ${points} of ${failpoints.length}; faults that took place: ${formatCount(hit)} of ` +
    `${formatCount(planned)} (${kinds})`
  );
}

function failpointLines({ failpoints, neverPassed }: FuzzReport): string[] {
  const rows = failpoints.map(({ point, side, passed, hit, planned }) => [
    point,
    side,
    formatCount(passed),
    `${formatCount(hit)} / ${formatCount(planned)}`,
  ]);
  return [
    ...tableLines([left('FAILPOINT'), left('SIDE'), right('PASSED'), right('HIT / TOTAL')], rows),
    ...(neverPassed.length === 0 ? [] : [`never passed: ${neverPassed.join(', ')}`]),
  ];
}

function coverageLines({ transitions, pairs }: FuzzReport['coverage']): string[] {
  return [
    '',
    `transitions of the machines: ${transitions.hit} of ${transitions.all}` +
      (transitions.never.length === 0 ? '' : '; never:'),
    ...transitions.never.map((transition) => `  ${transition}`),
    `pairs of faults in one schedule: ${pairs.hit} of ${pairs.all}` +
      (pairs.never.length === 0 ? '' : '; never:'),
    ...pairs.never.map((pair) => `  ${pair}`),
  ];
}

function failureLines(failure: Failure): string[] {
  const { violations, foundInRun, shrinkRuns, words, journal, command } = failure;
  const rest = violations.length - VIOLATIONS_SHOWN;
  const run = foundInRun === null ? '' : ` from that of run ${foundInRun}`;
  const from = shrinkRuns === 0 ? run : `, shrunk${run} in ${shrinkRuns} runs`;
  return [
    ...violations.slice(0, VIOLATIONS_SHOWN).flatMap(violationLines),
    ...(rest > 0 ? [`and ${formatNoun(rest, 'violation')} more`] : []),
    '',
    `the schedule${from}:`,
    ...words.map((line) => `  ${line}`),
    '',
    'the journal around it:',
    ...journal.map((line) => `  ${line}`),
    '',
    `replay it: put the next line into a FILE, then: ${command}`,
    failure.scheduleText,
  ];
}

function violationLines({ invariant, message, partition, offsets, files }: Violation): string[] {
  const where = partition === null ? '' : ` of partition ${partition}`;
  return [
    `${invariant}: ${message}`,
    ...(offsets.length === 0 ? [] : [`  offsets${where}: ${offsets.join(', ')}`]),
    ...files.slice(0, FILES_SHOWN).map((file) => `  file: ${file}`),
  ];
}

function timingLine({ timing }: FuzzReport): string {
  const { seconds, schedulesPerSecond, threads } = timing;
  return `${formatCount(schedulesPerSecond)} schedules/s, ${seconds} s, ${formatNoun(threads, 'thread')}`;
}

/** `pairs: 1,234 of 3,174 schedules, 112/s`. */
export function progressText({ what, schedules, schedulesMax }: FuzzProgress, seconds: number): string {
  if (what === 'shrinking') return 'a violation is found; looking for the smallest schedule that shows it';
  const of = schedulesMax === null ? '' : ` of ${formatCount(schedulesMax)}`;
  const rate = seconds > 0 ? `, ${formatCount(Math.round(schedules / seconds))}/s` : '';
  return `${what === 'drawn' ? '' : `${what}: `}${formatCount(schedules)}${of} schedules${rate}`;
}
