/** Compares Tidemark with another checkout of itself: the cost of a change. */
import { tidemark, type Workload } from '../harness/contestants.ts';
import { runInTurn } from '../harness/rounds.ts';
import { ensureTopic } from '../topic/benchTopic.ts';
import type { Row } from './row.ts';

const ROUNDS = 5;
const CHECKPOINT_MS = 5_000;

/** `checkout` is only the label: its command is the context's `otherBin`. */
export function throughputAgainst(checkout: string): Row {
  return {
    name: 'throughput',
    ratio: `this checkout's records/s over those of ${checkout}`,
    goal: { atLeast: 0.97 },
    run: async (context) => {
      const { records, rounds, signal, log, otherBin } = context;
      if (otherBin === null) throw new Error('no other checkout is named');
      const topic = await ensureTopic({ ...context, codec: 'none' });
      const workload: Workload = { topic, records, checkpointMs: CHECKPOINT_MS, check: 'content' };
      const experiment = await runInTurn(
        [
          tidemark(context, workload, { label: 'other', bin: otherBin }),
          tidemark(context, workload, { label: 'this' }),
        ],
        { name: 'against', rounds: rounds ?? ROUNDS, signal, log },
      );
      const [other, own] = experiment.sides;
      const ratio = own.recordsPerSecond.median / other.recordsPerSecond.median;
      return { ratio, experiments: [experiment], bounds: [] };
    },
  };
}
