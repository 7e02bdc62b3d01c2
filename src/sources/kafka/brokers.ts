/**
 * The cluster's brokers, as Tidemark asks them itself (everything but the group's joins and heartbeats). They
 * are found through the seeds, kept by node id, and reconnected on the next request. Never creates a topic.
 */
import { TidemarkError } from '../../../journal/errors.ts';
import { SourceFailure } from '../failure.ts';
import { brokerAddress, type BrokerAddress } from './wire/address.ts';
import { type EpochEnd, type EpochQuestion, epochEndRequest } from './wire/epochEnd.ts';
import { type FetchRequest, fetchRequest, type FetchResponse } from './wire/fetch.ts';
import { isAuthenticationFailure, isRequestTimeout } from './client/errors.ts';
import { abortError } from './errors.ts';
import { API_KEYS, brokerFactory, closeConnections, connectFetches, fetchConnects } from './client/client.ts';
import type { Broker, KafkaConfig } from './client/types.ts';
import { type ClusterMetadata, METADATA_VERSION, metadataRequest } from './wire/metadata.ts';

const GROUP_COORDINATOR = 0;

export class Brokers {
  readonly #make: ReturnType<typeof brokerFactory>;
  readonly #seeds: readonly BrokerAddress[];
  readonly #seedBrokers = new Map<number, Broker>();
  readonly #nodes = new Map<number, Broker>();
  readonly #coordinators = new Map<string, number>();
  #closed = false;

  constructor(config: KafkaConfig, seeds: readonly string[]) {
    this.#make = brokerFactory(config);
    this.#seeds = seeds.map(brokerAddress);
  }

  /** Fresh metadata, from any broker that answers. Missing topics are listed with an error code. */
  metadata(topics: readonly string[]): Promise<ClusterMetadata> {
    return this.#metadata(topics);
  }

  /** All topics that this client may see. */
  async everyTopic(): Promise<readonly string[]> {
    const { topics } = await this.#metadata(null);
    return topics.map(({ topic }) => topic);
  }

  async #metadata(topics: readonly string[] | null): Promise<ClusterMetadata> {
    const metadata = await this.ask(async (broker) => {
      const supported = broker.versions?.[API_KEYS.metadata]?.maxVersion ?? 0;
      if (supported < METADATA_VERSION) {
        throw new SourceFailure(
          'unavailable',
          'The broker is older than Kafka 2.8 and tells no topic ids, without which a recreated topic ' +
            'passes for the old one.',
        );
      }
      return broker.connectionPool.send(metadataRequest(topics));
    });
    await this.#learn(metadata);
    return metadata;
  }

  async fetch(nodeId: number, request: FetchRequest): Promise<FetchResponse> {
    return this.at(nodeId, (broker) => broker.connectionPool.send(fetchRequest(request)));
  }

  /** Ensures a connection for fetches. Returns how many there were: a different number means a new one. */
  async connectFetches(nodeId: number): Promise<number> {
    return this.at(nodeId, (broker) => connectFetches(broker.connectionPool));
  }

  /** How many connections for fetches there were. */
  fetchConnects(nodeId: number): number {
    const broker = this.#nodes.get(nodeId);
    return broker === undefined ? 0 : fetchConnects(broker.connectionPool);
  }

  /** The answers may be in another order than the questions. */
  async epochEnds(nodeId: number, questions: readonly EpochQuestion[]): Promise<readonly EpochEnd[]> {
    if (questions.length === 0) return [];
    const { ends } = await this.at(nodeId, (broker) =>
      broker.connectionPool.send(epochEndRequest(questions)),
    );
    return ends;
  }

  /** Asks the broker with this node id, as the last metadata listed it. */
  async at<T>(nodeId: number, question: (broker: Broker) => Promise<T>): Promise<T> {
    const broker = this.#nodes.get(nodeId);
    if (broker === undefined) throw new Error(`broker ${nodeId} is not known`);
    return this.#put(broker, question);
  }

  /** Asks the group's coordinator, which is cached; call `forgetCoordinator` after an error. */
  async atCoordinator<T>(groupId: string, question: (broker: Broker) => Promise<T>): Promise<T> {
    let nodeId = this.#coordinators.get(groupId);
    if (nodeId === undefined) {
      const { coordinator } = await this.ask((broker) =>
        broker.findGroupCoordinator({ groupId, coordinatorType: GROUP_COORDINATOR }),
      );
      nodeId = coordinator.nodeId;
      if (!this.#nodes.has(nodeId)) await this.#place(coordinator);
      this.#coordinators.set(groupId, nodeId);
    }
    return this.at(nodeId, question);
  }

  forgetCoordinator(groupId: string): void {
    this.#coordinators.delete(groupId);
  }

  /**
   * Asks one broker after the other, connected ones first, until one answers. Rejects with the last error.
   */
  async ask<T>(question: (broker: Broker) => Promise<T>): Promise<T> {
    let failure: unknown = new Error('no broker is configured');
    for await (const broker of this.#candidates()) {
      try {
        return await this.#put(broker, question);
      } catch (error) {
        if (this.#closed) throw abortError('The Kafka source');
        if (error instanceof TidemarkError || isAuthenticationFailure(error)) throw error;
        failure = error;
      }
    }
    throw failure;
  }

  async close(): Promise<void> {
    this.#closed = true;
    const reason = abortError('The Kafka source');
    const all = [...this.#nodes.values(), ...this.#seedBrokers.values()];
    await Promise.all(all.map((broker) => closeConnections(broker.connectionPool, reason)));
  }

  async *#candidates(): AsyncGenerator<Broker> {
    const nodes = [...this.#nodes.values()];
    yield* nodes.filter((broker) => broker.isConnected());
    yield* nodes.filter((broker) => !broker.isConnected());
    for (const [index, seed] of this.#seeds.entries()) {
      const made = this.#seedBrokers.get(index) ?? (await this.#make({ ...seed, nodeId: null }));
      // Another request may have placed one meanwhile; the one made here is not connected yet.
      const broker = this.#seedBrokers.get(index) ?? made;
      this.#seedBrokers.set(index, broker);
      yield broker;
    }
  }

  async #put<T>(broker: Broker, question: (broker: Broker) => Promise<T>): Promise<T> {
    if (this.#closed) throw abortError('The Kafka source');
    try {
      await broker.connect();
      if (!(this.#closed as boolean)) return await question(broker);
    } catch (error) {
      // If the peer vanishes, the connection stays open for many minutes: the next request gets a new one.
      if (isRequestTimeout(error)) await closeConnections(broker.connectionPool, error);
      throw error;
    }
    // close() ran while this connection was being made.
    await closeConnections(broker.connectionPool, abortError('The Kafka source'));
    throw abortError('The Kafka source');
  }

  async #learn({ brokers }: ClusterMetadata): Promise<void> {
    for (const broker of brokers) await this.#place(broker);
    const named = new Set(brokers.map(({ nodeId }) => nodeId));
    for (const [nodeId, broker] of [...this.#nodes]) {
      if (named.has(nodeId)) continue;
      this.#nodes.delete(nodeId);
      await closeConnections(broker.connectionPool, new Error(`broker ${nodeId} has left the cluster`));
    }
    // When the cluster is known, its own addresses are used: a seed's connection is not needed any more.
    if (this.#nodes.size > 0) {
      const seeds = [...this.#seedBrokers.values()];
      this.#seedBrokers.clear();
      await Promise.all(
        seeds.map((broker) =>
          closeConnections(broker.connectionPool, new Error('seed replaced by its node')),
        ),
      );
    }
  }

  /** Ensures that the node is known at this address. Several concurrent answers may name it. */
  async #place(address: {
    readonly nodeId: number;
    readonly host: string;
    readonly port: number;
  }): Promise<void> {
    const { nodeId, host, port } = address;
    const isThere = (broker: Broker | undefined): boolean =>
      broker?.connectionPool.host === host && broker.connectionPool.port === port;
    if (isThere(this.#nodes.get(nodeId))) return;
    const made = await this.#make(address);
    const before = this.#nodes.get(nodeId);
    if (isThere(before)) return;
    this.#nodes.set(nodeId, made);
    if (before !== undefined)
      await closeConnections(before.connectionPool, new Error(`broker ${nodeId} has moved`));
  }
}
