/**
 * The rows that compare one run each of Flink's FileSink and Tidemark: the same topic, the same guarantee.
 */
import { flinkClassPath } from '../flink/flinkJob.ts';
import type { BenchContext } from '../harness/context.ts';
import { flink, tidemark, type Workload } from '../harness/contestants.ts';
import { runInTurn, type Experiment, type Side } from '../harness/rounds.ts';
import { ensureTopic, MINUTE_PATTERN, MINUTES, type Codec } from '../topic/benchTopic.ts';
import { memoryBound, type Row } from './row.ts';

export const ROUNDS = 3;
const CHECKPOINT_MS = 5_000;
/** A bounded Flink job ends with its last checkpoint: a short run would only measure that wait. */
const QUICK_CHECKPOINT_MS = 500;
export const checkpointMsOf = ({ isQuick }: BenchContext): number =>
  isQuick ? QUICK_CHECKPOINT_MS : CHECKPOINT_MS;

const measured = new WeakMap<BenchContext, Map<Codec, Promise<Experiment>>>();

/** Measured once: three rows use the same runs. */
function againstFlink(context: BenchContext, codec: Codec): Promise<Experiment> {
  const known = measured.get(context) ?? new Map<Codec, Promise<Experiment>>();
  measured.set(context, known);
  const experiment = known.get(codec) ?? measure(context, codec);
  known.set(codec, experiment);
  return experiment;
}

async function measure(
  context: BenchContext,
  codec: Codec,
  buckets: { readonly bucketPattern?: string } = {},
): Promise<Experiment> {
  const { records, rounds, signal, log } = context;
  const classPath = await flinkClassPath(log, signal);
  const topic = await ensureTopic({ ...context, codec });
  const checkpointMs = checkpointMsOf(context);
  const workload: Workload = { topic, records, checkpointMs, check: 'content' };
  const what = buckets.bucketPattern === undefined ? codec.replace('none', '') : 'buckets';
  const contestants = [
    flink(context, classPath, workload, buckets),
    tidemark(context, workload, buckets),
  ] as const;
  return runInTurn(contestants, {
    ...{ name: `flink ${what}`.trim(), rounds: rounds ?? ROUNDS },
    ...{ signal, log },
  });
}

/** Ours divided by Flink's. */
export function over({ sides: [flinkSide, ours] }: Experiment, figure: (side: Side) => number): number {
  return figure(ours) / figure(flinkSide);
}

export const recordsPerSecond = ({ recordsPerSecond: { median } }: Side): number => median;
export const cpuSecondsPerGB = ({ cpuSecondsPerGB: { median } }: Side): number => median;
export const peakMemory = ({ peakMemoryMiB: { median } }: Side): number => median;

export const throughput: Row = {
  name: 'throughput',
  ratio: "Tidemark's records/s over Flink's",
  goal: { atLeast: 6 },
  run: async (context) => {
    const experiment = await againstFlink(context, 'none');
    return { ratio: over(experiment, recordsPerSecond), experiments: [experiment], bounds: [] };
  },
};

export const cpu: Row = {
  name: 'cpu',
  ratio: "Tidemark's CPU seconds per GB over Flink's",
  goal: { atMost: 1 / 6 },
  run: async (context) => {
    const experiment = await againstFlink(context, 'none');
    return { ratio: over(experiment, cpuSecondsPerGB), experiments: [experiment], bounds: [] };
  },
};

export const memory: Row = {
  name: 'memory',
  ratio: "Tidemark's peak memory over Flink's",
  goal: { atMost: 1 / 3 },
  run: async (context) => {
    const experiment = await againstFlink(context, 'none');
    const bounds = [memoryBound(experiment.sides[1].peakMemoryMiB.max)];
    return { ratio: over(experiment, peakMemory), experiments: [experiment], bounds };
  },
};

export const codecs: Row = {
  name: 'codecs',
  ratio: "Tidemark's records/s over Flink's, lz4 and zstd topics, the smaller of both",
  goal: { atLeast: 5 },
  run: async (context) => {
    const experiments = [await againstFlink(context, 'lz4'), await againstFlink(context, 'zstd')];
    const ratio = Math.min(...experiments.map((experiment) => over(experiment, recordsPerSecond)));
    return { ratio, experiments, bounds: [] };
  },
};

export const bucketsAgainstFlink: Row = {
  name: 'buckets-flink',
  ratio: `Tidemark's records/s over Flink's, both into ${MINUTES} buckets`,
  goal: { atLeast: 6 },
  run: async (context) => {
    const experiment = await measure(context, 'none', { bucketPattern: MINUTE_PATTERN });
    const bounds = [memoryBound(experiment.sides[1].peakMemoryMiB.max)];
    return { ratio: over(experiment, recordsPerSecond), experiments: [experiment], bounds };
  },
};
