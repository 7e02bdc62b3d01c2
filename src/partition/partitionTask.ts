/** What a partition's runner is given, and the check that its source is the one that the journal knows. */
import { TidemarkError } from '../../journal/errors.ts';
import { partitionName, type TopicPartition } from '../../journal/ids.ts';

/** What a partition's runner knows of it before any claim. */
export interface PartitionTask {
  readonly partition: TopicPartition;
  /** `retire`: the source names it no more; what counts of it is published, and nothing is read. */
  readonly purpose: 'read' | 'retire';
  /** Used once, where the journal has nothing. */
  readonly startOffset: bigint;
  readonly topicId: string | null;
  /** The cluster that the journal names and the one that answers now: another one is another log. */
  readonly clusterId: { readonly journaled: string | null; readonly found: string | null };
  /** Where a bounded run ends; null for a service. */
  readonly endOffset: bigint | null;
  /** The epoch before this one ended on a full disk. */
  readonly isDiskFull?: boolean;
}

/** Another cluster is another log, whatever its topics are called. Rejects with SOURCE_REPLACED. */
export function checkCluster(task: PartitionTask): void {
  const { journaled, found } = task.clusterId;
  if (journaled === null || journaled === found) return;
  throw new TidemarkError(
    'SOURCE_REPLACED',
    `${partitionName(task.partition)} was read from cluster ${journaled}; the brokers now belong to cluster ${found ?? '-'}. ` +
      'Point the job at its own cluster, or give it another name.',
    { fields: { journaledClusterId: journaled, clusterId: found } },
  );
}
