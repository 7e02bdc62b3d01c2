/** What a soak comes to: one line for each kind of fault, then what is wrong. */
import { left, right, tableLines } from '../../src/cli/table.ts';
import type { FaultResult, SoakResult } from './soak.ts';
import { growthLines, growthOf, median } from './growth.ts';
import type { Sample } from './fleet.ts';

/** What is wrong, in words; empty where all is well. */
export function problemsOf(result: SoakResult): readonly string[] {
  const { count, faults, finish, surprises } = result;
  const problems = [...count.oddities, ...faults.flatMap(({ broken }) => broken)];
  if (count.lost > 0) problems.push(`${count.lost} records are lost: ${count.examples.join(', ')}`);
  if (count.doubled > 0) problems.push(`${count.doubled} records are doubled: ${count.examples.join(', ')}`);
  for (const { name, atMs, recoveryMs } of faults)
    if (recoveryMs === null)
      problems.push(`a partition completed no checkpoint after ${name} at ${Math.round(atMs / 1000)} s`);
  for (const { process, code, signal, lastLines } of surprises)
    problems.push(`${process} ended by itself (${String(code ?? signal)}): ${lastLines.at(-1) ?? ''}`);
  if (finish.code !== 0)
    problems.push(`the closing run ended with ${String(finish.code)}: ${finish.lastLines.join(' ')}`);
  return [...problems, ...growthOf(result.samples)];
}

export function soakLines(result: SoakResult, problems: readonly string[]): readonly string[] {
  const { seed, records, count, faults, leftOut, samples } = result;
  const byName = [...Map.groupBy(faults, ({ name }) => name)].sort(([a], [b]) => (a < b ? -1 : 1));
  const rows = byName.map(([name, some]) => [name, String(some.length), ...recoveryCells(some)]);
  const columns = [left('FAULT'), right('TIMES'), right('MEDIAN'), right('WORST'), left('VERDICT')];
  const peak = (figure: (sample: Sample) => number): number => Math.max(0, ...samples.map(figure));
  return [
    ...tableLines(columns, rows),
    ...leftOut.map(({ name, reason }) => `${name}: left out: ${reason}`),
    '',
    `MEDIAN and WORST: from a fault's end until every partition has completed a checkpoint.`,
    `seed ${seed}; ${faults.length} faults; ${records} records sent, ${count.records} in ` +
      `${count.files} files: ` +
      `${count.lost} lost, ${count.doubled} doubled` +
      (count.givenUp === 0 ? '' : `, ${count.givenUp} given up by answers to a restored journal`),
    `peak of one coordinator: ${peak(({ memoryMiB }) => memoryMiB)} MiB, ` +
      `${peak(({ handles }) => handles)} open handles`,
    '',
    ...growthLines(samples),
    ...problems.map((problem) => `WRONG: ${problem}`),
    problems.length === 0 ? 'held' : 'NOT HELD',
  ];
}

function recoveryCells(faults: readonly FaultResult[]): readonly string[] {
  const times = faults.map(({ recoveryMs }) => recoveryMs).filter((ms) => ms !== null);
  const isHeld = times.length === faults.length && faults.every(({ broken }) => broken.length === 0);
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
  return [seconds(median(times)), seconds(Math.max(0, ...times)), isHeld ? 'held' : 'NOT HELD'];
}
