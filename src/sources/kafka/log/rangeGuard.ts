/**
 * An offset outside the log is never moved. It is checked repeatedly: restarting brokers, elections and stale
 * replicas report it for a moment. Only if it persists for a while is it reported as lost.
 */
import type { TidemarkError } from '../../../../journal/errors.ts';
import { isSourceFailure, SourceFailure } from '../../failure.ts';
import type { Feed } from '../feed.ts';
import type { FetcherContext } from '../fetcher.ts';
import { deletedError, KAFKA_CODE, reasonOf } from '../errors.ts';
import { endOfLog, truncated, type LogCheck } from './check.ts';
import type { PartitionLeader } from '../wire/metadata.ts';
import { listOffsets } from './offsets.ts';
import { pauseUnless } from '../../../system/pacing.ts';
import { waitFor } from '../waits.ts';

export type RangeFinding =
  | { readonly type: 'inside' }
  | { readonly type: 'lost'; readonly startOffset: bigint }
  | { readonly type: 'beyond'; readonly error: TidemarkError }
  | { readonly type: 'missing' };

/** Resolves when the feed's offset is inside the log, or the feed is closed. Rejects with a lasting error. */
export async function watchRange(context: FetcherContext, check: LogCheck, feed: Feed): Promise<void> {
  const { signal, clock, log, tuning, waits } = context;
  let seen: RangeFinding['type'] | null = null;
  let sinceMs = 0;
  while (feed.open && !signal.aborted) {
    const finding = await look(context, check, feed);
    if (finding?.type === 'inside') return;
    if (finding === null) {
      // Observations before an outage say nothing about the time after it.
      sinceMs = clock.nowMs();
      waits.lasts(
        waitFor.records(feed.name),
        `Kafka does not say what the log of ${feed.name} holds; it is asked again.`,
      );
    } else if (seen !== finding.type) {
      seen = finding.type;
      sinceMs = clock.nowMs();
      const stableSeconds = Math.round(tuning.outOfRangeStableMs / 1000);
      const stable = `if that stays so for ${stableSeconds} s the partition stops`;
      const message = `${describe(feed, finding)}; ${stable}.`;
      log.warn({ partition: feed.name, offset: feed.fetchOffset }, message);
      waits.lasts(waitFor.records(feed.name), message);
    } else if (clock.nowMs() - sinceMs >= tuning.outOfRangeStableMs) {
      throw rangeError(feed, finding);
    } else {
      log.debug({ partition: feed.name }, `${describe(feed, finding)}, still.`);
    }
    await pauseUnless(signal, clock, tuning.pollMs);
  }
}

/** Null if Kafka does not answer. */
async function look(context: FetcherContext, check: LogCheck, feed: Feed): Promise<RangeFinding | null> {
  const { brokers, log, signal } = context;
  try {
    const { topics } = await brokers.metadata([feed.topic]);
    const topic = topics.find(({ topic: name }) => name === feed.topic);
    if (topic === undefined || topic.errorCode === KAFKA_CODE.unknownTopicOrPartition)
      return { type: 'missing' };
    if (topic.errorCode !== KAFKA_CODE.none) return null;
    if (feed.expectedTopicId !== null && topic.topicId !== null && topic.topicId !== feed.expectedTopicId) {
      throw replacedError(feed.topic, feed.expectedTopicId, topic.topicId);
    }
    const partition = topic.partitions[feed.partition];
    if (partition === undefined) return { type: 'missing' };
    const [startOffset = 0n] = await listOffsets(brokers, feed.topic, [partition], 'earliest');
    if (feed.fetchOffset < startOffset) return { type: 'lost', startOffset };
    const error = (await check.beyondEnd(feed, partition)) ?? (await behindEnd(context, feed, partition));
    return error === 'inside' ? { type: 'inside' } : { type: 'beyond', error };
  } catch (error) {
    if (isSourceFailure(error, 'replaced', 'deleted')) throw error;
    if (!signal.aborted)
      log.debug({ partition: feed.name }, `The range of ${feed.name} cannot be read: ${reasonOf(error)}`);
    return null;
  }
}

/**
 * For brokers without leader epochs. The high watermark lags after an election; a premature finding passes.
 */
async function behindEnd(
  { brokers }: FetcherContext,
  feed: Feed,
  partition: PartitionLeader,
): Promise<TidemarkError | 'inside'> {
  const [endOffset = 0n] = await listOffsets(brokers, feed.topic, [partition], 'highWatermark');
  if (feed.fetchOffset <= endOffset) return 'inside';
  return truncated(feed.name, feed.fetchOffset, endOfLog(endOffset));
}

function describe(feed: Feed, finding: RangeFinding): string {
  const at = `offset ${feed.fetchOffset.toString()} of ${feed.name}`;
  switch (finding.type) {
    case 'lost':
      return (
        `Kafka no longer holds offsets ${feed.fetchOffset.toString()} to ` +
        `${(finding.startOffset - 1n).toString()} of ${feed.name}`
      );
    case 'beyond':
      return finding.error.message;
    case 'missing':
      return `Topic ${feed.topic} or its partition ${feed.partition} does not exist any more`;
    case 'inside':
      return `The log of ${feed.name} holds ${at}`;
  }
}

function rangeError(feed: Feed, finding: RangeFinding): TidemarkError {
  if (finding.type === 'beyond') return finding.error;
  const message = describe(feed, finding);
  const fields = { partition: feed.name };
  const fromOffset = feed.fetchOffset;
  switch (finding.type) {
    case 'lost':
      return new SourceFailure('rangeLost', `${message}. Accept the loss, or restore them.`, {
        ...{ fields, affected: { fromOffset, toOffset: finding.startOffset } },
      });
    default:
      return deletedError(message, { fields, affected: { fromOffset } });
  }
}

export function replacedError(topic: string, expectedTopicId: string, foundTopicId: string): TidemarkError {
  return new SourceFailure(
    'replaced',
    `Topic ${topic} was deleted and made again: its id is ${foundTopicId}, the journaled one is ` +
      `${expectedTopicId}. Its offsets mean other records now; use another job name for it.`,
    { fields: { topic, expectedTopicId, foundTopicId } },
  );
}
