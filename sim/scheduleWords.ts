/** A schedule in words: what a person needs to see what happened. */
import { contentOf, contentWords } from './job/content.ts';
import { recordsWords } from './job/records.ts';
import { formatNoun } from '../src/telemetry/format.ts';
import { faultWords } from './faults/registry.ts';
import type { LogItem, Schedule, WorldConfig } from './schedule.ts';
import { bucketWords } from './job/buckets.ts';
import { rollWords } from './job/roll.ts';

/**
 * One line each: the processes, their settings, the log of each partition, and the faults that took place.
 */
export function scheduleWords(
  { seed, config, workload, faults }: Schedule,
  fired: readonly boolean[],
): string[] {
  return [
    `${config.processes === 1 ? '1 process' : `${config.processes} processes`} on the store ` +
      `"${config.store}", world ${seed}`,
    settingsWords(config),
    ...workload.partitions.map(
      (items, partition) =>
        `partition ${partition}${isOfSecond(workload, partition) ? ' (of the second topic)' : ''}: ` +
        items.map(itemWords).join('; '),
    ),
    ...faults.map((fault, index) =>
      fired[index] === true ? faultWords(fault) : `(did not come to it) ${faultWords(fault)}`,
    ),
  ];
}

function isOfSecond({ partitions, second = 0 }: Schedule['workload'], partition: number): boolean {
  return partition >= partitions.length - Math.min(second, partitions.length - 1);
}

function settingsWords(config: WorldConfig): string {
  return [
    `checkpoint every ${config.checkpointIntervalMs} ms`,
    rollWords(config.roll),
    bucketWords(config.buckets),
    ...(config.content === undefined ? [] : [contentWords(contentOf(config))]),
    ...(config.records === undefined ? [] : [recordsWords(config.records)]),
    `calls take up to ${config.latencyMsMax} ms each way`,
    `time-out ${config.timeoutMs} ms`,
    `session ${config.sessionMs} ms`,
  ].join(', ');
}

function itemWords(item: LogItem): string {
  if (item.type === 'hole') return `at ${item.atMs} ms ${formatNoun(item.offsets, 'offset')} compacted away`;
  const nulls = item.nullEvery > 0 ? `, every ${item.nullEvery}. null` : '';
  const records = `${formatNoun(item.records, 'record')}${nulls}`;
  if (item.type === 'records') return `at ${item.atMs} ms ${records}`;
  const end = item.committed ? 'committed' : 'aborted';
  return `at ${item.atMs} ms a transaction of ${records}, ${end} at ${item.endsAtMs} ms`;
}
