/**
 * Assigns the partitions of one generation of the group. Each member's own subscription is respected: while a
 * job is deployed, members of two configurations share a group. A partition goes to a member that subscribes
 * to it, or to nobody. It stays with the member that had it, unless the shares would differ by more than one:
 * a member that keeps a partition keeps its open files. Pure.
 */
import { partitionName, type TopicPartition } from '../../../../journal/ids.ts';

export interface Subscriber {
  readonly memberId: string;
  readonly topics: readonly string[];
  /** The last generation that assigned partitions to it, and these. Null for a member that is new. */
  readonly held: HeldPartitions | null;
}

export interface HeldPartitions {
  readonly generationId: number;
  readonly partitions: readonly TopicPartition[];
}

type Given = ReadonlyMap<string, TopicPartition[]>;

/**
 * Each partition of the topics (given with their partition counts) stays with its last owner, or goes to the
 * subscriber with the fewest so far, the first by id if several have as few. Then those with most give to
 * those with fewest, until no two that could share a topic differ by more than one.
 */
export function assignPartitions(
  members: readonly Subscriber[],
  topics: ReadonlyMap<string, number>,
): ReadonlyMap<string, readonly TopicPartition[]> {
  const sorted = members.toSorted((a, b) => (a.memberId < b.memberId ? -1 : 1));
  const given: Given = new Map(sorted.map(({ memberId }) => [memberId, []]));
  const owners = lastOwners(sorted);
  const free: TopicPartition[] = [];
  for (const topic of [...topics.keys()].toSorted()) {
    for (let partition = 0; partition < (topics.get(topic) ?? 0); partition += 1) {
      const owner = owners.get(partitionName({ topic, partition }));
      (given.get(owner?.memberId ?? '') ?? free).push({ topic, partition });
    }
  }
  for (const at of free) fewest(subscribersTo(at.topic, sorted), given)?.push(at);
  while (moveOne(sorted, given));
  return given;
}

/**
 * By the partitions' names. Where two members claim one, as after a member was expelled without noticing, the
 * later generation is right.
 */
function lastOwners(members: readonly Subscriber[]): ReadonlyMap<string, Subscriber> {
  const owners = new Map<string, Subscriber>();
  for (const member of members) {
    for (const at of member.held?.partitions ?? []) {
      if (!member.topics.includes(at.topic)) continue;
      const other = owners.get(partitionName(at));
      if (other === undefined || generationOf(other) < generationOf(member))
        owners.set(partitionName(at), member);
    }
  }
  return owners;
}

const generationOf = ({ held }: Subscriber): number => held?.generationId ?? -1;

const subscribersTo = (topic: string, members: readonly Subscriber[]): readonly Subscriber[] =>
  members.filter(({ topics }) => topics.includes(topic));

/**
 * Moves one partition to the member with the fewest of those that could have it. False if nothing is to be
 * moved.
 */
function moveOne(members: readonly Subscriber[], given: Given): boolean {
  const countOf = ({ memberId }: Subscriber): number => given.get(memberId)?.length ?? 0;
  for (const giver of members.toSorted((a, b) => countOf(b) - countOf(a))) {
    const own = given.get(giver.memberId) ?? [];
    const takers = new Map(
      giver.topics.map((topic) => [topic, fewest(subscribersTo(topic, members), given)]),
    );
    let found: { readonly at: TopicPartition; readonly taker: TopicPartition[] } | null = null;
    for (const at of own) {
      const taker = takers.get(at.topic) ?? own;
      if (taker.length + 1 < own.length && taker.length <= (found?.taker.length ?? Infinity))
        found = { at, taker };
    }
    if (found === null) continue;
    own.splice(own.indexOf(found.at), 1);
    found.taker.push(found.at);
    return true;
  }
  return false;
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

function fewest(takers: readonly { readonly memberId: string }[], given: Given): TopicPartition[] | null {
  let found: TopicPartition[] | null = null;
  for (const { memberId } of takers) {
    const own = given.get(memberId);
    if (own !== undefined && (found === null || own.length < found.length)) found = own;
  }
  return found;
}
