/** The group's committed offset, with the journal's witness as its metadata. */
import { TidemarkError } from '../../../../journal/errors.ts';
import { partitionName, type TopicPartition } from '../../../../journal/ids.ts';
import { orAborted } from '../../../system/bounded.ts';
import { hasKafkaType, isAuthenticationFailure } from '../client/errors.ts';
import { abortError, authenticationError, reasonOf, deletedError } from '../errors.ts';
import type { Generation, Membership, MembershipContext } from './membership.ts';
import { pauseUnless, retryDelayMs } from '../../../system/pacing.ts';
import { waitFor } from '../waits.ts';
import { commitRequest } from '../wire/staticMember.ts';

/** The group has a newer generation: the next join shows whether the partition is still ours. */
const OUTDATED = ['ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'REBALANCE_IN_PROGRESS', 'FENCED_INSTANCE_ID'];
/** No later attempt with the same content can succeed. */
const REFUSED = ['OFFSET_METADATA_TOO_LARGE', 'INVALID_COMMIT_OFFSET_SIZE', 'INVALID_GROUP_ID'];

export interface CommitContext extends Omit<MembershipContext, 'brokers'> {
  readonly brokers: Pick<MembershipContext['brokers'], 'atCoordinator' | 'forgetCoordinator'>;
}

/**
 * Commits as the member and generation that the partition was assigned to, so that the coordinator refuses a
 * late commit of a former owner. Retries until the commit is acknowledged, the partition is assigned to
 * another member (FENCED) or the context's signal is aborted. Tries once even if it is aborted already,
 * because a member that ends makes a last commit; that try may still take effect after this rejects.
 */
export async function commitWitness(
  context: CommitContext,
  membership: Pick<Membership, 'generation' | 'nextJoin'>,
  at: TopicPartition,
  nextOffset: bigint,
  witness: string,
): Promise<void> {
  const { signal, clock, log, brokers, groupId, config, tuning, waits } = context;
  const startedMs = clock.nowMs();
  for (let failures = 0; failures === 0 || !signal.aborted;) {
    const { generation } = membership;
    if (generation !== null && !owns(generation, at)) throw fenced(at, groupId);
    if (generation === null) {
      if (signal.aborted) break;
      await membership.nextJoin(signal);
      continue;
    }
    try {
      await orAborted(signal, commit(context, generation, at, nextOffset, witness));
      return;
    } catch (error) {
      if (signal.aborted) break;
      if (isAuthenticationFailure(error)) throw authenticationError(error, config.brokers as string[]);
      if (hasKafkaType(error, ...REFUSED)) throw refused(error, at);
      if (hasKafkaType(error, 'UNKNOWN_TOPIC_OR_PARTITION') && isIn(generation.unnamed, at)) {
        log.info({ topic: at.topic }, `Topic ${at.topic} is gone: group ${groupId} keeps no offset of it.`);
        return;
      }
      if (
        hasKafkaType(error, 'UNKNOWN_TOPIC_OR_PARTITION') &&
        clock.nowMs() - startedMs >= tuning.outOfRangeStableMs
      ) {
        throw deleted(at);
      }
      failures += 1;
      waits.failed(
        waitFor.commit(partitionName(at)),
        failures,
        { partition: partitionName(at), failures },
        `The commit of ${partitionName(at)} to group ${groupId} failed and is tried again: ` +
          reasonOf(error),
      );
      if (!hasKafkaType(error, ...OUTDATED)) brokers.forgetCoordinator(groupId);
      await pauseUnless(signal, clock, retryDelayMs(failures));
    }
  }
  throw abortError('The Kafka source');
}

async function commit(
  { brokers, groupId, instanceId }: CommitContext,
  { memberId, generationId }: Generation,
  { topic, partition }: TopicPartition,
  nextOffset: bigint,
  witness: string,
): Promise<void> {
  if (instanceId !== null) {
    const place = { groupId, generationId, memberId, instanceId };
    const request = commitRequest({ ...place, topic, partition, offset: nextOffset, metadata: witness });
    await brokers.atCoordinator(groupId, (broker) => broker.connectionPool.send(request));
    return;
  }
  const partitions = [{ partition, offset: nextOffset.toString(), metadata: witness }];
  const request = { groupId, memberId, groupGenerationId: generationId, topics: [{ topic, partitions }] };
  await brokers.atCoordinator(groupId, (broker) => broker.offsetCommit(request));
}

function owns({ partitions, unnamed }: Generation, at: TopicPartition): boolean {
  return isIn(partitions, at) || isIn(unnamed, at);
}

function isIn(partitions: readonly TopicPartition[], { topic, partition }: TopicPartition): boolean {
  return partitions.some((owned) => owned.topic === topic && owned.partition === partition);
}

function fenced(at: TopicPartition, groupId: string): TidemarkError {
  const partition = partitionName(at);
  return new TidemarkError(
    'FENCED',
    `Group ${groupId} has assigned ${partition} to another member; its offset is not committed.`,
    {
      fields: { partition, groupId },
    },
  );
}

function deleted(at: TopicPartition): TidemarkError {
  return deletedError(`Topic ${at.topic} does not exist any more`, {
    fields: { partition: partitionName(at) },
  });
}

function refused(error: unknown, at: TopicPartition): TidemarkError {
  const partition = partitionName(at);
  return new TidemarkError(
    'INTERNAL',
    `Kafka refuses the commit of ${partition}: ${reasonOf(error)}. Report this.`,
    {
      fields: { partition },
      cause: error,
    },
  );
}
