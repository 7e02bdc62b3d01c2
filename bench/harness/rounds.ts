/** Runs contestants in turn, A B A B A B: a temporary disturbance of the machine affects both. */
import { spreadOf, type Spread } from './statistics.ts';

export interface Run {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakMemoryMiB: number;
  readonly records: number;
  /** Of the output. */
  readonly bytes: number;
  readonly files: number;
  /** See lineDigest.ts; null if the row compares sizes only. */
  readonly digest: string | null;
}

export interface Contestant<T = Run> {
  readonly name: string;
  run(): Promise<T>;
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
  /** Fewer than requested after Ctrl-C. */
  readonly rounds: number;
  readonly sides: readonly [Side, Side];
}

export interface TurnOptions<T> {
  readonly name: string;
  readonly rounds: number;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  /** Describes a run in a few words. */
  readonly describe: (run: T) => string;
  /** Throws if a round contradicts the first one. */
  readonly check?: (round: readonly [T, T], first: readonly [T, T]) => void;
}

/** Resolves with the runs of each round. An abort rejects, or resolves with the finished rounds. */
export async function inTurn<T>(
  contestants: readonly [Contestant<T>, Contestant<T>],
  { name, rounds, signal, log, describe, check }: TurnOptions<T>,
): Promise<readonly (readonly [T, T])[]> {
  const done: [T, T][] = [];
  const oneRun = async (contestant: Contestant<T>): Promise<T> => {
    const which = `${name} ${done.length + 1}/${rounds}: ${contestant.name}`;
    log(`${which} ...`);
    const run = await contestant.run();
    log(`${which}: ${describe(run)}`);
    return run;
  };
  while (done.length < rounds) {
    try {
      const round: [T, T] = [await oneRun(contestants[0]), await oneRun(contestants[1])];
      check?.(round, done[0] ?? round);
      done.push(round);
    } catch (error) {
      if (!signal.aborted || done.length === 0) throw error;
      log(`${name}: interrupted; finished rounds that count: ${done.length}`);
      break;
    }
  }
  return done;
}

export type ExperimentOptions = Pick<TurnOptions<Run>, 'name' | 'rounds' | 'signal' | 'log'>;

/** Rejects if the outputs of any two runs differ. */
export async function runInTurn(
  contestants: readonly [Contestant, Contestant],
  options: ExperimentOptions,
): Promise<Experiment> {
  const [first, second] = contestants;
  const check = (round: readonly [Run, Run], [model]: readonly [Run, Run]): void => {
    const different = round.find((run) => run.digest !== model.digest || run.bytes !== model.bytes);
    if (different === undefined) return;
    const of = (run: Run): string => `${run.digest ?? ''} ${run.bytes} bytes`;
    throw new Error(
      `${first.name} and ${second.name} did not write the same records: ${of(model)}, and ${of(different)}`,
    );
  };
  const done = await inTurn(contestants, { ...options, describe: describeRun, check });
  const side = (index: 0 | 1): Side =>
    sideOf(
      contestants[index].name,
      done.map((round) => round[index]),
    );
  return { name: options.name, rounds: done.length, sides: [side(0), side(1)] };
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
  return (
    `${seconds.toFixed(1)} s, ${rate} k records/s, CPU ${cpuSeconds.toFixed(1)} s, ` +
    `peak ${peakMemoryMiB} MiB, ${files} files`
  );
}
