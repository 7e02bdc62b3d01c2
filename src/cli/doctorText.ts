/** `tidemark doctor` for people: a block for each area, then the sum. */
import type { Outcome } from '../../kernels/checks/check.ts';
import { CHECK_AREAS, type CheckResult, type DoctorReport } from '../app/doctor/doctorReport.ts';
import { formatNoun } from '../telemetry/format.ts';

const MARKS: Readonly<Record<Outcome, string>> = { pass: '✓', warn: '!', fail: '✗', notDone: '-' };

export function doctorText({ job, checks, counts, leftovers }: DoctorReport, jobFile: string): string {
  const width = Math.max(0, ...checks.map(({ id }) => id.length));
  const blocks = CHECK_AREAS.map((area) => ({ area, among: checks.filter((one) => one.area === area) }))
    .filter(({ among }) => among.length > 0)
    .map(({ area, among }) => ['', area, ...among.flatMap((one) => checkLines(one, width))]);
  const { pass, warn, fail, notDone } = counts;
  return [
    `job ${job}, ${jobFile}`,
    ...blocks.flat(),
    '',
    ...leftovers.map((sentence) => `✗ ${sentence}`),
    `${pass} passed, ${formatNoun(warn, 'warning')}, ${fail} failed, ${notDone} not done`,
  ]
    .map((line) => `${line}\n`)
    .join('');
}

function checkLines({ id, outcome, found, howToMend }: CheckResult, width: number): string[] {
  const said = outcome === 'notDone' ? `not done: ${found}` : found;
  const line = `  ${MARKS[outcome]} ${id.padEnd(width)}  ${said}`;
  return howToMend === '' ? [line] : [line, `    ${' '.repeat(width)}  what to do: ${howToMend}`];
}
