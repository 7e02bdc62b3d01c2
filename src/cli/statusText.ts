/** `tidemark status` for people. Offsets stand without separators, so that they can be copied into a command. */
import { formatBytes, formatCount, formatNoun } from '../telemetry/format.ts';
import type { JobStatus, PartitionStatus, PartitionStop } from './contract.ts';
import { nameBelowSink } from './fileNames.ts';
import { left, right, tableLines } from './table.ts';

export interface StatusTextOptions {
  readonly sinkUri: string;
  /** The job file as the user wrote it, for the commands that are proposed. */
  readonly jobFile: string;
}

export function statusText(status: JobStatus, options: StatusTextOptions): string {
  const { journal, partitions } = status;
  const blocks = [
    [`job ${status.job}`, `journal ${journal.kind} ${journal.location} (id ${journal.id})`],
    partitions.length === 0 ? ['no partition is known yet: the job has not run'] : partitionTable(partitions),
    ...partitions.map((partition) => fileTable(partition, options.sinkUri)),
    ...partitions.map((partition) => stopLines(partition, options.jobFile)),
  ];
  return blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.map((line) => `${line}\n`).join(''))
    .join('\n');
}

function nameOf({ topic, partition }: PartitionStatus): string {
  return `${topic}/${partition}`;
}

function partitionTable(partitions: readonly PartitionStatus[]): string[] {
  const columns = [
    left('PARTITION'),
    left('STATE'),
    right('EPOCH'),
    right('NEXT OFFSET'),
    right('LAG'),
    right('READ'),
    right('SKIPPED'),
    right('OPEN FILES'),
    right('COMMITTED'),
  ];
  const rows = partitions.map((partition) => [
    nameOf(partition),
    partition.state,
    String(partition.epoch),
    String(partition.nextOffset),
    partition.lag === null ? '-' : String(partition.lag),
    formatCount(partition.recordsRead),
    formatCount(partition.recordsSkipped),
    formatCount(partition.buckets.reduce((sum, { parts }) => sum + parts.length, 0)),
    formatCount(partition.committedFiles),
  ]);
  return tableLines(columns, rows);
}

function fileTable(partition: PartitionStatus, sinkUri: string): string[] {
  const columns = [
    left('BUCKET'),
    left('BUCKET STATE'),
    left('FILE'),
    left('STATE'),
    right('RECORDS'),
    right('SIZE'),
    left('OFFSETS'),
  ];
  const rows = partition.buckets.flatMap((bucket) =>
    bucket.parts.map((part) => [
      bucket.bucket === '' ? '.' : bucket.bucket,
      bucket.state,
      nameBelowSink(part.finalUri, sinkUri),
      part.state,
      formatCount(part.records),
      formatBytes(part.length),
      offsetRange(part.firstOffset, part.lastOffset),
    ]),
  );
  return rows.length === 0
    ? []
    : [`files of ${nameOf(partition)} that are not committed yet`, ...tableLines(columns, rows)];
}

function offsetRange(first: bigint | null, last: bigint | null): string {
  return first === null || last === null ? '-' : `${first} to ${last}`;
}

function stopLines(partition: PartitionStatus, jobFile: string): string[] {
  const { stop } = partition;
  if (stop === null) return [];
  const name = nameOf(partition);
  return [`${name} stopped: ${stop.code}: ${stop.message}`, ...proposals(name, stop, jobFile)];
}

function proposals(name: string, stop: PartitionStop, jobFile: string): string[] {
  const { fromOffset, toOffset, truncation } = stop;
  const resume = `  once the cause is gone: tidemark resume ${jobFile} --partition ${name}`;
  if (truncation !== null) {
    const accept = `tidemark accept-truncation ${jobFile} ${name} --from ${truncation.divergedAt}`;
    return [resume, `  to read on in the log as it is now: ${accept}`];
  }
  if (fromOffset === null || toOffset === null || toOffset <= fromOffset) return [resume];
  const count = formatNoun(Number(toOffset - fromOffset), 'offset');
  return [
    resume,
    `  to give up ${count}: tidemark accept-loss ${jobFile} --partition ${name} --from ${fromOffset} --to ${toOffset}`,
  ];
}
