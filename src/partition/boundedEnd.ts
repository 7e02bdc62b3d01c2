/**
 * The end of a bounded run. Even with nothing left to read, the run proves that the source is the one that
 * was read and still holds what was read.
 */
import { TidemarkError } from '../../journal/errors.ts';
import { SourceFailure } from '../sources/failure.ts';
import { partitionName, type TopicPartition } from '../../journal/ids.ts';
import type { FetchedBatch, PartitionFeed, Source } from '../sources/port.ts';
import type { Gate } from '../system/concurrency.ts';
import type { Context, Ports } from '../job/context.ts';

/** How long an end before nextOffset is read again: lagging replicas report one for a moment. */
const STABLE_MS = 30_000;
const LOOK_AGAIN_MS = 1_000;

export interface BoundedEnd {
  readonly partition: TopicPartition;
  readonly topicId: string | null;
  /** The journaled cursor, and the end of the source when the run began. */
  readonly nextOffset: bigint;
  readonly endOffset: bigint;
  readonly isOver: () => boolean;
  /** Checks that the source's log still holds what was read, if the source can tell. */
  readonly verifyLog: () => Promise<void>;
}

/**
 * Rejects with SOURCE_REPLACED if it is another topic. Rejects with SOURCE_TRUNCATED if its log does not hold
 * what was read, or ends before nextOffset permanently; for a file, such an end is SOURCE_BEYOND_END.
 */
export async function proveEnd(
  { source, clock }: Pick<Ports, 'source' | 'clock'>,
  end: BoundedEnd,
): Promise<void> {
  const { partition, nextOffset } = end;
  await source.verifyIdentity(partition.topic, end.topicId);
  await end.verifyLog();
  const startedMs = clock.nowMs();
  for (let found = end.endOffset; found < nextOffset;) {
    if (end.isOver()) return;
    if (clock.nowMs() - startedMs >= STABLE_MS) {
      throw endsBefore(source.kind, partition, nextOffset, found);
    }
    await clock.pause(LOOK_AGAIN_MS);
    const ranges = await source.ranges(partition.topic);
    found = ranges[partition.partition]?.endOffset ?? 0n;
  }
}

/**
 * The next batch. A feed waits forever for an unavailable source. So if no batch arrives, a bounded run asks
 * the source whether it still answers. Rejects with the source's error if it does not.
 */
async function batchOrGone(
  { ports, settings }: Pick<Context, 'ports' | 'settings'>,
  { topic }: TopicPartition,
  next: Promise<FetchedBatch>,
): Promise<FetchedBatch> {
  if (!settings.untilEnd) return next;
  for (;;) {
    const quiet = Promise.withResolvers<null>();
    const timer = ports.clock.timer(settings.startupMs / 2, () => quiet.resolve(null));
    try {
      const batch = await Promise.race([next, quiet.promise]);
      if (batch !== null) return batch;
    } finally {
      timer.cancel();
    }
    await Promise.race([next, ports.source.ranges(topic)]);
  }
}

/** Null if the request to drain interrupted the wait. */
export async function nextBatch(
  context: Pick<Context, 'ports' | 'settings'>,
  partition: TopicPartition,
  feed: PartitionFeed,
  drain: Gate,
): Promise<FetchedBatch | null> {
  try {
    return await batchOrGone(context, partition, feed.next());
  } catch (error) {
    if (drain.isOpen && !(error instanceof TidemarkError)) return null;
    throw error;
  }
}

function endsBefore(
  kind: Source['kind'],
  partition: TopicPartition,
  nextOffset: bigint,
  endOffset: bigint,
): TidemarkError {
  const name = partitionName(partition);
  const found = `${name} ends at offset ${endOffset}, before nextOffset ${nextOffset}`;
  if (kind === 'file') {
    return new SourceFailure('beyondEnd', `${found}: it was truncated or made anew.`, {
      fields: { partition: name, endOffset },
      affected: { fromOffset: nextOffset },
    });
  }
  return new SourceFailure(
    'truncated',
    `${found}: its log went back. What was read stays committed. Restore the log and resume; or go on ` +
      `with what Kafka holds now: tidemark accept-truncation JOB.yaml ${name} --from ${endOffset}`,
    {
      fields: { partition: name, nextOffset },
      affected: { truncation: { divergedAt: endOffset, leaderEpoch: null } },
    },
  );
}
