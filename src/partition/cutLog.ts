/** Checks whether the log was truncated, too, before an operator's answer skips what was read of it. */
import { isSourceFailure } from '../sources/failure.ts';
import { journaledEpoch } from '../sources/readEpoch.ts';
import type { LogPosition, PartitionFeed, Source } from '../sources/port.ts';
import type { Claim } from './claim.ts';
import type { Context } from '../job/context.ts';
import type { PartitionTask } from './partitionTask.ts';

export interface JumpingOver extends Pick<PartitionTask, 'partition' | 'purpose' | 'topicId'> {
  readonly context: Context;
  readonly claim: Claim;
}

/**
 * The SOURCE_TRUNCATED that reading from the journal's cursor would end with. Null if the log holds all that
 * was read. After a skip the leader epoch is unknown, so what the log lost before would no longer be
 * detected. Rejects if no leader answers.
 */
export async function findCut({
  context,
  claim,
  partition,
  purpose,
  topicId,
}: JumpingOver): Promise<Error | null> {
  const { facts } = claim.host.ledger;
  const { nextOffset: offset } = facts;
  if (offset === null || purpose === 'retire') return null;
  return cutBelow(context.ports.source, { partition, topicId }, { offset, read: journaledEpoch(facts) });
}

/** SOURCE_TRUNCATED if the log does not hold what was read up to the position; else null. */
export async function cutBelow(
  source: Pick<Source, 'open'>,
  { partition, topicId }: Pick<PartitionTask, 'partition' | 'topicId'>,
  { offset, read }: LogPosition,
): Promise<Error | null> {
  if (read === null) return null;
  const feed = source.open(partition, offset, topicId, read);
  // A feed that detects the truncation by itself reports it to its reader, and no longer to `verify`.
  const found = failureOf(feed);
  try {
    await feed.verify?.({ offset, read });
    return await Promise.race([found, Promise.resolve(null)]);
  } catch (error) {
    if (error instanceof Error && isSourceFailure(error, 'truncated')) return error;
    throw error;
  } finally {
    await feed.close();
  }
}

async function failureOf(feed: PartitionFeed): Promise<Error | null> {
  try {
    (await feed.next()).release?.();
    return null;
  } catch (error) {
    return error instanceof Error && isSourceFailure(error, 'truncated') ? error : null;
  }
}
