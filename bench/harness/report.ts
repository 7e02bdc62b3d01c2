/** What the bench prints: a table of the sides of each experiment, then one line per ratio. */
import type { Experiment, Side } from './rounds.ts';
import type { RowResult } from './results.ts';
import type { Spread } from './statistics.ts';

/** Every experiment once, even if several rows use it. */
export function experimentsText(rows: readonly RowResult[]): string {
  const experiments = rows.flatMap((row) => (row.type === 'measured' ? row.experiments : []));
  const durations = rows.flatMap((row) => (row.type === 'measured' ? [durationsText(row)] : []));
  return [...[...new Set(experiments)].map(experimentText), ...durations]
    .filter((text) => text !== '')
    .join('\n');
}

function durationsText({ name, durations = [] }: RowResult & { type: 'measured' }): string {
  if (durations.length === 0) return '';
  const sides = durations.map(
    (side) => `  ${side.name.padEnd(14)} ${spread(side.spread, (value) => value.toFixed(2))} s`,
  );
  return [titleOf(name, durations[0]?.seconds.length ?? 0), ...sides, ''].join('\n');
}

const titleOf = (name: string, rounds: number): string => `${name}: median of ${rounds} (lowest to highest)`;

function experimentText({ name, rounds, sides }: Experiment): string {
  return [titleOf(name, rounds), ...sides.map(sideText), ''].join('\n');
}

function sideText({ name, recordsPerSecond, cpuSecondsPerGB, peakMemoryMiB }: Side): string {
  const figures = [
    `${spread(recordsPerSecond, (value) => (value / 1000).toFixed(0))} k records/s`,
    `${spread(cpuSecondsPerGB, (value) => value.toFixed(2))} CPU s/GB`,
    `peak ${spread(peakMemoryMiB, (value) => value.toFixed(0))} MiB`,
  ];
  return `  ${name.padEnd(14)} ${figures.join(', ')}`;
}

function spread({ median, min, max }: Spread, text: (value: number) => string): string {
  return min === max ? text(median) : `${text(median)} (${text(min)} to ${text(max)})`;
}

/** `throughput ratio 6.31`; the lines above it say what it means and whether the goal is reached. */
export function rowText(row: RowResult): string {
  const { name, divides, goal } = row;
  const bound = 'atLeast' in goal ? `at least ${number(goal.atLeast)}` : `at most ${number(goal.atMost)}`;
  if (row.type === 'missing') return `${name}: not measured: ${row.reason}`;
  const lines = [`${name}: ${divides}; goal ${bound}: ${row.isReached ? 'reached' : 'NOT reached'}`];
  for (const { what, isKept } of row.bounds) lines.push(`${name}: ${what}: ${isKept ? 'kept' : 'NOT kept'}`);
  for (const note of row.notes ?? []) lines.push(`${name}: ${note}`);
  return [...lines, `${name} ratio ${number(row.ratio)}`].join('\n');
}

const number = (value: number): string => value.toPrecision(3);
