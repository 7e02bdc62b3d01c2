/** What a partition's runner is given, and the check that its source is the one in the journal. */
import { SourceFailure } from '../sources/failure.ts';
import { partitionName, type TopicPartition } from '../../journal/ids.ts';

/** What a partition's runner knows before any claim. */
export interface PartitionTask {
  readonly partition: TopicPartition;
  /** `retire`: the source no longer has it. What is checkpointed is published; nothing is read. */
  readonly purpose: 'read' | 'retire';
  /** Used once, if the journal has no offset. */
  readonly startOffset: bigint;
  readonly topicId: string | null;
  /** The journaled cluster and the one that answers now. Another cluster is another log. */
  readonly clusterId: { readonly journaled: string | null; readonly found: string | null };
  /** Where a bounded run ends; null for a service. */
  readonly endOffset: bigint | null;
  /** The previous epoch ended on a full disk. */
  readonly isDiskFull?: boolean;
}

/** Another cluster is another log, even if its topics have the same names. Throws SOURCE_REPLACED. */
export function checkCluster(task: PartitionTask): void {
  const { journaled, found } = task.clusterId;
  if (journaled === null || journaled === found) return;
  throw new SourceFailure(
    'replaced',
    `${partitionName(task.partition)} was read from cluster ${journaled}; the brokers now belong to ` +
      `cluster ${found ?? '-'}. Point the job at its own cluster, or give it another name.`,
    { fields: { journaledClusterId: journaled, clusterId: found } },
  );
}
