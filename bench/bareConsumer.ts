/**
 * `node bench/bareConsumer.ts JOB.yaml`: reads the job's topics through the same connection as `tidemark
 * run`, writes nothing, and prints how many records the fetched batches say that they hold. What can be had
 * at best.
 */
import { partitionName, type TopicPartition } from '../journal/ids.ts';
import { Composition } from '../src/app/compose.ts';
import { loadJobConfig } from '../src/app/jobFile/loadJobConfig.ts';
import type { Source } from '../src/sources/port.ts';
import { systemClock } from '../src/system/clock.ts';
import { ConditionBoard } from '../src/telemetry/conditions.ts';
import { silentLog } from '../src/telemetry/log.ts';

async function countPartition(source: Source, partition: TopicPartition): Promise<number> {
  const range = (await source.ranges(partition.topic))[partition.partition];
  if (range === undefined) throw new Error(`${partitionName(partition)} is not there`);
  let offset = range.startOffset;
  if (offset >= range.endOffset) return 0;
  const feed = source.open(partition, offset, null);
  let records = 0;
  while (offset < range.endOffset) {
    const batch = await feed.next();
    for (const span of batch.spans?.() ?? []) records += span.holds === 'records' ? span.records : 0;
    offset = batch.nextOffset;
    batch.release?.();
  }
  await feed.close();
  return records;
}

async function countAll(source: Source): Promise<number> {
  const { promise: assigned, resolve, reject } = Promise.withResolvers<readonly TopicPartition[]>();
  await source.start({ assigned: resolve, topicAppeared: () => undefined, failed: reject });
  const counts = await Promise.all((await assigned).map((partition) => countPartition(source, partition)));
  return counts.reduce((sum, count) => sum + count, 0);
}

const [jobFile = ''] = process.argv.slice(2);
const config = loadJobConfig({ path: jobFile, env: process.env, cwd: process.cwd() });
const composition = new Composition();
const log = silentLog;
const memory = composition.memory(config, log);
const conditions = new ConditionBoard({ clock: systemClock, log });
const source = await composition.source(config, { log, choices: { untilEnd: true }, memory, conditions });
const { signal } = new AbortController();
await source.describe({ wait: false, onWaiting: () => undefined, signal });
console.log(await countAll(source));
await source.stop();
