/**
 * The rows that compare Flink's FileSink and Tidemark in formats other than lines of text: the same topic.
 */
import { flinkFormatsClassPath } from '../flink/flinkJob.ts';
import { GZIP_TEXT, JSON_RECORDS, parquetFormat, ZSTD_TEXT } from '../formats/formats.ts';
import type { BenchContext } from '../harness/context.ts';
import { flink, tidemark, type BenchFormat, type Workload } from '../harness/contestants.ts';
import { runInTurn, type Experiment } from '../harness/rounds.ts';
import { ensureTopic } from '../topic/benchTopic.ts';
import { checkpointMsOf, over, peakMemory, recordsPerSecond, ROUNDS } from './againstFlink.ts';
import type { Bound, Row } from './row.ts';

/** Of Flink's peak memory. */
const PARQUET_MEMORY_MOST = 0.5;

async function measure(context: BenchContext, format: BenchFormat): Promise<Experiment> {
  const { records, rounds, signal, log } = context;
  const classPath = await flinkFormatsClassPath(log, signal);
  const topic = await ensureTopic({ ...context, codec: 'none' });
  const workload: Workload = {
    ...{ topic, records, checkpointMs: checkpointMsOf(context) },
    ...{ check: 'content', format },
  };
  return runInTurn([flink(context, classPath, workload), tidemark(context, workload)], {
    ...{ name: `flink ${format.flag}`, rounds: rounds ?? ROUNDS, signal, log },
  });
}

interface FormatRow extends Pick<Row, 'name' | 'ratio'> {
  readonly goal: number;
  readonly formatOf: (context: BenchContext) => BenchFormat;
  readonly boundsOf?: (experiment: Experiment) => readonly Bound[];
}

function formatRow({ goal, formatOf, boundsOf, ...row }: FormatRow): Row {
  return {
    ...row,
    goal: { atLeast: goal },
    run: async (context) => {
      const experiment = await measure(context, formatOf(context));
      const bounds = boundsOf?.(experiment) ?? [];
      return { ratio: over(experiment, recordsPerSecond), experiments: [experiment], bounds };
    },
  };
}

export const gzipText = formatRow({
  name: 'gzip-text',
  ratio: "Tidemark's records/s over Flink's, lines of text in gzip, level 6",
  goal: 4,
  formatOf: () => GZIP_TEXT,
});

export const zstdText = formatRow({
  name: 'zstd-text',
  ratio: "Tidemark's records/s over Flink's, lines of text in zstd, level 3",
  goal: 4,
  formatOf: () => ZSTD_TEXT,
});

export const json = formatRow({
  name: 'json',
  ratio: "Tidemark's records/s over Flink's, whole records as JSON lines",
  goal: 4,
  formatOf: () => JSON_RECORDS,
});

export const parquet = formatRow({
  name: 'parquet',
  ratio: "Tidemark's records/s over Flink's, JSON values into Parquet, zstd",
  goal: 5,
  formatOf: parquetFormat,
  boundsOf: (experiment) => {
    const share = over(experiment, peakMemory);
    const what = `peak memory ${share.toFixed(2)} of Flink's, at most ${PARQUET_MEMORY_MOST}`;
    return [{ what, isKept: share <= PARQUET_MEMORY_MOST }];
  },
});
