/** The row that compares Tidemark with its own connection to Kafka: what fetching alone would take. */
import path from 'node:path';
import { tidemark, type Workload } from '../harness/contestants.ts';
import { inRunFolder, type BenchContext } from '../harness/context.ts';
import { BenchProcess } from '../harness/measuredProcess.ts';
import { inTurn, type Contestant } from '../harness/rounds.ts';
import { writeJobFile } from '../tidemark/tidemarkJob.ts';
import { ensureTopic } from '../topic/benchTopic.ts';
import { durationOf, type Row } from './row.ts';

const ROUNDS = 5;
const CHECKPOINT_MS = 5_000;
const CONSUMER = path.join(import.meta.dirname, '../bareConsumer.ts');

interface Taken {
  readonly seconds: number;
}

function bareConsumer(context: BenchContext, { topic, records }: Workload): Contestant<Taken> {
  const { brokers, natsUrl, signal } = context;
  return {
    name: 'a consumer that only counts',
    run: () =>
      inRunFolder(context, 'consumer', async ({ name, folder }) => {
        const job = writeJobFile({ brokers, natsUrl, topic, name, folder, checkpointMs: CHECKPOINT_MS });
        const startedMs = performance.now();
        const consumer = new BenchProcess(process.execPath, [CONSUMER, job], {
          what: 'the consumer',
          signal,
        });
        const { line } = await consumer.said((said) => /^\d+$/.test(said));
        const code = await consumer.ended;
        if (code !== 0) throw consumer.failure(code);
        if (Number(line) !== records) throw new Error(`the consumer counted ${line} records, not ${records}`);
        return { seconds: (performance.now() - startedMs) / 1000 };
      }),
  };
}

export const fetch: Row = {
  name: 'fetch',
  ratio: "Tidemark's records/s over those of a consumer that only counts, the same connection",
  goal: { atLeast: 0.75 },
  run: async (context) => {
    const { records, rounds, signal, log } = context;
    const topic = await ensureTopic({ ...context, codec: 'none' });
    const workload: Workload = { topic, records, checkpointMs: CHECKPOINT_MS, check: 'content' };
    const [consumer, ours] = [bareConsumer(context, workload), tidemark(context, workload)] as const;
    const done = await inTurn<Taken>([consumer, ours], {
      ...{ name: 'fetch', rounds: rounds ?? ROUNDS, signal, log },
      describe: ({ seconds }) => `${seconds.toFixed(1)} s`,
    });
    const counted = durationOf(
      consumer.name,
      done.map(([taken]) => taken.seconds),
    );
    const moved = durationOf(
      ours.name,
      done.map(([, taken]) => taken.seconds),
    );
    const ratio = counted.spread.median / moved.spread.median;
    return { ratio, experiments: [], durations: [counted, moved], bounds: [] };
  },
};
