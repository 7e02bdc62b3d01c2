/** The status of a job, from its journal alone; only the lag asks the source. */
import type { PartFileView, PartitionLedger } from '../actors/ledger.ts';
import type { TopicPartition } from '../journal/ids.ts';
import type { Journal } from '../journal/port.ts';
import { jobPrefix, partitionOf } from '../journal/subjects.ts';
import type { BucketStatus, JobStatus, PartStatus, PartitionStatus } from './cli/contract.ts';
import type { JobConfig } from './config/jobConfig.ts';
import { recover } from './coordinator/recover.ts';
import { lagOf } from './lag.ts';
import type { OffsetRange, Source } from './source/port.ts';
import type { Log } from './telemetry/log.ts';

const LAG_PATIENCE_MS = 5_000;

export async function readJobStatus(
  config: JobConfig,
  journal: Journal,
  source: Source,
  log: Log,
): Promise<JobStatus> {
  const partitions: PartitionStatus[] = [];
  const ranges = new Map<string, Promise<readonly OffsetRange[] | undefined>>();
  for (const subject of await journal.subjects(jobPrefix(config.job))) {
    const partition = partitionOf(subject);
    if (partition === null) continue;
    const { ledger } = await recover({ journal, subject, partition, log });
    if (!ranges.has(partition.topic)) ranges.set(partition.topic, rangesOrNothing(source, partition.topic));
    partitions.push(partitionStatus(partition, ledger, await ranges.get(partition.topic)));
  }
  partitions.sort((a, b) => (a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1));
  return { job: config.job, journal: journalStatus(config, journal), partitions };
}

function journalStatus({ journal: config }: JobConfig, journal: Journal): JobStatus['journal'] {
  return config.type === 'sqlite'
    ? { kind: 'sqlite', id: journal.id, location: config.path }
    : { kind: 'nats', id: journal.id, location: `${config.servers.join(',')} stream ${config.stream}` };
}

/** A source that does not answer in time is no error of the status: its lag is not known. */
async function rangesOrNothing(source: Source, topic: string): Promise<readonly OffsetRange[] | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => {
      resolve(undefined);
    }, LAG_PATIENCE_MS);
  });
  try {
    return await Promise.race([source.ranges(topic).catch(() => undefined), patience]);
  } finally {
    clearTimeout(timer);
  }
}

function partitionStatus(
  partition: TopicPartition,
  ledger: PartitionLedger,
  ranges: readonly OffsetRange[] | undefined,
): PartitionStatus {
  const { epoch, nextOffset, recordsRead, recordsSkippedNull, stop } = ledger.facts;
  return {
    ...partition,
    // The journal says what is owed; whether a process works on it right now is not its matter.
    state:
      stop !== null ? 'stopped' : epoch === 0 ? 'unclaimed' : ledger.buckets.size > 0 ? 'active' : 'settled',
    epoch,
    nextOffset: nextOffset ?? 0n,
    lag: nextOffset === null ? null : lagOf({ partition, nextOffset }, ranges),
    recordsRead,
    recordsSkipped: recordsSkippedNull,
    stop,
    buckets: bucketStatuses(ledger),
    committedFiles: ledger.committedFiles,
  };
}

function bucketStatuses(ledger: PartitionLedger): BucketStatus[] {
  const parts = [...ledger.parts()];
  return [...ledger.buckets].map(([bucket, state]) => ({
    bucket,
    state: state.value,
    parts: parts.filter((part) => part.context.bucket === bucket).map(partStatus),
  }));
}

function partStatus({ status, context }: PartFileView): PartStatus {
  return {
    partId: context.partId,
    state: status,
    length: context.durable?.length ?? 0,
    records: context.durable?.records ?? 0,
    firstOffset: context.durable?.firstOffset ?? null,
    lastOffset: context.durable?.lastOffset ?? null,
    finalUri: context.finalUri,
    temporaryUri: context.temporaryUri,
  };
}
