/** Whether the log of a partition went back, too, before an operator's answer jumps over what was read of it. */
import { hasCode } from '../../journal/errors.ts';
import { journaledEpoch } from '../sources/readEpoch.ts';
import type { PartitionFeed } from '../sources/port.ts';
import type { Claim } from './claim.ts';
import type { Context } from '../job/options.ts';
import type { PartitionTask } from './partitionTask.ts';

export interface JumpingOver extends Pick<PartitionTask, 'partition' | 'purpose' | 'topicId'> {
  readonly context: Context;
  readonly claim: Claim;
}

/**
 * The SOURCE_TRUNCATED that reading on from the journal's cursor would end in; null where the log holds all that was read. Behind a jump
 * nothing is known of whom the records are by: what the log lost before it would not be found any more. Rejects where no leader answers.
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
  const read = journaledEpoch(facts);
  if (read === null || offset === null || purpose === 'retire') return null;
  const feed = context.ports.source.open(partition, offset, topicId, read);
  // A feed that has found it by itself says so to who reads, and no more to who asks.
  const found = failureOf(feed);
  try {
    await feed.verify?.({ offset, read });
    return await Promise.race([found, Promise.resolve(null)]);
  } catch (error) {
    if (error instanceof Error && hasCode(error, 'SOURCE_TRUNCATED')) return error;
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
    return error instanceof Error && hasCode(error, 'SOURCE_TRUNCATED') ? error : null;
  }
}
