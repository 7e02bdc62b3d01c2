/** The rights on the consumer group, without a member that joins: no rebalance disturbs those who live. */
import { fail, pass, someOf, type Finding } from '../../../../kernels/checks/check.ts';
import { counted } from '../../../../kernels/checks/sizes.ts';
import type { JobName } from '../../../../journal/ids.ts';
import type { Clock } from '../../../system/clock.ts';
import type { GroupMember } from '../../port.ts';
import type { Brokers } from '../brokers.ts';
import { hasKafkaType } from '../client/errors.ts';
import { otherMembers } from '../group/otherMembers.ts';
import { groupOffsets } from '../log/offsets.ts';
import { denied } from './rights.ts';

const RETRY_MS = 500;
/** Answers of a coordinator that is not ready: the topic of all offsets may be made at the first question. */
const NOT_YET = [
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR_FOR_GROUP',
  'COORDINATOR_LOAD_IN_PROGRESS',
  'GROUP_LOAD_IN_PROGRESS',
];
const NO_MEMBER = { memberId: 'tidemark-doctor', groupGenerationId: 1 } as const;
const UNKNOWN_MEMBER = ['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'REBALANCE_IN_PROGRESS'];

export interface GroupProbing {
  readonly brokers: Brokers;
  readonly clock: Clock;
  readonly groupId: string;
  readonly job: JobName;
  readonly principal: string;
  /** One of its topics, whose offsets are asked for. Null: there is none yet. */
  readonly topic: { readonly name: string; readonly partitions: readonly number[] } | null;
}

/** Describe: who is in it, and what it has committed. */
export async function groupFinding(probing: GroupProbing, signal: AbortSignal): Promise<Finding> {
  const { brokers, clock, groupId, job, principal, topic } = probing;
  try {
    const members = await onceReady(probing, signal, () =>
      otherMembers({ brokers, clock, signal, groupId, pollMs: RETRY_MS, dead: new Set() }),
    );
    const offsets = topic === null ? [] : await groupOffsets(brokers, groupId, topic.name, topic.partitions);
    return membersFinding(groupId, job, members, offsets.filter(({ offset }) => offset >= 0n).length);
  } catch (error) {
    if (hasKafkaType(error, 'GROUP_AUTHORIZATION_FAILED'))
      return denied(principal, 'group', [groupId], ['Describe', 'Read']);
    throw error;
  }
}

export function membersFinding(
  groupId: string,
  job: JobName,
  members: readonly GroupMember[],
  committed: number,
): Finding {
  const foreign = members.filter((member) => member.job !== job).map(({ name }) => name);
  if (foreign.length > 0)
    return fail(
      `the group ${groupId} has members of others: ${someOf(foreign)}`,
      'Give the job a groupId of its own: in one group they take records from one another.',
    );
  const who = members.length === 0 ? 'no member' : `${counted(members.length, 'member')}, of this job alone`;
  return pass(`the group ${groupId} has ${who}; offsets of ${counted(committed, 'partition')} are committed`);
}

/**
 * Read: to join and to commit. A heartbeat of a member that nobody knows is refused, and how tells whether
 * the right is there.
 */
export async function joinFinding(probing: GroupProbing, signal: AbortSignal): Promise<Finding> {
  const { brokers, groupId, principal } = probing;
  try {
    await onceReady(probing, signal, () =>
      brokers.atCoordinator(groupId, (broker) => broker.heartbeat({ groupId, ...NO_MEMBER })),
    );
  } catch (error) {
    if (hasKafkaType(error, 'GROUP_AUTHORIZATION_FAILED'))
      return denied(principal, 'group', [groupId], ['Read']);
    if (!hasKafkaType(error, ...UNKNOWN_MEMBER)) throw error;
  }
  return pass(`members may join the group ${groupId}, and commit`);
}

async function onceReady<T>(
  { brokers, clock, groupId }: GroupProbing,
  signal: AbortSignal,
  ask: () => Promise<T>,
): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (signal.aborted || !hasKafkaType(error, ...NOT_YET)) throw error;
      brokers.forgetCoordinator(groupId);
      await clock.pause(RETRY_MS);
    }
  }
}
