/** Proves, before each checkpoint, that the source is still the one that was read. */
import type { RepairFacts } from '../../actors/repair.ts';
import type { PartitionFeed, ReadEpoch, Source } from '../sources/port.ts';
import { journaledEpoch } from '../sources/readEpoch.ts';
import { cutBelow } from './cutLog.ts';
import type { PartitionTask } from './partitionTask.ts';

/**
 * Ids are never reused: the same id now proves that all up to the cut came from this topic. Its log must also
 * still hold it. In a repair, it must hold all that had been read: what is in files already is passed over.
 */
export async function proveSource(
  source: Source,
  { partition, topicId }: PartitionTask,
  repair: RepairFacts | null,
  feed: PartitionFeed | null,
  { nextOffset, read }: { readonly nextOffset: bigint; readonly read: ReadEpoch | null },
): Promise<void> {
  await source.verifyIdentity(partition.topic, topicId);
  await feed?.verify?.({ offset: nextOffset, read });
  if (repair === null) return;
  const position = { offset: repair.untilOffset, read: journaledEpoch(repair.read) };
  const cut = await cutBelow(source, { partition, topicId }, position);
  if (cut !== null) throw cut;
}
