/** Files what an operator asks for; the partition's owner carries it out. */
import type { FiledRequest, RequestOptions, RequestOrder } from './contract.ts';
import type { JobConfig } from '../config/jobConfig.ts';
import { awaitAnswers } from './awaitAnswers.ts';
import { fileOperatorRequest } from '../partition/requests.ts';
import { systemPorts, type Composition } from './compose.ts';
import { partitionOf, jobPrefix } from '../../journal/subjects.ts';
import { TidemarkError } from '../../journal/errors.ts';
import { partitionName, type TopicPartition } from '../../journal/ids.ts';
import type { Journal } from '../../journal/port.ts';
import { noFailpoints } from '../system/failpoints.ts';

export async function fileRequest(
  composition: Composition,
  config: JobConfig,
  order: RequestOrder,
  { log, waitMs, onNotice }: RequestOptions,
): Promise<readonly FiledRequest[]> {
  const journal = await composition.journal(config, { access: 'read', log });
  const presence = await composition.presence(config, log);
  try {
    const known = await partitionsOf(journal, config);
    const asked = order.partition;
    const name = asked === null ? null : partitionName(asked);
    const partitions = known.filter((partition) => name === null || partitionName(partition) === name);
    if (partitions.length === 0) {
      throw new TidemarkError(
        'REQUEST_REFUSED',
        name === null
          ? `The job "${config.job}" has no partition in its journal yet: run it first.`
          : `The journal of job "${config.job}" does not know partition ${name}; ` +
              `it knows ${known.map(partitionName).join(', ') || 'none'}.`,
      );
    }
    const filed: { readonly partition: TopicPartition; readonly requestId: number }[] = [];
    for (const partition of partitions) {
      const requestId = await fileOperatorRequest(
        { journal, failpoints: noFailpoints },
        config.job,
        partition,
        order.request,
      );
      filed.push({ partition, requestId });
    }
    if (waitMs === null) return filed.map((request) => ({ ...request, answer: null }));
    const { clock } = systemPorts;
    const awaiting = { journal, presence, job: config.job, waitMs, clock, onNotice };
    const answers = await awaitAnswers(awaiting, filed);
    return filed.map((request, index) => ({ ...request, answer: answers[index] ?? { type: 'none' } }));
  } finally {
    await Promise.all([journal.close(), presence.close()]);
  }
}

async function partitionsOf(journal: Journal, config: JobConfig): Promise<TopicPartition[]> {
  const subjects = await journal.subjects(jobPrefix(config.job));
  return subjects.map(partitionOf).filter((partition) => partition !== null);
}
