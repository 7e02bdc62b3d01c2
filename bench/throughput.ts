/**
 * How fast, with how much processor time and memory the real command moves a topic that is kept between runs:
 * `node bench/throughput.ts TOPIC [--runs N] [--pattern BUCKETS] [-D key=value ...]`. The topic is loaded once, by `--load RECORDS [--codec NAME]`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { runKafkaTool } from '../scripts/services/kafka.ts';
import { PeakMemory } from './peakMemory.ts';

const CHECKOUT = path.resolve(import.meta.dirname, '..');
const PARTITIONS = 4;
const VALUE_BYTES = 161;
const DISTINCT_LINES = 20_000;

interface Run {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakMemoryMiB: number;
  readonly files: number;
  readonly bytes: number;
}

async function load(brokers: string, topic: string, records: number, codec: string): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'tidemark-load-'));
  try {
    const payload = path.join(folder, 'lines.ndjson');
    writeFileSync(
      payload,
      Array.from({ length: DISTINCT_LINES }, (_, number) => `${lineOf(number)}\n`).join(''),
    );
    const create = [
      '--create',
      '--topic',
      topic,
      '--partitions',
      String(PARTITIONS),
      '--replication-factor',
      '1',
    ];
    await runKafkaTool('org.apache.kafka.tools.TopicCommand', ['--bootstrap-server', brokers, ...create]);
    await runKafkaTool('org.apache.kafka.tools.ProducerPerformance', [
      ...[
        '--topic',
        topic,
        '--num-records',
        String(records),
        '--throughput',
        '-1',
        '--payload-file',
        payload,
      ],
      ...['--producer-props', `bootstrap.servers=${brokers}`, `compression.type=${codec}`],
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function lineOf(number: number): string {
  const event = ['click', 'view', 'buy', 'scroll'][number % 4] ?? '';
  const line = {
    number,
    user: `user-${(number * 7919) % 100_000}`,
    event,
    url: `/products/${number * 31}`,
    rest: '',
  };
  line.rest = 'x'.repeat(VALUE_BYTES - JSON.stringify(line).length);
  return JSON.stringify(line);
}

/** User and system seconds of all children that have ended. */
function childrenCpuSeconds(): number {
  const fields = readFileSync('/proc/self/stat', 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  const ticksPerSecond = 100;
  return (Number(fields[13]) + Number(fields[14])) / ticksPerSecond;
}

async function run(
  topic: string,
  overrides: readonly string[],
  nodeOptions: readonly string[],
  pattern?: string,
): Promise<Run> {
  const folder = mkdtempSync(path.join(tmpdir(), 'tidemark-throughput-'));
  try {
    const name = `throughput-${Date.now()}-${process.pid}`;
    const job = path.join(folder, 'job.yaml');
    const bucket = pattern === undefined ? '{ by: none }' : `{ by: record-time, pattern: "${pattern}" }`;
    writeFileSync(
      job,
      `job: ${name}
source:
  kafka: { brokers: ["${process.env['KAFKA_BROKERS'] ?? ''}"], topics: [${topic}] }
sink: { path: lake }
bucket: ${bucket}
checkpoint: { interval: 5s }
journal:
  nats: { servers: ["${process.env['NATS_URL'] ?? ''}"], stream: TIDEMARK }
`,
    );
    const cpuBefore = childrenCpuSeconds();
    const startedMs = performance.now();
    const command = [path.join(CHECKOUT, 'bin/tidemark.js'), 'run', job, '--until-end'];
    const child = spawn(
      process.execPath,
      [...nodeOptions, ...command, ...overrides.flatMap((override) => ['-D', override])],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
    const memory = new PeakMemory(child.pid ?? 0);
    const [code] = (await once(child, 'close')) as [number | null];
    const seconds = (performance.now() - startedMs) / 1000;
    const cpuSeconds = childrenCpuSeconds() - cpuBefore;
    if (code !== 0) throw new Error(`tidemark ended with ${String(code)}`);
    return { seconds, cpuSeconds, peakMemoryMiB: memory.stop(), ...written(path.join(folder, 'lake')) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function written(folder: string): { readonly files: number; readonly bytes: number } {
  const sizes = (readdirSync(folder, { recursive: true }) as string[])
    .map((name) => statSync(path.join(folder, name)))
    .filter((stat) => stat.isFile())
    .map(({ size }) => size);
  return { files: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    load: { type: 'string' },
    codec: { type: 'string', default: 'none' },
    runs: { type: 'string', default: '1' },
    pattern: { type: 'string' },
    define: { type: 'string', short: 'D', multiple: true, default: [] },
    node: { type: 'string', multiple: true, default: [] },
  },
});
const [topic = ''] = positionals;
if (values.load !== undefined)
  await load(process.env['KAFKA_BROKERS'] ?? '', topic, Number(values.load), values.codec);
for (let number = 0; number < Number(values.runs); number += 1) {
  const { seconds, cpuSeconds, peakMemoryMiB, files, bytes } = await run(
    topic,
    values.define,
    values.node,
    values.pattern,
  );
  const records = Math.round(bytes / (VALUE_BYTES + 1));
  process.stdout.write(
    `${records} records, ${(bytes / 1e6).toFixed(0)} MB, ${files} files: ${seconds.toFixed(2)} s, ` +
      `${Math.round(records / seconds)} records/s, CPU ${cpuSeconds.toFixed(2)} s, peak memory ${peakMemoryMiB} MiB\n`,
  );
}
