/**
 * Assigns the partitions of one generation of the group. Each member's own subscription is respected: while a
 * job is deployed, members of two configurations share a group. A partition goes to a member that subscribes
 * to it, or to nobody. Pure.
 */
import type { TopicPartition } from '../../../../journal/ids.ts';

export interface Subscriber {
  readonly memberId: string;
  readonly topics: readonly string[];
}

/**
 * Each partition of the topics (given with their partition counts) goes to the subscriber with the fewest so
 * far, the first by id if several have as few. So members with the same subscription get them in turn.
 */
export function assignPartitions(
  members: readonly Subscriber[],
  topics: ReadonlyMap<string, number>,
): ReadonlyMap<string, readonly TopicPartition[]> {
  const sorted = members.toSorted((a, b) => (a.memberId < b.memberId ? -1 : 1));
  const given = new Map<string, TopicPartition[]>(sorted.map(({ memberId }) => [memberId, []]));
  for (const topic of [...topics.keys()].toSorted()) {
    const subscribers = sorted.filter((member) => member.topics.includes(topic));
    for (let partition = 0; partition < (topics.get(topic) ?? 0); partition += 1) {
      fewest(subscribers, given)?.push({ topic, partition });
    }
  }
  return given;
}

/** Spreads partitions that the source no longer names over the members that may take them over. */
export function spread(
  partitions: readonly TopicPartition[],
  memberIds: readonly string[],
): ReadonlyMap<string, readonly TopicPartition[]> {
  const given = new Map<string, TopicPartition[]>(memberIds.toSorted().map((memberId) => [memberId, []]));
  const takers = [...given.keys()].map((memberId) => ({ memberId }));
  for (const partition of partitions) fewest(takers, given)?.push(partition);
  return given;
}

function fewest(
  takers: readonly { readonly memberId: string }[],
  given: ReadonlyMap<string, TopicPartition[]>,
): TopicPartition[] | null {
  let found: TopicPartition[] | null = null;
  for (const { memberId } of takers) {
    const own = given.get(memberId);
    if (own !== undefined && (found === null || own.length < found.length)) found = own;
  }
  return found;
}
