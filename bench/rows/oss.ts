/**
 * Plain OSS on a loopback server, against Flink's file system for OSS, and against our own file store.
 */
import { flinkOssClassPath } from '../flink/flinkJob.ts';
import { flink, tidemark, type Workload } from '../harness/contestants.ts';
import type { BenchContext } from '../harness/context.ts';
import { runInTurn, type Contestant, type Experiment } from '../harness/rounds.ts';
import { onOwnServer, ServerCosts } from '../oss/ossServer.ts';
import { flinkIntoPlainOss, intoPlainOss } from '../oss/plainOss.ts';
import { ensureTopic } from '../topic/benchTopic.ts';
import {
  checkpointMsOf,
  cpuSecondsPerGB,
  over,
  peakMemory,
  recordsPerSecond,
  ROUNDS,
} from './againstFlink.ts';
import { memoryBound, type Bound, type Row } from './row.ts';

const OVER_FLINK_MIN = 4;
const OVER_FILES_MIN = 0.5;
/** Of one core: a process of one thread has no more. */
const LIMIT_SHARE = 0.9;

export const oss: Row = {
  name: 'oss',
  ratio: "Tidemark's records/s over Flink's, both into OSS on the test server",
  goal: { atLeast: OVER_FLINK_MIN },
  run: async (context) => {
    const { records, log, signal } = context;
    const classPath = await flinkOssClassPath(log, signal);
    const topic = await ensureTopic({ ...context, codec: 'none' });
    const checkpointMs = checkpointMsOf(context);
    const workload: Workload = { topic, records, checkpointMs, check: 'content' };
    const costs = { flink: new ServerCosts(), ours: new ServerCosts() };
    const theirs = onOwnServer(context, 'Flink', costs.flink, (server) =>
      flink(context, classPath, workload, { destination: flinkIntoPlainOss(server) }),
    );
    const ours = onOwnServer(context, 'Tidemark', costs.ours, (server) =>
      tidemark(context, workload, { destination: intoPlainOss(server) }),
    );
    const files = tidemark(context, workload, { label: 'files' });
    const againstFlink = await measured(context, 'oss flink', [theirs, ours]);
    const againstFiles = await measured(context, 'oss files', [files, ours]);
    const peakMiB = [againstFlink, againstFiles].map(({ sides }) => sides[1].peakMemoryMiB.max);
    return {
      ratio: over(againstFlink, recordsPerSecond),
      experiments: [againstFlink, againstFiles],
      bounds: [
        cpuBound(againstFlink),
        filesBound(againstFiles, costs.ours),
        memoryBound(Math.max(...peakMiB)),
      ],
      notes: [
        `peak memory over Flink's: ${over(againstFlink, peakMemory).toPrecision(3)}`,
        costs.flink.text("Flink's runs"),
        costs.ours.text("Tidemark's runs"),
      ],
    };
  },
};

function measured(
  { rounds, signal, log }: BenchContext,
  name: string,
  contestants: readonly [Contestant, Contestant],
): Promise<Experiment> {
  return runInTurn(contestants, { name, rounds: rounds ?? ROUNDS, signal, log });
}

function cpuBound(experiment: Experiment): Bound {
  const ratio = over(experiment, cpuSecondsPerGB);
  const what = `CPU s/GB over Flink's ${ratio.toPrecision(3)}, at most ${1 / OVER_FLINK_MIN}`;
  return { what, isKept: ratio <= 1 / OVER_FLINK_MIN };
}

/** Kept as well where the server can do no more: then it is the server that was measured. */
function filesBound(experiment: Experiment, costs: ServerCosts): Bound {
  const ratio = over(experiment, recordsPerSecond);
  const isServer = costs.share >= LIMIT_SHARE;
  const what =
    `records/s over those into local files ${ratio.toPrecision(3)}, at least ${OVER_FILES_MIN}` +
    (isServer ? ', or the server is the limit, which it is' : '');
  return { what, isKept: ratio >= OVER_FILES_MIN || isServer };
}
