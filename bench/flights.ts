/**
 * `npm run flights -- [RECORDS]`: moves real flight records from Kafka into files. The records are
 * vega-datasets' flights-3m.parquet, US domestic flights of 2001. Produces them to a new topic, writes them
 * in one bounded run of the real command, checks that each is in the files exactly once, and prints speed and
 * peak memory.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { Kafka, logLevel } from 'kafkajs';
import { checkoutDir } from '../scripts/services/common.ts';
import { digestFolder, LineDigest } from './harness/lineDigest.ts';
import { measureProcess, type ProcessCost } from './harness/measuredProcess.ts';
import { sourcesBin } from './tidemark/build.ts';
import { deleteStream, writeJobFile } from './tidemark/tidemarkJob.ts';
import { createTopic, PARTITIONS, withAdmin } from './topic/benchTopic.ts';

const FLIGHTS = path.join(checkoutDir, 'node_modules/vega-datasets/data/flights-3m.parquet');
const RECORDS_PER_SEND = 10_000;

export interface FlightsOptions {
  readonly brokers: string[];
  readonly natsUrl: string;
  readonly records: number;
  readonly onProgress?: (message: string) => void;
}

/** Of the whole command, from start to exit. */
export interface FlightsResult extends ProcessCost {
  readonly records: number;
  readonly files: number;
  readonly bytes: number;
}

/** One flight as one line of JSON. The number makes every line unique. */
function lineOf(number: number, row: Record<string, unknown>): string {
  return JSON.stringify({ number, ...row }, (_key, value: unknown) =>
    typeof value === 'bigint' ? Number(value) : value,
  );
}

/** Resolves with the digest of the topic's records. */
async function produce(options: FlightsOptions, topic: string): Promise<string> {
  await withAdmin(options.brokers, (admin) => createTopic(admin, topic));
  const producer = new Kafka({ brokers: options.brokers, logLevel: logLevel.NOTHING }).producer();
  await producer.connect();
  const file = await asyncBufferFromFile(FLIGHTS);
  const digest = new LineDigest();
  for (let start = 0; start < options.records; start += RECORDS_PER_SEND) {
    const rowEnd = Math.min(start + RECORDS_PER_SEND, options.records);
    const rows = await parquetReadObjects({ file, compressors, rowStart: start, rowEnd });
    const messages = rows.map((row, index) => {
      const value = lineOf(start + index, row);
      digest.add(Buffer.from(`${value}\n`));
      return { value, partition: index % PARTITIONS, timestamp: String((row['date'] as Date).getTime()) };
    });
    await producer.send({ topic, messages });
    if (start % 100_000 === 0) options.onProgress?.(`produced ${rowEnd} of ${options.records} records`);
  }
  await producer.disconnect();
  return String(digest);
}

/** Produces, runs, checks. Rejects if the files do not hold what was produced. */
export async function flights(options: FlightsOptions): Promise<FlightsResult> {
  const { brokers, natsUrl, records } = options;
  const topic = `flights-${Date.now()}-${process.pid}`;
  const folder = mkdtempSync(path.join(tmpdir(), 'tidemark-flights-'));
  try {
    const produced = await produce(options, topic);
    const place = { brokers, natsUrl, topic, name: topic, folder };
    const job = writeJobFile({ ...place, checkpointMs: 5_000, bucketPattern: 'yyyy-MM-dd' });
    options.onProgress?.('running tidemark');
    const args = [sourcesBin(), 'run', job, '--until-end'];
    const cost = await measureProcess(process.execPath, args, { what: 'tidemark run' });
    const { digest, files, bytes } = digestFolder(path.join(folder, 'out'));
    if (digest !== produced) throw new Error(`produced ${produced}, but the files hold ${digest}`);
    await withAdmin(brokers, (admin) => admin.deleteTopics({ topics: [topic] }));
    return { records, files, bytes, ...cost };
  } finally {
    await deleteStream(natsUrl, topic);
    rmSync(folder, { recursive: true, force: true });
  }
}
