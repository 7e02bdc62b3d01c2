/**
 * Real flight records (vega-datasets' flights-3m.parquet, US domestic flights of 2001) through Kafka into files:
 * `npm run flights -- [RECORDS]` produces them to a fresh topic, writes them in one bounded run of the real command, checks that
 * each is there exactly once, and prints speed and peak memory.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { Kafka, logLevel } from 'kafkajs';
import { PeakMemory } from './peakMemory.ts';

const CHECKOUT = path.resolve(import.meta.dirname, '..');
const FLIGHTS = path.join(CHECKOUT, 'node_modules/vega-datasets/data/flights-3m.parquet');
const PARTITIONS = 4;
const RECORDS_PER_SEND = 10_000;

export interface FlightsOptions {
  readonly brokers: string[];
  readonly natsUrl: string;
  readonly records: number;
  readonly onProgress?: (message: string) => void;
}

export interface FlightsResult {
  readonly records: number;
  readonly files: number;
  readonly bytes: number;
  /** Of the whole command, from its start to its end. */
  readonly seconds: number;
  readonly peakMemoryMiB: number;
}

/** One flight as one line of JSON; its number makes every line distinct. */
function lineOf(number: number, row: Record<string, unknown>): string {
  return JSON.stringify({ number, ...row }, (_key, value: unknown) =>
    typeof value === 'bigint' ? Number(value) : value,
  );
}

/** An order-free digest of lines: equal sums of hashes mean equal sets of lines. */
class LineSum {
  #sum = 0n;
  count = 0;

  add(line: string): void {
    this.#sum += createHash('sha256').update(line).digest().readBigUInt64BE();
    this.count += 1;
  }

  toString(): string {
    return `${this.count} lines, ${BigInt.asUintN(64, this.#sum).toString(16)}`;
  }
}

async function produce(options: FlightsOptions, topic: string): Promise<LineSum> {
  const kafka = new Kafka({ brokers: options.brokers, logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS }], waitForLeaders: true });
  await admin.disconnect();
  const producer = kafka.producer();
  await producer.connect();
  const file = await asyncBufferFromFile(FLIGHTS);
  const sum = new LineSum();
  for (let start = 0; start < options.records; start += RECORDS_PER_SEND) {
    const rowEnd = Math.min(start + RECORDS_PER_SEND, options.records);
    const rows = await parquetReadObjects({ file, compressors, rowStart: start, rowEnd });
    const messages = rows.map((row, index) => {
      const value = lineOf(start + index, row);
      sum.add(value);
      return { value, partition: index % PARTITIONS, timestamp: String((row['date'] as Date).getTime()) };
    });
    await producer.send({ topic, messages });
    if (start % 100_000 === 0) options.onProgress?.(`produced ${rowEnd} of ${options.records} records`);
  }
  await producer.disconnect();
  return sum;
}

function writtenLines(folder: string): {
  readonly sum: LineSum;
  readonly files: number;
  readonly bytes: number;
} {
  const sum = new LineSum();
  let files = 0;
  let bytes = 0;
  for (const name of readdirSync(folder, { recursive: true }) as string[]) {
    const file = path.join(folder, name);
    if (!statSync(file).isFile()) continue;
    files += 1;
    bytes += statSync(file).size;
    for (const line of readFileSync(file, 'utf8').split('\n').slice(0, -1)) sum.add(line);
  }
  return { sum, files, bytes };
}

/** Produces, runs, checks. Rejects where what was written is not what was produced. */
export async function flights(options: FlightsOptions): Promise<FlightsResult> {
  const topic = `flights-${Date.now()}-${process.pid}`;
  const folder = mkdtempSync(path.join(tmpdir(), 'tidemark-flights-'));
  try {
    const produced = await produce(options, topic);
    const job = path.join(folder, 'job.yaml');
    writeFileSync(
      job,
      `job: ${topic}
source:
  kafka: { brokers: [${options.brokers.map((broker) => `"${broker}"`).join(', ')}], topics: [${topic}], groupId: ${topic} }
sink: { path: lake }
bucket: { by: record-time, pattern: yyyy-MM-dd }
checkpoint: { interval: 5s }
journal:
  nats: { servers: ["${options.natsUrl}"], stream: TIDEMARK }
`,
    );
    options.onProgress?.('running tidemark');
    const startedMs = performance.now();
    const child = spawn(
      process.execPath,
      [path.join(CHECKOUT, 'bin/tidemark.js'), 'run', job, '--until-end'],
      {
        stdio: ['ignore', 'ignore', 'inherit'],
      },
    );
    const memory = new PeakMemory(child.pid ?? 0);
    const [code] = (await once(child, 'close')) as [number | null];
    const seconds = (performance.now() - startedMs) / 1000;
    if (code !== 0) throw new Error(`tidemark ended with ${String(code)}`);
    const written = writtenLines(path.join(folder, 'lake'));
    if (String(written.sum) !== String(produced)) {
      throw new Error(`produced ${String(produced)}, but the files hold ${String(written.sum)}`);
    }
    const { files, bytes } = written;
    return { records: options.records, files, bytes, seconds, peakMemoryMiB: memory.stop() };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
