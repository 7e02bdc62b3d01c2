/** Making members leave the group by name: our own where the client cannot, and those of killed processes. */
import type { Broker } from './kafkajsTypes.ts';
import { hasKafkaType, reasonOf } from './kafkaErrors.ts';
import type { DeadMember } from './memberRecord.ts';
import type { MembershipContext } from './membership.ts';
import { pauseUnless, retryDelayMs } from './pacing.ts';

const TRIES = 3;
/** How often, and for how long at most, our own join is looked for before dead members are made to leave. */
const JOIN_POLL_MS = 50;
const JOIN_WAIT_MS = 1_000;

/** True where the member is not in the group any more. */
export async function makeLeave(context: MembershipContext, memberId: string): Promise<boolean> {
  const { brokers, groupId, log, clock, signal } = context;
  for (let failures = 1; failures <= TRIES; failures += 1) {
    try {
      await brokers.atCoordinator(groupId, (broker) => broker.leaveGroup({ groupId, memberId }));
      return true;
    } catch (error) {
      if (hasKafkaType(error, 'UNKNOWN_MEMBER_ID', 'GROUP_ID_NOT_FOUND')) return true;
      brokers.forgetCoordinator(groupId);
      log.debug({ groupId, memberId, failures }, `The member could not be made to leave: ${reasonOf(error)}`);
      if (signal.aborted) return false;
      await pauseUnless(signal, clock, retryDelayMs(failures));
    }
  }
  return false;
}

/**
 * Makes the members of killed processes leave, once our own join is under way (`joining` says so): a group that is left empty
 * first makes the next member wait for group.initial.rebalance.delay.ms, 3 s unless set otherwise.
 */
export async function dismissDeadMembers(
  context: MembershipContext,
  dead: readonly DeadMember[],
  joining: () => boolean,
): Promise<void> {
  const { records, log, groupId, signal } = context;
  await ownJoinPending(context, joining);
  for (const member of dead) {
    const { memberId, pid } = member.record;
    if (signal.aborted || !(await makeLeave(context, memberId))) continue;
    records?.forget(member);
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

/** The coordinator has our join and waits for the other members. */
async function isPreparing(coordinator: Broker, groupId: string): Promise<boolean> {
  const { groups } = await coordinator.describeGroups({ groupIds: [groupId] });
  return groups.some(({ state }) => state === 'PreparingRebalance');
}
