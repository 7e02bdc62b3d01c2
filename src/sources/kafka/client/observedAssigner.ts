/**
 * How a consumer of kafkajs joins its group: what it reports, how it assigns, and what is observed of that.
 */
import type { PartitionAssigner } from 'kafkajs';
import type { BrokerAddress } from '../wire/address.ts';
import { asStaticMember } from '../wire/staticMember.ts';
import { API_KEYS, closeConnections } from './client.ts';
import { hasKafkaType } from './errors.ts';
import type { Cluster, ConnectionPool, ProtocolRequest } from './types.ts';

const TOPIC_AUTHORIZATION_FAILED = 29;

/**
 * Reduces the consumer's metadata to what exists. If one topic is missing or one partition has no leader,
 * kafkajs fails, and would lose the group for all others. A topic that appears later makes it join again.
 */
function tolerant<Response>(request: ProtocolRequest<Response>): ProtocolRequest<Response> {
  const parse = async (decoded: Response): Promise<Response> => {
    const { topicMetadata } = decoded as { topicMetadata: { topicErrorCode: number }[] };
    const denied = topicMetadata.some(({ topicErrorCode }) => topicErrorCode === TOPIC_AUTHORIZATION_FAILED);
    if (denied) return request.response.parse(decoded);
    return { ...decoded, topicMetadata: topicMetadata.filter(({ topicErrorCode }) => topicErrorCode === 0) };
  };
  return { ...request, response: { decode: (payload) => request.response.decode(payload), parse } };
}

/** What the group coordinator has told a consumer. A member id comes before its join completes. */
export interface JoinObserver {
  memberIdGiven(memberId: string): void;
  joined(memberId: string, generationId: number): void;
  /** The member's part of the assignment, as its leader has encoded it. */
  synced(memberAssignment: Buffer): void;
}

/** A member that keeps its place in the group. */
export interface StaticPlace {
  readonly instanceId: string;
  /** Member id to join with if the client has none. Empty: Kafka gives a new one, and fences the last. */
  memberId(): string;
  /** The coordinator does not know that member id. */
  memberIdUnknown(): void;
}

/** How members of the group agree on an assignment. */
export interface GroupProtocol {
  /** Brokers to begin with. */
  readonly seeds: readonly BrokerAddress[];
  readonly name: string;
  /** Null: the member leaves when it ends. */
  readonly place: StaticPlace | null;
  /** This member's report to the leader. `countOf` gives a topic's known partitions, 0 if there are none. */
  metadata(topics: readonly string[], countOf: (topic: string) => number): Buffer;
  assign(
    members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[],
  ): Promise<readonly { readonly memberId: string; readonly memberAssignment: Buffer }[]>;
}

export interface ObservedAssigner {
  readonly assigner: PartitionAssigner;
  /**
   * The topics that the consumer is to subscribe to: if there is a new one, it joins again with all of them.
   */
  subscribe(topics: readonly string[]): void;
  /** Has the consumer join again soon. */
  rejoin(): void;
  /** Marks these partitions' offsets as known: the consumer, which never fetches, need not look them up. */
  skipOffsetLookup(groupId: string, assignment: Readonly<Record<string, readonly number[]>>): void;
  closeConnections(reason: Error): Promise<void>;
}

/** Seeds, parsed here: the client takes what is before the first colon for the host, even in [::1]:9092. */
function inTurn(seeds: readonly BrokerAddress[]): () => BrokerAddress | undefined {
  let next = 0;
  return () => seeds[next++ % seeds.length];
}

/**
 * What a consumer is subscribed to. kafkajs takes no topic while the consumer runs: a new one is put into its
 * own list when it joins again, which it does after an error that says that the group rebalances.
 */
class Subscription {
  #wanted: readonly string[] = [];
  /** Those of them that kafkajs looks up since it runs. */
  readonly #added = new Set<string>();
  /** kafkajs's own list, of the last join. */
  #subscribed: string[] | null = null;
  #mustRejoin = false;

  want(topics: readonly string[]): void {
    this.#wanted = topics;
  }

  rejoin(): void {
    this.#mustRejoin = true;
  }

  /** Every fetch of the consumer begins with this call, and there are fetches while all is paused. */
  watch(cluster: Cluster): void {
    const refresh = cluster.refreshMetadataIfNecessary.bind(cluster);
    cluster.refreshMetadataIfNecessary = async () => {
      await refresh();
      const missing = this.#missing();
      if (missing.length > 0) {
        await cluster.addMultipleTargetTopics(missing);
        for (const topic of missing) this.#added.add(topic);
        throw rebalance(`${missing.join(', ')} are to be read, too`);
      }
      if (this.#mustRejoin) throw rebalance('the assignment is of before');
    };
  }

  joining(topics: string[]): void {
    this.#mustRejoin = false;
    this.#subscribed = topics;
    topics.push(...[...this.#added].filter((topic) => !topics.includes(topic)));
  }

  #missing(): readonly string[] {
    const subscribed = this.#subscribed;
    return subscribed === null ? [] : this.#wanted.filter((topic) => !subscribed.includes(topic));
  }
}

/** What makes kafkajs join again. */
function rebalance(why: string): Error {
  return Object.assign(new Error(why), { type: 'REBALANCE_IN_PROGRESS' });
}

/** Sends as a static member: each request with its instance id, and no leave at its end. */
function keepPlace(pool: ConnectionPool, place: StaticPlace): void {
  const { instanceId } = place;
  const send = pool.send.bind(pool);
  pool.send = async <Response>(request: ProtocolRequest<Response>) => {
    const { apiKey } = request.request;
    if (apiKey === API_KEYS.leaveGroup) return {} as Response;
    const changed = asStaticMember(request, { memberId: place.memberId(), instanceId });
    if (changed === null) return send(request);
    try {
      return await send(changed);
    } catch (error) {
      if (hasKafkaType(error, 'UNKNOWN_MEMBER_ID')) place.memberIdUnknown();
      throw error;
    }
  };
}

/** Reports what the group coordinator answers, and makes the consumer's metadata tolerant. */
function observeSends(pool: ConnectionPool, observer: JoinObserver): void {
  const send = pool.send.bind(pool);
  pool.send = async <Response>(request: ProtocolRequest<Response>) => {
    if (request.request.apiKey === API_KEYS.metadata) return send(tolerant(request));
    if (request.request.apiKey === API_KEYS.syncGroup) {
      const response = await send(request);
      observer.synced((response as { memberAssignment: Buffer | null }).memberAssignment ?? Buffer.alloc(0));
      return response;
    }
    if (request.request.apiKey !== API_KEYS.joinGroup) return send(request);
    try {
      const response = await send(request);
      const { memberId, generationId } = response as { memberId: string; generationId: number };
      observer.joined(memberId, generationId);
      return response;
    } catch (error) {
      const { name, memberId } = error as { name?: string; memberId?: string };
      if (name === 'KafkaJSMemberIdRequired' && memberId !== undefined) observer.memberIdGiven(memberId);
      throw error;
    }
  };
}

/** kafkajs passes its cluster to the partition assigner; this gives access to the consumer's connections. */
export function observedAssigner(observer: JoinObserver, protocol: GroupProtocol): ObservedAssigner {
  let cluster: Cluster | null = null;
  const subscription = new Subscription();
  const pools = new Set<ConnectionPool>();
  const observe = (pool: ConnectionPool): ConnectionPool => {
    if (protocol.place !== null) keepPlace(pool, protocol.place);
    observeSends(pool, observer);
    pools.add(pool);
    return pool;
  };
  const assigner: PartitionAssigner = (config) => {
    const found = config.cluster as unknown as Cluster;
    cluster = found;
    const builder = found.connectionPoolBuilder;
    const build = builder.build.bind(builder);
    const seed = inTurn(protocol.seeds);
    builder.build = async (destination) => observe(await build(destination ?? seed()));
    subscription.watch(found);
    const countOf = (topic: string): number => found.findTopicPartitionMetadata(topic).length;
    return {
      name: protocol.name,
      version: 0,
      protocol: ({ topics }) => {
        subscription.joining(topics);
        return { name: protocol.name, metadata: protocol.metadata(topics, countOf) };
      },
      assign: async ({ members }) => [...(await protocol.assign(members))],
    };
  };
  return {
    assigner,
    subscribe: (topics) => subscription.want(topics),
    rejoin: () => subscription.rejoin(),
    skipOffsetLookup(groupId, assignment) {
      const known = cluster?.committedOffsets({ groupId });
      if (known === undefined) return;
      for (const [topic, partitions] of Object.entries(assignment)) {
        known[topic] = Object.fromEntries(partitions.map((partition) => [partition, '0']));
      }
    },
    async closeConnections(reason) {
      await Promise.all([...pools].map((pool) => closeConnections(pool, reason)));
    },
  };
}
