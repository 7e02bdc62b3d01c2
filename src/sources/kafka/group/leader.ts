/**
 * The decisions of the group's leader for a generation: who reads which partitions, and who takes over those
 * that the source no longer names.
 */
import { partitionName, type TopicPartition } from '../../../../journal/ids.ts';
import type { Clock } from '../../../system/clock.ts';
import { assignPartitions, spread } from './assignment.ts';
import type { Brokers } from '../brokers.ts';
import { encodeAssignment } from '../client/group.ts';
import { countsMarkOf, type JoinedMember } from './userData.ts';
import { KAFKA_CODE, reasonOf } from '../errors.ts';
import type { SourceLog } from '../options.ts';
import { pauseUnless } from '../../../system/pacing.ts';

export interface LeaderContext {
  readonly brokers: Brokers;
  readonly clock: Clock;
  readonly log: SourceLog;
  readonly groupId: string;
  readonly job: string;
  /** Partitions of the job with unfinished files and not in `named` (by name). Null if nobody knows. */
  readonly unfinished: ((named: ReadonlySet<string>) => Promise<readonly TopicPartition[]>) | null;
}

export interface GivenAssignment {
  readonly memberId: string;
  readonly memberAssignment: Buffer;
}

/** Limited, because the group's members wait meanwhile and their sessions run. */
const UNFINISHED_MS_MAX = 5_000;

export async function leadGroup(
  context: LeaderContext,
  members: readonly JoinedMember[],
): Promise<readonly GivenAssignment[]> {
  const topics = [...new Set(members.flatMap((member) => member.topics))];
  const counts = await partitionCounts(context, topics);
  const subscribers = members.map(({ memberId, topics: own, facts }) => ({
    ...{ memberId, topics: own },
    held: facts?.held ?? null,
  }));
  const given = assignPartitions(subscribers, counts);
  const unnamed = await unfinishedOf(context, namedBy(counts));
  // Another job's journal does not know these partitions.
  const takers = members.filter(({ facts }) => facts?.job === context.job).map(({ memberId }) => memberId);
  const settlers = spread(unnamed, takers);
  return members.map(({ memberId, facts }) => ({
    memberId,
    memberAssignment: encodeAssignment(
      given.get(memberId) ?? [],
      { own: settlers.get(memberId) ?? [], all: unnamed },
      facts === null ? null : countsMarkOf(facts.partitions),
    ),
  }));
}

/** Every partition that there is of these topics, whoever reads it. */
function namedBy(counts: ReadonlyMap<string, number>): ReadonlySet<string> {
  return new Set(
    [...counts].flatMap(([topic, count]) =>
      Array.from({ length: count }, (_, partition) => partitionName({ topic, partition })),
    ),
  );
}

/** Includes topics that the leader itself does not read. A missing topic has no partitions. */
async function partitionCounts(
  { brokers }: LeaderContext,
  topics: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  if (topics.length === 0) return new Map();
  const metadata = await brokers.metadata(topics);
  return new Map(
    metadata.topics
      .filter(({ errorCode }) => errorCode === KAFKA_CODE.none)
      .map(({ topic, partitions }) => [topic, partitions.length]),
  );
}

async function unfinishedOf(
  { clock, log, groupId, unfinished }: LeaderContext,
  named: ReadonlySet<string>,
): Promise<readonly TopicPartition[]> {
  if (unfinished === null) return [];
  const deadline = new AbortController();
  const late = pauseUnless(deadline.signal, clock, UNFINISHED_MS_MAX).then(() => {
    throw new Error(`the journal was not read within ${UNFINISHED_MS_MAX} ms`);
  });
  try {
    return await Promise.race([unfinished(named), late]);
  } catch (error) {
    log.warn(
      { groupId },
      'Whether partitions that the source no longer names have unfinished files is not known until ' +
        `the next rebalance: ${reasonOf(error)}`,
    );
    return [];
  } finally {
    deadline.abort();
    late.catch(() => undefined);
  }
}
