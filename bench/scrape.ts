/**
 * What a scrape of `/metrics` costs for many partitions: `node bench/scrape.ts [partitions]`. Prints the
 * median time, and the size of the answer.
 */
import process from 'node:process';
import { partitionLabels, textOf, type Scraped } from '../src/http/metrics/metrics.ts';
import { formatBytes, formatCount } from '../src/telemetry/format.ts';
import { ConditionBoard } from '../src/telemetry/conditions.ts';
import { silentLog } from '../src/telemetry/log.ts';
import { systemClock } from '../src/system/clock.ts';
import { RunStats } from '../src/writing/runStats.ts';

const PARTITIONS = 1_000;
const SCRAPES = 50;
const MILLION = 1_000_000;

/** A run with so many partitions, each of which has counted something. */
function runOf(partitions: number): () => Scraped {
  const stats = new RunStats({ keepFiles: false });
  const at = Array.from({ length: partitions }, (_, partition) => ({ topic: 'clicks', partition }));
  for (const partition of at) {
    const counts = stats.counts.of(partition);
    [counts.recordsRead, counts.bytesRead, counts.claims] = [MILLION, MILLION, 1];
    counts.filesCommitted.set('size', 1).set('age', 1);
    stats.counts.appendSeconds.observe(Math.random());
  }
  const run: Scraped['run'] = {
    ...{ job: 'clicks', version: '0.0.0', log: silentLog, signal: new AbortController().signal },
    conditions: new ConditionBoard({ clock: systemClock, log: silentLog }),
    limits: { checkpointIntervalMs: 10_000, rollMaxAgeMs: 600_000, rollMaxBytes: MILLION },
  };
  return () => ({
    ...{ run, open: null, stats, counts: stats.counts },
    counted: [...stats.counts.partitions()].map((each) => [partitionLabels(each.partition), each]),
    views: at.map((partition) => [
      partitionLabels(partition),
      { partition, state: 'running', stop: null, fetchedOffset: BigInt(MILLION), owned: null },
    ]),
  });
}

const partitions = Number(process.argv[2] ?? PARTITIONS);
const scrape = runOf(partitions);
const took: number[] = [];
let bytes = 0;
for (let round = 0; round < SCRAPES; round += 1) {
  const startedMs = performance.now();
  bytes = Buffer.byteLength(textOf(scrape()));
  took.push(performance.now() - startedMs);
}
const medianMs = took.toSorted((a, b) => a - b)[SCRAPES / 2] ?? 0;
process.stdout.write(
  `${formatCount(partitions)} partitions: ${medianMs.toFixed(1)} ms, ${formatBytes(bytes)}\n`,
);
