/** Proves, before each checkpoint, that the source is still the one that was read. */
import type { PartitionFeed, ReadEpoch, Source } from '../sources/port.ts';
import type { PartitionTask } from './partitionTask.ts';

/**
 * Ids are never reused: the same id now proves that all up to the cut came from this topic. Its log must also
 * still hold it.
 */
export async function proveSource(
  source: Source,
  { partition, topicId }: PartitionTask,
  feed: PartitionFeed | null,
  { nextOffset, read }: { readonly nextOffset: bigint; readonly read: ReadEpoch | null },
): Promise<void> {
  await source.verifyIdentity(partition.topic, topicId);
  await feed?.verify?.({ offset: nextOffset, read });
}
