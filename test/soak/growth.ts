/** What coordinators gather while they live: memory and handles, at first, in the median and at last. */
import { left, right, tableLines } from '../../src/cli/table.ts';
import type { Sample } from './fleet.ts';

/**
 * The later half of a process's samples may be so much above the earlier one: caches fill, the heap breathes.
 */
const MEMORY_GROWTH_MAX = 1.3;
const MEMORY_SLACK_MIB = 48;
const HANDLES_SLACK = 32;
/** A minute's; of fewer nothing can be said. */
const SAMPLES_MIN = 12;
const ROWS_MAX = 10;

export function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
}

interface Life {
  readonly process: string;
  readonly samples: readonly Sample[];
  readonly problems: readonly string[];
}

/** The processes that lived for long enough, the longest life first. */
function livesOf(samples: readonly Sample[]): readonly Life[] {
  return [...Map.groupBy(samples, ({ process }) => process)]
    .filter(([, own]) => own.length >= SAMPLES_MIN)
    .sort(([, a], [, b]) => b.length - a.length)
    .map(([process, own]) => ({ process, samples: own, problems: grownIn(process, own) }));
}

/** What has grown, in words. */
export function growthOf(samples: readonly Sample[]): readonly string[] {
  return livesOf(samples).flatMap(({ problems }) => problems);
}

function grownIn(process: string, own: readonly Sample[]): string[] {
  const half = Math.floor(own.length / 2);
  const halves = (figure: (sample: Sample) => number): readonly [number, number] => [
    median(own.slice(0, half).map(figure)),
    median(own.slice(half).map(figure)),
  ];
  const memory = halves(({ memoryMiB }) => memoryMiB);
  const open = halves(({ handles }) => handles);
  const problems: string[] = [];
  if (memory[1] > memory[0] * MEMORY_GROWTH_MAX + MEMORY_SLACK_MIB)
    problems.push(`${process}: memory grew from ${memory[0]} to ${memory[1]} MiB`);
  if (open[1] > open[0] + HANDLES_SLACK)
    problems.push(`${process}: open handles grew from ${open[0]} to ${open[1]}`);
  return problems;
}

/** A table of the longest lives. */
export function growthLines(samples: readonly Sample[]): readonly string[] {
  const lives = livesOf(samples);
  if (lives.length === 0)
    return [
      'memory and handles: no coordinator lived for a minute and a half, so that nothing can be said of them',
    ];
  const columns = [
    ...[left('COORDINATOR'), right('WATCHED'), right('MIB FIRST'), right('MEDIAN'), right('LAST')],
    ...[right('HANDLES FIRST'), right('MEDIAN'), right('LAST'), left('VERDICT')],
  ];
  const isFlat = lives.every(({ problems }) => problems.length === 0);
  return [
    ...tableLines(columns, lives.slice(0, ROWS_MAX).map(cellsOf)),
    `${lives.length} coordinators were watched for a minute or longer (the first half minute of each ` +
      `is left out): memory and handles are ${isFlat ? 'flat' : 'NOT FLAT'}`,
  ];
}

function cellsOf({ process, samples, problems }: Life): string[] {
  const [first, last] = [samples[0], samples.at(-1)];
  const livedMs = (last?.atMs ?? 0) - (first?.atMs ?? 0);
  const figures = (figure: (sample: Sample) => number): string[] =>
    [samples.slice(0, 1), samples, samples.slice(-1)].map((some) => String(median(some.map(figure))));
  return [
    ...[process, `${Math.round(livedMs / 1000)} s`],
    ...figures(({ memoryMiB }) => memoryMiB),
    ...figures(({ handles }) => handles),
    problems.length === 0 ? 'flat' : 'GREW',
  ];
}
