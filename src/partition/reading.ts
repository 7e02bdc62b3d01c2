/** Reads batches of a partition's feed into its router, until the bounded end or the drain of the epoch. */
import type { Context } from '../job/context.ts';
import type { PartitionFeed } from '../sources/port.ts';
import type { RecordRouter } from '../writing/recordRouter.ts';
import { nextBatch, proveEnd } from './boundedEnd.ts';
import type { EpochScope } from './epochScope.ts';
import type { PartitionTask } from './partitionTask.ts';
import { checkNoGap } from './sourceFailure.ts';

export interface Reading {
  readonly context: Context;
  readonly task: PartitionTask;
  readonly scope: EpochScope;
  readonly router: RecordRouter;
  readonly feed: PartitionFeed;
  /** Called after each batch. Its promise is awaited before the next batch is read. */
  readonly onBatch: () => Promise<void> | undefined;
}

/** Resolves with `ended` at the task's end offset, with `drained` if the epoch must drain. */
export async function read(reading: Reading): Promise<'ended' | 'drained'> {
  const { context, task, scope, router, feed, onBatch } = reading;
  const { endOffset, partition } = task;
  const counts = context.stats.counts.of(partition);
  if (endOffset !== null && router.nextOffset >= endOffset) await proveNothingIsLeft(reading, endOffset);
  while (endOffset === null || router.nextOffset < endOffset) {
    if (scope.drain.isOpen) return 'drained';
    const batch = await nextBatch(context, partition, feed, scope.drain);
    if (batch === null) return 'drained';
    checkNoGap(partition, router.nextOffset, batch);
    try {
      counts.bytesRead += batch.sizeBytes;
      await router.consume(batch, endOffset);
    } finally {
      batch.release?.();
    }
    const isDue = onBatch();
    if (isDue !== undefined) await isDue;
  }
  return 'ended';
}

async function proveNothingIsLeft(reading: Reading, endOffset: bigint): Promise<void> {
  const { context, task, scope, router, feed } = reading;
  const { partition, topicId } = task;
  const { nextOffset } = router;
  const isOver = (): boolean => scope.isOver || scope.drain.isOpen;
  const verifyLog = async () => feed.verify?.({ offset: nextOffset, read: router.read });
  await proveEnd(context.ports, { partition, topicId, nextOffset, endOffset, isOver, verifyLog });
}
