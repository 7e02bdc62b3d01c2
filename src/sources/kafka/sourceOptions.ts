/** What a source of the job file needs to connect, and to stay within its memory. */
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { SourceOpening } from '../kind.ts';
import type { KafkaSourceConfig } from './config.ts';
import type { KafkaSourceOptions, KafkaTuning } from './options.ts';
import { kafkaSecurity } from './security.ts';

/**
 * Group memberships that a kill may leave. The sink may be the job file's folder: no job's marker has a name
 * with `_`.
 */
const MEMBERS_FOLDER = '_members';
const REQUEST_BYTES_MAX = 8 * 1024 * 1024;

export function kafkaSourceOptions(
  source: KafkaSourceConfig,
  { job, stateDir, log, clock, choices, memory }: SourceOpening,
): KafkaSourceOptions {
  return {
    brokers: source.brokers,
    topics: source.topics,
    groupId: source.groupId,
    // Nobody comes back to the place of a run that ends by itself.
    instanceId: choices.untilEnd ? null : source.instanceId,
    clientId: `tidemark-${job}-${hostname()}`,
    job,
    choices,
    ...kafkaSecurity(source, { clock, log }),
    tuning: { decode: source.decode, ...(memory === undefined ? {} : fetchesWithin(memory)) },
    stateDir: join(stateDir, MEMBERS_FOLDER),
    log,
    clock,
    ...(memory === undefined
      ? {}
      : { roomToFetch: (isWanted: () => boolean) => memory.budget.room(isWanted) }),
  };
}

function fetchesWithin({ shares }: NonNullable<SourceOpening['memory']>): Partial<KafkaTuning> {
  const requestBytesMax = Math.min(REQUEST_BYTES_MAX, Math.floor(shares.fetchBytes / 4));
  const prefetchBytesMax = shares.fetchBytes - requestBytesMax;
  return { requestBytesMax, prefetchBytesMax, unpackBytesMax: shares.unpackBytes };
}
