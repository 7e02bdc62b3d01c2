/**
 * What the members of a group tell each other in Kafka's consumer protocol: their user data, as JSON.
 * `tidemark` is its version. Unknown fields are ignored, so that members of two versions may share a group.
 */
import { createHash } from 'node:crypto';
import type { TopicPartition } from '../../../../journal/ids.ts';
import type { HeldPartitions, Subscriber } from './assignment.ts';

const USER_DATA_VERSION = 1;

/** What a member reports about itself when it joins. */
export interface MemberFacts {
  readonly job: string;
  readonly version: string;
  /** It ends by itself (`--until-end`). */
  readonly isBounded: boolean;
  /**
   * Partition counts that the member has seen. Kafka's group begins a new generation if a member's metadata
   * changes; changed counts alone have that effect only for the leader's own topics.
   */
  readonly partitions: Readonly<Record<string, number>>;
  /** What it was assigned last, so that the leader can leave it there. Null before the first assignment. */
  readonly held: HeldPartitions | null;
  /** How often a static member has joined again by itself: the group rebalances if its metadata changes. */
  readonly rejoins?: number;
}

export interface JoinedMember extends Omit<Subscriber, 'held'> {
  /** Null for another program's member. */
  readonly facts: MemberFacts | null;
}

/** Partitions with unfinished files that the source no longer names. */
export interface Unnamed {
  /** The partitions that this member takes over. */
  readonly own: readonly TopicPartition[];
  /** All partitions that some member of this generation takes over. */
  readonly all: readonly TopicPartition[];
}

export const NONE_UNNAMED: Unnamed = { own: [], all: [] };

export function factsToBytes(facts: MemberFacts): Buffer {
  const { held, ...others } = facts;
  return toUserData({
    ...others,
    ...(held === null
      ? {}
      : { held: { generation: held.generationId, partitions: held.partitions.map(toPair) } }),
  });
}

/** Null if they are another program's. */
export function factsFromBytes(bytes: Buffer | null): MemberFacts | null {
  const data = fromUserData(bytes);
  return data === null ? null : factsOf(data);
}

/** @param countsMark of the counts that the member has reported. */
export function unnamedToBytes({ own, all }: Unnamed, countsMark: string | null): Buffer {
  const mark = countsMark === null ? {} : { counts: countsMark };
  return toUserData({ settle: own.map(toPair), settled: all.map(toPair), ...mark });
}

/** The mark of the counts that an assignment was made for. Null if its leader told none. */
export function countsMarkFromBytes(bytes: Buffer | null): string | null {
  const mark = fromUserData(bytes)?.['counts'];
  return typeof mark === 'string' ? mark : null;
}

/** Equal for equal topics with equal partition counts. */
export function countsMarkOf(partitions: MemberFacts['partitions']): string {
  const counts = Object.entries(partitions).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(counts)).digest('hex').slice(0, 16);
}

export function unnamedFromBytes(bytes: Buffer | null): Unnamed {
  const data = fromUserData(bytes);
  return data === null ? NONE_UNNAMED : { own: fromPairs(data['settle']), all: fromPairs(data['settled']) };
}

function toUserData(data: Readonly<Record<string, unknown>>): Buffer {
  return Buffer.from(JSON.stringify({ tidemark: USER_DATA_VERSION, ...data }));
}

/** Null if it is not Tidemark's. */
function fromUserData(bytes: Buffer | null): Record<string, unknown> | null {
  try {
    const data: unknown = JSON.parse(bytes?.toString('utf8') ?? '');
    return typeof data === 'object' && data !== null && 'tidemark' in data ? { ...data } : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function factsOf({ job, version, isBounded, partitions, held }: Record<string, unknown>): MemberFacts {
  const counts = typeof partitions === 'object' && partitions !== null ? Object.entries(partitions) : [];
  return {
    job: typeof job === 'string' ? job : '',
    version: typeof version === 'string' ? version : '',
    isBounded: isBounded === true,
    partitions: Object.fromEntries(counts.filter(([, count]) => Number.isInteger(count))),
    held: heldOf(held),
  };
}

function heldOf(held: unknown): HeldPartitions | null {
  if (typeof held !== 'object' || held === null) return null;
  const { generation, partitions } = held as Record<string, unknown>;
  if (typeof generation !== 'number' || !Number.isInteger(generation)) return null;
  return { generationId: generation, partitions: fromPairs(partitions) };
}

const toPair = ({ topic, partition }: TopicPartition): [string, number] => [topic, partition];

function fromPairs(pairs: unknown): TopicPartition[] {
  if (!Array.isArray(pairs)) return [];
  return pairs.flatMap((pair: unknown) => {
    const [topic, partition] = Array.isArray(pair) ? (pair as unknown[]) : [];
    return typeof topic === 'string' && Number.isInteger(partition)
      ? [{ topic, partition: partition as number }]
      : [];
  });
}
