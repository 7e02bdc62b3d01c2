/** Files what an operator asks for; the partition's owner carries it out. */
import type { FiledRequest, RequestOptions, RequestOrder } from './contract.ts';
import type { JobConfig } from '../config/jobConfig.ts';
import { awaitAnswers, type AwaitingAnswers } from './awaitAnswers.ts';
import { fileOperatorRequest } from '../partition/requests.ts';
import { systemPorts, type Composition } from './compose.ts';
import { partitionOf, jobPrefix } from '../../journal/subjects.ts';
import { TidemarkError } from '../../journal/errors.ts';
import { partitionName, type JobName, type TopicPartition } from '../../journal/ids.ts';
import type { Journal } from '../../journal/port.ts';
import { noFailpoints } from '../system/failpoints.ts';

export async function fileRequest(
  composition: Composition,
  config: JobConfig,
  order: RequestOrder,
  { log, ...options }: RequestOptions,
): Promise<readonly FiledRequest[]> {
  const journal = await composition.journal(config, { access: 'read', log });
  const presence = await composition.presence(config, log);
  try {
    return await fileInto({ journal, presence, job: config.job }, order, options);
  } finally {
    await Promise.all([journal.close(), presence.close()]);
  }
}

/**
 * The same with a journal that is open already. Rejects with REQUEST_REFUSED if it does not know the
 * partition.
 */
export async function fileInto(
  { journal, presence, job }: Pick<AwaitingAnswers, 'journal' | 'presence' | 'job'>,
  order: RequestOrder,
  { waitMs, onNotice }: Omit<RequestOptions, 'log'>,
): Promise<readonly FiledRequest[]> {
  const partitions = await askedOf(journal, job, order);
  const ports = { journal, failpoints: noFailpoints };
  const filed: { readonly partition: TopicPartition; readonly requestId: number }[] = [];
  for (const partition of partitions) {
    const requestId = await fileOperatorRequest(ports, job, partition, order.request);
    filed.push({ partition, requestId });
  }
  if (waitMs === null) return filed.map((request) => ({ ...request, answer: null }));
  const { clock } = systemPorts;
  const answers = await awaitAnswers({ journal, presence, job, waitMs, clock, onNotice }, filed);
  return filed.map((request, index) => ({ ...request, answer: answers[index] ?? { type: 'none' } }));
}

async function askedOf(
  journal: Journal,
  job: JobName,
  { partition: asked }: RequestOrder,
): Promise<readonly TopicPartition[]> {
  const known = await partitionsOf(journal, job);
  const name = asked === null ? null : partitionName(asked);
  const partitions = known.filter((partition) => name === null || partitionName(partition) === name);
  if (partitions.length > 0) return partitions;
  throw new TidemarkError(
    'REQUEST_REFUSED',
    name === null
      ? `The job "${job}" has no partition in its journal yet: run it first.`
      : `The journal of job "${job}" does not know partition ${name}; ` +
          `it knows ${known.map(partitionName).join(', ') || 'none'}.`,
  );
}

async function partitionsOf(journal: Journal, job: JobName): Promise<TopicPartition[]> {
  const subjects = await journal.subjects(jobPrefix(job));
  return subjects.map(partitionOf).filter((partition) => partition !== null);
}
