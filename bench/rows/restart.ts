/**
 * How long a killed process is down: Tidemark with a long journal, against Flink with its last checkpoint.
 */
import { flinkClassPath } from '../flink/flinkJob.ts';
import { flinkRestartSeconds } from '../flink/flinkRestart.ts';
import { inRunFolder, type BenchContext } from '../harness/context.ts';
import { inTurn, type Contestant } from '../harness/rounds.ts';
import { measureRestarts } from '../restart.ts';
import { appendRecords, createTopic, withAdmin } from '../topic/benchTopic.ts';
import { durationOf, type Row } from './row.ts';

const ROUNDS = 3;
const JOURNAL_ENTRIES = 100_000;
const QUICK_JOURNAL_ENTRIES = 1_000;
const CHECKPOINT_MS = 500;
/** Before the kill, and again after it. */
const RECORDS = 100_000;
const QUICK_RECORDS = 1_000;

export const restart: Row = {
  name: 'restart',
  ratio: "seconds to the first new record, Tidemark's from SIGKILL over Flink's from its start",
  goal: { atMost: 1 / 3 },
  run: async (context) => {
    const { rounds, signal, log } = context;
    const classPath = await flinkClassPath(log, signal);
    const sides = [flinkRestart(context, classPath), tidemarkRestart(context)] as const;
    const done = await inTurn(sides, {
      ...{ name: 'restart', rounds: rounds ?? ROUNDS, signal, log },
      describe: (seconds) => `${seconds.toFixed(2)} s`,
    });
    const durations = sides.map(({ name }, index) =>
      durationOf(
        name,
        done.map((round) => round[index] ?? NaN),
      ),
    );
    const [flink, ours] = durations.map(({ spread }) => spread.median);
    return { ratio: (ours ?? NaN) / (flink ?? NaN), experiments: [], durations, bounds: [] };
  },
};

/** Uses its own topic: the records after the checkpoint arrive while the job is down. */
function flinkRestart(context: BenchContext, classPath: string): Contestant<number> {
  const { brokers, isQuick, signal } = context;
  const count = isQuick ? QUICK_RECORDS : RECORDS;
  return {
    name: 'Flink',
    run: () =>
      inRunFolder(context, 'restart', async ({ name, folder }) => {
        const append = (from: number) =>
          appendRecords({ ...context, codec: 'none', records: count }, name, { from, count });
        await withAdmin(brokers, (admin) => createTopic(admin, name));
        await append(0);
        const job = { brokers, topic: name, group: name, folder, checkpointMs: CHECKPOINT_MS, isQuick };
        const seconds = await flinkRestartSeconds(classPath, job, () => append(count), signal);
        await withAdmin(brokers, (admin) => admin.deleteTopics({ topics: [name] }));
        return seconds;
      }),
  };
}

/** Measured from the kill, not from the restart: delays that the killed process causes count. */
function tidemarkRestart({
  brokers,
  natsUrl,
  tidemarkBin,
  isQuick,
  signal,
  log,
}: BenchContext): Contestant<number> {
  const entries = isQuick ? QUICK_JOURNAL_ENTRIES : JOURNAL_ENTRIES;
  return {
    name: 'Tidemark',
    run: async () => {
      signal.throwIfAborted();
      const [restarted] = await measureRestarts({
        ...{ brokers: [...brokers], natsUrl, journal: 'jetstream', entries, kills: 1 },
        ...{ bin: tidemarkBin, onProgress: log },
      });
      if (restarted === undefined) throw new Error('no restart was measured');
      return restarted.fromKillSeconds;
    },
  };
}
