/** Keys of what may last for a partition: the same thing has the same key wherever it is met, so that they are few. */
import { partitionName, type Subject, type TopicPartition } from '../../journal/ids.ts';

export const conditionKey = {
  stop: (partition: TopicPartition) => `stop ${partitionName(partition)}`,
  refused: (partition: TopicPartition) => `refused ${partitionName(partition)}`,
  epoch: (partition: TopicPartition) => `epoch ${partitionName(partition)}`,
  /** Nobody is assigned it. */
  unowned: (partition: TopicPartition) => `unowned ${partitionName(partition)}`,
  publish: (partition: TopicPartition) => `publish ${partitionName(partition)}`,
  append: (subject: Subject) => `append ${subject}`,
} as const;
