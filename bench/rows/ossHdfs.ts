/** OSS-HDFS on a loopback server against our own file store. */
import path from 'node:path';
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import type { BenchContext } from '../harness/context.ts';
import { tidemark, type Workload } from '../harness/contestants.ts';
import { runInTurn, type Contestant, type Run } from '../harness/rounds.ts';
import { spreadOf } from '../harness/statistics.ts';
import { OssServer } from '../oss/ossServer.ts';
import { ensureTopic } from '../topic/benchTopic.ts';
import type { Row } from './row.ts';

const ROUNDS = 3;
const CHECKPOINT_MS = 5_000;

export const ossHdfs: Row = {
  name: 'oss-hdfs',
  ratio: 'records/s into OSS-HDFS on the test server over records/s into local files',
  goal: { atLeast: 0.5 },
  run: async (context) => {
    const { records, rounds, signal, log } = context;
    const topic = await ensureTopic({ ...context, codec: 'none' });
    const workload: Workload = { topic, records, checkpointMs: CHECKPOINT_MS, check: 'content' };
    const serverShares: number[] = [];
    const sides = [
      tidemark(context, workload, { label: 'files' }),
      intoOssHdfs(context, workload, serverShares),
    ] as const;
    const options = { name: 'oss-hdfs', rounds: rounds ?? ROUNDS, signal, log };
    const experiment = await runInTurn(sides, options);
    const [files, ossSide] = experiment.sides;
    const ratio = ossSide.recordsPerSecond.median / files.recordsPerSecond.median;
    // The server is one Node process: it is limited to one core.
    const share = Math.round(spreadOf(serverShares).median * 100);
    return {
      ratio,
      experiments: [experiment],
      bounds: [],
      notes: [`the server took ${share} % of one core`],
    };
  },
};

/** Each run has its own server, so that nothing of an earlier run slows down a later one. */
function intoOssHdfs(context: BenchContext, workload: Workload, serverShares: number[]): Contestant {
  return {
    name: 'OSS-HDFS',
    run: async (): Promise<Run> => {
      const folder = path.join(context.runsFolder, `bench-oss-${randomBytes(4).toString('hex')}`);
      const server = await OssServer.start(folder, context.log, context.signal);
      try {
        const destination = {
          sinkOf: (name: string) => server.sinkOf(name),
          digestOf: (name: string, runFolder: string) => {
            busy = server.cpuSeconds();
            return server.digestOf(name, path.join(runFolder, 'fetched'));
          },
        };
        let busy = 0;
        const run = await tidemark(context, workload, { destination }).run();
        serverShares.push(busy / run.seconds);
        return run;
      } finally {
        await server.stop();
        if (!context.isKept) rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}
