/** The other members of the group, as its coordinator describes them. */
import type { Clock } from '../../../system/clock.ts';
import type { GroupMember } from '../../port.ts';
import type { Brokers } from '../brokers.ts';
import { decodeMember } from '../client/group.ts';
import { hasKafkaType } from '../client/errors.ts';
import type { DescribedMember } from '../client/types.ts';
import { pauseUnless } from '../../../system/pacing.ts';

export interface OtherMembersContext {
  readonly brokers: Brokers;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly groupId: string;
  readonly pollMs: number;
  /** Members of killed processes, which are about to be made to leave. */
  readonly dead: ReadonlySet<string>;
}

/** A group that prepares a generation does not report its members' data. It is asked again for this long. */
const PREPARING_MS_MAX = 15_000;

export async function otherMembers(context: OtherMembersContext): Promise<readonly GroupMember[]> {
  const { clock, signal, pollMs, dead } = context;
  const startedMs = clock.nowMs();
  for (;;) {
    const { state, members } = await describe(context);
    const living = members.filter(({ memberId }) => !dead.has(memberId));
    const isTold = state === 'Stable' || living.every(({ memberMetadata }) => memberMetadata.length > 0);
    if (isTold || signal.aborted || clock.nowMs() - startedMs >= PREPARING_MS_MAX)
      return living.map(toMember);
    await pauseUnless(signal, clock, Math.min(pollMs, 300));
  }
}

async function describe({
  brokers,
  groupId,
}: OtherMembersContext): Promise<{ readonly state: string; readonly members: readonly DescribedMember[] }> {
  try {
    const { groups } = await brokers.atCoordinator(groupId, (broker) =>
      broker.describeGroups({ groupIds: [groupId] }),
    );
    return groups[0] ?? { state: 'Dead', members: [] };
  } catch (error) {
    if (hasKafkaType(error, 'GROUP_ID_NOT_FOUND')) return { state: 'Dead', members: [] };
    throw error;
  }
}

function toMember({ memberId, clientId, clientHost, memberMetadata }: DescribedMember): GroupMember {
  const { topics, facts } = decodeMember(memberId, memberMetadata);
  const name = `${clientId} at ${clientHost.replace(/^\//, '')} (${memberId})`;
  return { name, job: facts?.job ?? null, topics, isBounded: facts?.isBounded ?? false };
}
