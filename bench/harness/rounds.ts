/** Contestants in turn, A B A B A B: what disturbs the machine for a while disturbs both. */
import { spreadOf, type Spread } from './statistics.ts';

export interface Run {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakMemoryMiB: number;
  readonly records: number;
  /** Of the output. */
  readonly bytes: number;
  readonly files: number;
  /** See lineDigest.ts; null where the row compares sizes only. */
  readonly digest: string | null;
}

export interface Contestant {
  readonly name: string;
  run(): Promise<Run>;
}

export interface Side {
  readonly name: string;
  readonly runs: readonly Run[];
  readonly recordsPerSecond: Spread;
  readonly cpuSecondsPerGB: Spread;
  readonly peakMemoryMiB: Spread;
}

export interface Experiment {
  readonly name: string;
  /** Fewer than asked for after Ctrl-C. */
  readonly rounds: number;
  readonly sides: readonly [Side, Side];
}

export interface ExperimentOptions {
  readonly name: string;
  readonly rounds: number;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

/** Rejects where the outputs of any two runs differ. After an abort: with its reason, or with what is finished. */
export async function runInTurn(
  contestants: readonly [Contestant, Contestant],
  { name, rounds, signal, log }: ExperimentOptions,
): Promise<Experiment> {
  const done: [Run, Run][] = [];
  for (let round = 1; round <= rounds; round++) {
    try {
      const first = await oneRun(contestants[0]);
      const second = await oneRun(contestants[1]);
      checkSame(contestants, [done[0]?.[0] ?? first, first, second]);
      done.push([first, second]);
    } catch (error) {
      if (!signal.aborted || done.length === 0) throw error;
      log(`${name}: interrupted in round ${round}; the ${done.length} before it count`);
      break;
    }

    async function oneRun(contestant: Contestant): Promise<Run> {
      log(`${name} ${round}/${rounds}: ${contestant.name} ...`);
      const run = await contestant.run();
      log(`${name} ${round}/${rounds}: ${contestant.name}: ${describeRun(run)}`);
      return run;
    }
  }
  const side = (index: 0 | 1): Side =>
    sideOf(
      contestants[index].name,
      done.map((pair) => pair[index]),
    );
  return { name, rounds: done.length, sides: [side(0), side(1)] };
}

function checkSame(contestants: readonly [Contestant, Contestant], runs: readonly [Run, ...Run[]]): void {
  const [first] = runs;
  const different = runs.find((run) => run.digest !== first.digest || run.bytes !== first.bytes);
  if (different === undefined) return;
  const of = (run: Run): string => `${run.digest ?? ''} ${run.bytes} bytes`;
  throw new Error(
    `${contestants[0].name} and ${contestants[1].name} did not write the same records: ${of(first)}, and ${of(different)}`,
  );
}

function sideOf(name: string, runs: readonly Run[]): Side {
  return {
    name,
    runs,
    recordsPerSecond: spreadOf(runs.map(({ records, seconds }) => records / seconds)),
    cpuSecondsPerGB: spreadOf(runs.map(({ cpuSeconds, bytes }) => cpuSeconds / (bytes / 1e9))),
    peakMemoryMiB: spreadOf(runs.map(({ peakMemoryMiB }) => peakMemoryMiB)),
  };
}

function describeRun({ records, seconds, cpuSeconds, peakMemoryMiB, files }: Run): string {
  const rate = Math.round(records / seconds / 1000);
  return `${seconds.toFixed(1)} s, ${rate} k records/s, CPU ${cpuSeconds.toFixed(1)} s, peak ${peakMemoryMiB} MiB, ${files} files`;
}
