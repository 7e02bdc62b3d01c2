/** Where each partition of a topic would begin. */
import { partitionName } from '../../journal/ids.ts';
import { startOf } from '../job/topicStart.ts';
import type { Source, StartFrom, TopicFacts } from '../sources/port.ts';
import type { JournaledJob } from './journaledJob.ts';
import type { StartReason } from './planReport.ts';

export interface PartitionStart {
  /** Null if it is not known. */
  readonly offset: bigint | null;
  readonly reason: StartReason;
}

export interface StartsToFind {
  readonly source: Pick<Source, 'startOffsets'>;
  readonly startFrom: StartFrom;
  /** Null: the job has no journal yet. `unknown`: it does not answer. */
  readonly job: JournaledJob | null | 'unknown';
}

/** By partition number. Rejects with SOURCE_START_INVALID as `Source.startOffsets` does. */
export async function startsOf(
  { source, startFrom, job }: StartsToFind,
  topic: TopicFacts,
): Promise<readonly PartitionStart[]> {
  const numbers = Array.from({ length: topic.partitions }, (_, partition) => partition);
  if (job === 'unknown') return numbers.map(() => ({ offset: null, reason: 'unknown' }));
  const chosen = job?.facts.topics.get(topic.topic)?.startOffsets;
  if (job === null || chosen === undefined) {
    const from = startOf(startFrom, topic, job === null || job.facts.started === 0);
    const offsets = await source.startOffsets(topic.topic, from);
    return numbers.map((partition) => ({ offset: offsets[partition] ?? null, reason: 'startFrom' }));
  }
  return numbers.map((partition) => {
    const name = partitionName({ topic: topic.topic, partition });
    const next = job.partitions.get(name)?.nextOffset ?? null;
    if (next !== null) return { offset: next, reason: 'journal' };
    const offset = chosen[partition];
    return offset === undefined ? { offset: 0n, reason: 'added' } : { offset, reason: 'started' };
  });
}

export function startFromText(startFrom: StartFrom): string {
  switch (startFrom.type) {
    case 'time':
      return new Date(startFrom.atMs).toISOString();
    case 'offsets':
      return 'offsets of the job file';
    case 'group':
      return "the group's committed offset, else earliest";
    default:
      return startFrom.type;
  }
}

/** Where a topic begins that appears after the first start. */
export function laterTopicsText(startFrom: StartFrom): string {
  if (startFrom.type === 'earliest') return 'earliest';
  const named = startFrom.type === 'offsets' ? 'earliest, without offsets' : startFromText(startFrom);
  return `${named} (earliest, if an expression finds it)`;
}
