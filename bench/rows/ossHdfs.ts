/** OSS-HDFS on a loopback server against our own file store. */
import { tidemark, type Workload } from '../harness/contestants.ts';
import { runInTurn } from '../harness/rounds.ts';
import { ensureOssHdfs, intoOssHdfs } from '../oss/ossHdfs.ts';
import { onOwnServer, ServerCosts } from '../oss/ossServer.ts';
import { ensureTopic } from '../topic/benchTopic.ts';
import type { Row } from './row.ts';

const ROUNDS = 3;
const CHECKPOINT_MS = 5_000;

export const ossHdfs: Row = {
  name: 'oss-hdfs',
  ratio: 'records/s into OSS-HDFS on the test server over records/s into local files',
  goal: { atLeast: 0.6 },
  run: async (context) => {
    const { records, rounds, signal, log } = context;
    const { pythonPath } = await ensureOssHdfs(log, signal);
    const topic = await ensureTopic({ ...context, codec: 'none' });
    const workload: Workload = { topic, records, checkpointMs: CHECKPOINT_MS, check: 'content' };
    const costs = new ServerCosts();
    const sides = [
      tidemark(context, workload, { label: 'files' }),
      onOwnServer(context, 'OSS-HDFS', costs, (server) =>
        tidemark(context, workload, { destination: intoOssHdfs(server, pythonPath) }),
      ),
    ] as const;
    const options = { name: 'oss-hdfs', rounds: rounds ?? ROUNDS, signal, log };
    const experiment = await runInTurn(sides, options);
    const [files, ossSide] = experiment.sides;
    return {
      ratio: ossSide.recordsPerSecond.median / files.recordsPerSecond.median,
      experiments: [experiment],
      bounds: [],
      // It is one Node process: it is limited to about one core.
      notes: [costs.text('the runs into OSS-HDFS')],
    };
  },
};
