/** Makes members leave the group by id: our own if the client cannot, and those of killed processes. */
import type { Broker } from '../client/types.ts';
import { hasKafkaType } from '../client/errors.ts';
import { reasonOf } from '../errors.ts';
import { leaveRequest } from '../wire/staticMember.ts';
import type { DeadMember, MemberRecords } from './memberRecord.ts';
import type { MembershipContext } from './membership.ts';
import { pauseUnless, retryDelayMs } from '../../../system/pacing.ts';

const TRIES = 3;
/** The member is not in the group, or another one has its place. */
const LEFT = ['UNKNOWN_MEMBER_ID', 'GROUP_ID_NOT_FOUND', 'FENCED_INSTANCE_ID'];
/** How often, and for how long at most, to look for our own join before dead members are made to leave. */
const JOIN_POLL_MS = 50;
const JOIN_WAIT_MS = 1_000;
/**
 * How often the records of this machine's members are read. Without it, with a session of 30 s, a dead member
 * would hold its partitions for 30 s.
 */
const DEAD_POLL_MS = 1_000;

/** True if the member is no longer in the group. `instanceId`: of a static member. */
export async function makeLeave(
  context: MembershipContext,
  memberId: string,
  instanceId?: string,
): Promise<boolean> {
  const { brokers, groupId, log, clock, signal } = context;
  for (let failures = 1; failures <= TRIES; failures += 1) {
    try {
      await brokers.atCoordinator(groupId, (broker) =>
        instanceId === undefined
          ? broker.leaveGroup({ groupId, memberId })
          : broker.connectionPool.send(leaveRequest(groupId, { memberId, instanceId })),
      );
      return true;
    } catch (error) {
      if (hasKafkaType(error, ...LEFT)) return true;
      brokers.forgetCoordinator(groupId);
      log.debug({ groupId, memberId, failures }, `The member could not be made to leave: ${reasonOf(error)}`);
      if (signal.aborted) return false;
      await pauseUnless(signal, clock, retryDelayMs(failures));
    }
  }
  return false;
}

/**
 * For a member whose consumer ended while no broker answered. It would delay every rebalance until its
 * session ends, our own next join included. Retries until it has left or the source is closed.
 */
export async function leaveOnceAnswered(context: MembershipContext, memberId: string): Promise<void> {
  const { signal, clock, log, groupId, tuning } = context;
  do {
    await pauseUnless(signal, clock, tuning.pollMs);
    if (signal.aborted) return;
  } while (!(await makeLeave(context, memberId)));
  log.debug({ groupId, memberId }, 'The member of before has left the group.');
}

/**
 * Makes the members of killed processes leave, until the source is closed: another process on this machine
 * may be killed at any time. Members found at the start leave only after our own join is under way
 * (`joining`): an emptied group makes the next member wait for group.initial.rebalance.delay.ms (default 3
 * s).
 */
export async function dismissDeadMembers(context: MembershipContext, joining: () => boolean): Promise<void> {
  const { records, signal, clock } = context;
  if (records === null) return;
  let dead = records.dead();
  if (dead.length > 0) await ownJoinPending(context, joining);
  for (;;) {
    await dismiss(context, records, dead);
    await pauseUnless(signal, clock, DEAD_POLL_MS);
    if (signal.aborted) return;
    dead = joining() ? records.dead() : [];
  }
}

async function dismiss(
  context: MembershipContext,
  records: MemberRecords,
  dead: readonly DeadMember[],
): Promise<void> {
  const { log, groupId, signal } = context;
  for (const member of dead) {
    const { memberId, instanceId, pid } = member.record;
    if (instanceId !== undefined && instanceId === context.instanceId) {
      // Our own join has taken its place over.
      records.forget(member);
      continue;
    }
    if (signal.aborted || !(await makeLeave(context, memberId, instanceId))) continue;
    records.forget(member);
    log.info({ groupId, memberId, pid }, `Process ${pid} was killed: its member has left group ${groupId}.`);
  }
}

async function ownJoinPending(context: MembershipContext, joining: () => boolean): Promise<void> {
  const { clock, signal, log, groupId, brokers } = context;
  const untilMs = clock.nowMs() + JOIN_WAIT_MS;
  while (clock.nowMs() < untilMs && !signal.aborted) {
    try {
      if (joining() && (await brokers.atCoordinator(groupId, (broker) => isPreparing(broker, groupId))))
        return;
    } catch (error) {
      log.debug({ groupId }, `The group's state cannot be read: ${reasonOf(error)}`);
      brokers.forgetCoordinator(groupId);
    }
    await pauseUnless(signal, clock, JOIN_POLL_MS);
  }
}

/** Whether the coordinator has our join and waits for the other members. */
async function isPreparing(coordinator: Broker, groupId: string): Promise<boolean> {
  const { groups } = await coordinator.describeGroups({ groupIds: [groupId] });
  return groups.some(({ state }) => state === 'PreparingRebalance');
}
