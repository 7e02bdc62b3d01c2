/**
 * Who gets what in one generation of the group. Each member's own subscription is honoured: members of two configurations share a
 * group while a job is deployed, and a partition goes to one that subscribes to it, or to nobody. Pure.
 */
import type { TopicPartition } from '../../../../journal/ids.ts';

export interface Subscriber {
  readonly memberId: string;
  readonly topics: readonly string[];
}

/**
 * Every partition of the topics (their partition counts by name) goes to the subscriber that has the fewest so far, the first by its
 * id where several have. Members that subscribe to the same topics so get them in turn.
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

/** Partitions that the source names no more, spread over the members that may settle them. */
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
