/** Keys of a partition's conditions. The same problem always has the same key, so that few are raised. */
import { partitionName, type Subject, type TopicPartition } from '../../journal/ids.ts';

export const conditionKey = {
  stop: (partition: TopicPartition) => `stop ${partitionName(partition)}`,
  refused: (partition: TopicPartition) => `refused ${partitionName(partition)}`,
  epoch: (partition: TopicPartition) => `epoch ${partitionName(partition)}`,
  /** No coordinator is assigned the partition. */
  unowned: (partition: TopicPartition) => `unowned ${partitionName(partition)}`,
  publish: (partition: TopicPartition) => `publish ${partitionName(partition)}`,
  append: (subject: Subject) => `append ${subject}`,
} as const;
