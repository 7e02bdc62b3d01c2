/** The rows that compare Tidemark with itself: the cost of frequent checkpoints and of many open files. */
import { statfsSync } from 'node:fs';
import type { BenchContext } from '../harness/context.ts';
import { tidemark, type Workload } from '../harness/contestants.ts';
import { runInTurn, type Experiment } from '../harness/rounds.ts';
import { ensureLongTopic, ensureTopic, MINUTE_PATTERN, MINUTES } from '../topic/benchTopic.ts';
import { memoryBound, type Row } from './row.ts';

const INTERVAL_ROUNDS = 5;
const BUCKETS_ROUNDS = 3;
/** For each run of the interval row: start-up must not matter, and 30 s checkpoints must happen. */
const INTERVAL_SECONDS_MIN = 120;
/** The first run is shorter, so its start-up weighs more; later runs may be faster. */
const MARGIN = 1.3;
const ROUND_RECORDS_TO = 10_000_000;
/** After zstd compression. */
const PACKED_RECORD_BYTES = 32;
const OUTPUT_GB = 8;

/** The second side's records/s over the first one's. */
const secondOverFirst = ({ sides: [first, second] }: Experiment): number =>
  second.recordsPerSecond.median / first.recordsPerSecond.median;

export const interval: Row = {
  name: 'interval',
  ratio: 'records/s with checkpoints every 1 s over records/s with checkpoints every 30 s',
  goal: { atLeast: 0.95 },
  run: async (context) => {
    const { rounds, isQuick, signal, log } = context;
    const workload = isQuick ? await quickWorkload(context) : await longWorkload(context);
    const every = (checkpointMs: number) =>
      tidemark(context, { ...workload, checkpointMs }, { label: `every ${checkpointMs / 1000} s` });
    const experiment = await runInTurn([every(30_000), every(1_000)], {
      ...{ name: 'interval', rounds: rounds ?? INTERVAL_ROUNDS, signal, log },
    });
    const shortest = Math.min(...experiment.sides.flatMap(({ runs }) => runs.map(({ seconds }) => seconds)));
    const what = `shortest run ${shortest.toFixed(0)} s of at least ${INTERVAL_SECONDS_MIN} s`;
    const bounds = [{ what, isKept: shortest >= INTERVAL_SECONDS_MIN }];
    return { ratio: secondOverFirst(experiment), experiments: [experiment], bounds };
  },
};

type Read = Omit<Workload, 'checkpointMs'>;

async function quickWorkload(context: BenchContext): Promise<Read> {
  const topic = await ensureTopic({ ...context, codec: 'zstd' });
  return { topic, records: context.records, check: 'size' };
}

/** As many records as take long enough, estimated from a first run. Compressed, since the topic is long. */
async function longWorkload(context: BenchContext): Promise<Read> {
  const { log, records, runsFolder } = context;
  const first = await ensureTopic({ ...context, codec: 'zstd' });
  log(`interval: a first run tells how many records last ${INTERVAL_SECONDS_MIN} s ...`);
  const sample: Workload = { topic: first, records, check: 'size', checkpointMs: 30_000 };
  const { seconds } = await tidemark(context, sample).run();
  const wanted = (records / seconds) * INTERVAL_SECONDS_MIN * MARGIN;
  const rounded = Math.ceil(wanted / ROUND_RECORDS_TO) * ROUND_RECORDS_TO;
  checkSpace(runsFolder, rounded);
  return { ...(await ensureLongTopic({ ...context, codec: 'zstd', records: rounded })), check: 'size' };
}

/** Needs room for the topic (mostly there from an earlier run) and for output not yet removed. */
function checkSpace(folder: string, records: number): void {
  const { bavail, bsize } = statfsSync(folder);
  const neededGB = (records * PACKED_RECORD_BYTES) / 1e9 + OUTPUT_GB;
  const freeGB = (bavail * bsize) / 1e9;
  if (freeGB >= neededGB) return;
  throw new Error(
    `the interval row needs about ${neededGB.toFixed(0)} GB of disk for runs of ${INTERVAL_SECONDS_MIN} s, ` +
      `but ${freeGB.toFixed(0)} GB are free: make room, or run the other rows by --only`,
  );
}

export const buckets: Row = {
  name: 'buckets',
  ratio: `records/s into ${MINUTES} buckets over records/s into one`,
  goal: { atLeast: 0.75 },
  run: async (context) => {
    const { records, rounds, signal, log } = context;
    const topic = await ensureTopic({ ...context, codec: 'none' });
    const workload: Workload = { topic, records, checkpointMs: 5_000, check: 'content' };
    const into = (label: string, bucketPattern: string) =>
      tidemark(context, workload, { label, bucketPattern });
    const experiment = await runInTurn(
      [into('one bucket', 'yyyy-MM-dd'), into(`${MINUTES} buckets`, MINUTE_PATTERN)],
      { name: 'buckets', rounds: rounds ?? BUCKETS_ROUNDS, signal, log },
    );
    const bounds = [memoryBound(experiment.sides[1].peakMemoryMiB.max)];
    return { ratio: secondOverFirst(experiment), experiments: [experiment], bounds };
  },
};
