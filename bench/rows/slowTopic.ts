/**
 * A topic with few records, many checkpoints, and Parquet: how many files and row groups there are
 * afterwards. Both read the same topic at the same time. Of Flink, what it publishes while Tidemark runs is
 * counted.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Kafka, logLevel, type Producer } from 'kafkajs';
import { ensureParquetReaders } from '../../scripts/services/download.ts';
import { flinkArguments, flinkFormatsClassPath, outputOf } from '../flink/flinkJob.ts';
import { askDuckDb, parquetFormat } from '../formats/formats.ts';
import { inRunFolder, type BenchContext } from '../harness/context.ts';
import { dataFiles } from '../harness/lineDigest.ts';
import { BenchProcess } from '../harness/measuredProcess.ts';
import { deleteStream, writeJobFile } from '../tidemark/tidemarkJob.ts';
import { withAdmin } from '../topic/benchTopic.ts';
import type { Row } from './row.ts';

/** As one file of ten minutes with a checkpoint every 10 s, ten times faster. */
const CHECKPOINT_MS = 1_000;
const CHECKPOINTS = 60;
const QUICK = { checkpointMs: 500, checkpoints: 6 };
const RECORDS_PER_SECOND = 100;
const SENT_EACH_MS = 100;
const FLINK_STARTS_WITHIN_MS = 120_000;
/** After the file's age: it is closed, checkpointed and published. */
const PUBLISHED_WITHIN_CHECKPOINTS = 30;
const VALUE = JSON.stringify({
  ...{ id: '0000000001', user: 'a', session: 'b', event: 'page_view' },
  ...{ path: '/', price: '1.00', agent: 'x' },
});

interface Found {
  readonly files: number;
  readonly groups: number;
  readonly rows: number;
}

export const slowTopic: Row = {
  name: 'slow-topic',
  ratio: "Flink's Parquet files of a slow topic over Tidemark's, of the same time",
  goal: { atLeast: 50 },
  run: async (context) => {
    const { log, signal } = context;
    const classPath = await flinkFormatsClassPath(log, signal);
    const pythonPath = await ensureParquetReaders(log, signal);
    const found = await inRunFolder(context, 'slow', (run) => measure(context, classPath, pythonPath, run));
    const [theirs, ours] = found;
    const text = ({ files, groups, rows }: Found): string =>
      `${files} files with ${groups} row groups of ${rows} rows in all`;
    return {
      ratio: theirs.files / ours.files,
      ...{
        experiments: [],
        bounds: [
          {
            what: `${ours.groups} row groups of Tidemark's, at most one a file`,
            isKept: ours.groups <= ours.files,
          },
        ],
      },
      notes: [`Flink: ${text(theirs)}`, `Tidemark: ${text(ours)}`],
    };
  },
};

async function measure(
  context: BenchContext,
  classPath: string,
  pythonPath: string,
  { name, folder }: { readonly name: string; readonly folder: string },
): Promise<readonly [Found, Found]> {
  const { brokers, natsUrl, tidemarkBin, isQuick, signal, log } = context;
  const { checkpointMs, checkpoints } = isQuick
    ? QUICK
    : { checkpointMs: CHECKPOINT_MS, checkpoints: CHECKPOINTS };
  const ageMs = checkpointMs * checkpoints;
  await withAdmin(brokers, (admin) =>
    admin.createTopics({ topics: [{ topic: name, numPartitions: 1 }], waitForLeaders: true }),
  );
  const { flag, keys } = parquetFormat(context);
  const job = { brokers, natsUrl, topic: name, name, folder, checkpointMs };
  const roll = { maxBytes: '128MiB', maxAge: `${ageMs}ms`, maxIdle: `${ageMs}ms` };
  const jobFile = writeJobFile({ ...job, keys: { ...keys, roll } });
  const flinkJob = {
    ...job,
    folder: path.join(folder, 'flink'),
    group: `${name}-flink`,
    format: flag,
    isQuick,
    isUnbounded: true,
  };
  const counting = { script: 'parquetGroups.py', pythonPath, signal };
  const outputs = [outputOf(flinkJob), path.join(folder, 'out')] as const;
  const arguments_ = flinkArguments(classPath, flinkJob);
  const processes = [new BenchProcess('java', arguments_, { what: 'Flink', signal })];
  const has = (output: string) => (): boolean => existsSync(output) && dataFiles(output).length > 0;
  try {
    log('slow-topic: waiting for the first file of Flink, which takes its time to start ...');
    await produce(brokers, name, { isEnough: has(outputs[0]), mostMs: FLINK_STARTS_WITHIN_MS, signal });
    const before = await askDuckDb<Found>(outputs[0], counting);
    log(`slow-topic: ${checkpoints} checkpoints of ${checkpointMs} ms ...`);
    const run = [tidemarkBin, 'run', jobFile];
    processes.push(new BenchProcess(process.execPath, run, { what: 'tidemark run', signal }));
    const mostMs = ageMs + PUBLISHED_WITHIN_CHECKPOINTS * checkpointMs;
    await produce(brokers, name, { isEnough: has(outputs[1]), mostMs, signal });
    const theirs = await askDuckDb<Found>(outputs[0], counting);
    const ours = await askDuckDb<Found>(outputs[1], counting);
    return [less(theirs, before), ours];
  } finally {
    await Promise.all(processes.map((one) => one.killed()));
    await deleteStream(natsUrl, name);
    await withAdmin(brokers, (admin) => admin.deleteTopics({ topics: [name] }));
  }
}

const less = (one: Found, other: Found): Found => ({
  files: one.files - other.files,
  groups: one.groups - other.groups,
  rows: one.rows - other.rows,
});

interface Producing {
  readonly isEnough: () => boolean;
  readonly mostMs: number;
  readonly signal: AbortSignal;
}

/** Sends until it is enough. Rejects if that takes too long. */
async function produce(brokers: readonly string[], topic: string, producing: Producing): Promise<void> {
  const producer: Producer = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).producer();
  await producer.connect();
  try {
    const count = (RECORDS_PER_SECOND * SENT_EACH_MS) / 1_000;
    const messages = Array.from({ length: count }, () => ({ value: VALUE }));
    for (const giveUpAtMs = performance.now() + producing.mostMs; !producing.isEnough();) {
      producing.signal.throwIfAborted();
      if (performance.now() > giveUpAtMs) throw new Error('no file was published in time');
      await producer.send({ topic, messages });
      await delay(SENT_EACH_MS);
    }
  } finally {
    await producer.disconnect();
  }
}
