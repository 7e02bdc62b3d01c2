/**
 * A Kafka cluster of a test's own: three real brokers on loopback, of which each can be killed and started
 * again. The machine has few cores: heaps are small, nothing is compiled twice, and the first `controllers`
 * brokers are the controllers as well.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ITopicConfig } from 'kafkajs';
import { logToStderr } from '../../scripts/services/common.ts';
import { drawClusterId, launchKafka } from '../../scripts/services/kafka.ts';
import { withFreshPorts } from '../../scripts/services/launch.ts';
import { freePort } from '../../scripts/services/processes.ts';
import { withAdmin } from '../integration/kafkaTopics.ts';
import { startOwn, type OwnServer } from './servers.ts';
import { TcpProxy } from './tcpProxy.ts';

/** Node ids; a broker's place in `nodes` is one less. */
const NODE_IDS = [1, 2, 3] as const;
type NodeId = (typeof NODE_IDS)[number];

const SMALL_JAVA = [
  ...['-Xms64m', '-Xmx256m', '-XX:-UseG1GC', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'],
  '-XX:ReservedCodeCacheSize=64m',
];

export interface KafkaClusterOptions {
  /**
   * How many brokers are controllers, too. One: it must live, and the others may all be away. Three: any one
   * may be killed.
   */
  readonly controllers: 1 | 3;
  /** server.properties that are added to, or replace, those of every broker. */
  readonly config?: Readonly<Record<string, string>>;
  /** Clients reach each broker through a proxy; the brokers talk to one another without. */
  readonly isProxied?: boolean;
}

export interface PartitionState {
  readonly partition: number;
  /** Node id; -1 where there is none. */
  readonly leader: number;
  readonly isr: readonly number[];
  readonly replicas: readonly number[];
}

interface NodePlan {
  readonly id: NodeId;
  readonly ports: { readonly broker: number; readonly controller: number };
  readonly proxy: TcpProxy | null;
  readonly config: Readonly<Record<string, string>>;
}

export class KafkaCluster implements AsyncDisposable {
  /** `host:port` of every broker. */
  readonly brokers: string[];
  readonly nodes: readonly OwnServer[];
  /** One for each broker where the cluster is proxied. */
  readonly proxies: readonly TcpProxy[];

  private constructor(brokers: string[], nodes: readonly OwnServer[], proxies: readonly TcpProxy[]) {
    this.brokers = brokers;
    this.nodes = nodes;
    this.proxies = proxies;
  }

  /** Resolves once every broker answers. */
  static start(options: KafkaClusterOptions): Promise<KafkaCluster> {
    return withFreshPorts(async () => {
      const plans = await planNodes(options);
      const proxies = plans.flatMap(({ proxy }) => proxy ?? []);
      const clusterId = drawClusterId();
      // Together: where all are controllers, none answers before two of them are there.
      const started = await Promise.allSettled(plans.map((plan) => startNode(plan, clusterId)));
      const nodes = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      const failed = started.find((one) => one.status === 'rejected');
      if (failed === undefined) return new KafkaCluster(plans.map(addressOf), nodes, proxies);
      await Promise.all([...nodes.map((node) => node.stop()), ...proxies.map(closeProxy)]);
      throw failed.reason;
    });
  }

  /** The broker with this node id. */
  node(id: number): OwnServer {
    const node = this.nodes[id - 1];
    if (node === undefined) throw new Error(`there is no node ${String(id)}`);
    return node;
  }

  /**
   * Creates a topic; resolves once each of its partitions has a leader and all of its replicas are in sync.
   */
  async createTopic(config: ITopicConfig): Promise<void> {
    await withAdmin(this.brokers, (admin) => admin.createTopics({ topics: [config], waitForLeaders: false }));
    await this.untilInSync(config.topic);
  }

  async partitions(topic: string): Promise<readonly PartitionState[]> {
    const { topics } = await withAdmin(this.brokers, (admin) =>
      admin.fetchTopicMetadata({ topics: [topic] }),
    );
    return (topics[0]?.partitions ?? []).map(({ partitionId, leader, isr, replicas }) => ({
      ...{ partition: partitionId, leader, isr, replicas },
    }));
  }

  /** Every partition is led, and every replica holds what its leader holds. */
  untilInSync(topic: string): Promise<void> {
    return this.until(
      topic,
      'in sync',
      ({ leader, isr, replicas }) => leader > 0 && isr.length === replicas.length,
    );
  }

  /** Every partition of the topic is led by that node. */
  untilLedBy(topic: string, id: number): Promise<void> {
    return this.until(topic, `led by ${String(id)}`, ({ leader }) => leader === id);
  }

  /** Asks until each partition of the topic is as wanted; rejects with what they are after a minute. */
  async until(topic: string, what: string, isWanted: (state: PartitionState) => boolean): Promise<void> {
    let last: unknown = 'no answer';
    for (const giveUpAt = Date.now() + 60_000; Date.now() < giveUpAt;) {
      try {
        const states = await this.partitions(topic);
        if (states.length > 0 && states.every(isWanted)) return;
        last = states;
      } catch (error) {
        last = error; // a broker that does not know the topic yet, or is just going
      }
      await delay(100);
    }
    throw new Error(`${topic} is not ${what}: ${JSON.stringify(last)}`, { cause: last });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Nobody shuts down in an orderly way where no controller is left to ask.
    await Promise.all(this.nodes.map((node) => node.kill('SIGKILL')));
    await Promise.all([...this.nodes.map((node) => node.stop()), ...this.proxies.map(closeProxy)]);
  }
}

const closeProxy = (proxy: TcpProxy): PromiseLike<void> => proxy[Symbol.asyncDispose]();

const addressOf = ({ ports, proxy }: NodePlan): string => `127.0.0.1:${String(proxy?.port ?? ports.broker)}`;

async function planNodes({ controllers, config, isProxied }: KafkaClusterOptions): Promise<NodePlan[]> {
  const ports = new Map<NodeId, NodePlan['ports']>();
  for (const id of NODE_IDS) ports.set(id, { broker: await freePort(), controller: await freePort() });
  const voters = [...ports]
    .filter(([id]) => id <= controllers)
    .map(([id, { controller }]) => `${String(id)}@127.0.0.1:${String(controller)}`);
  return Promise.all(
    [...ports].map(async ([id, own]) => {
      const clientPort = isProxied === true ? await freePort() : null;
      const proxy = clientPort === null ? null : await TcpProxy.start(clientPort);
      const common = { ...replicated, 'controller.quorum.voters': voters.join(',') };
      const node = nodeProperties({ id, ports: own, isController: id <= controllers, clientPort, proxy });
      return { id, ports: own, proxy, config: { ...common, ...node, ...config } };
    }),
  );
}

/** What is of the cluster itself is on every broker. */
const replicated = {
  'default.replication.factor': '3',
  'offsets.topic.replication.factor': '3',
  'transaction.state.log.replication.factor': '3',
  'transaction.state.log.min.isr': '1',
  // Short, so that a killed broker is soon missed; not so short that a busy machine takes a live one for
  // dead.
  'broker.session.timeout.ms': '4000',
  'broker.heartbeat.interval.ms': '500',
};

function nodeProperties(node: {
  readonly id: NodeId;
  readonly ports: NodePlan['ports'];
  readonly isController: boolean;
  readonly clientPort: number | null;
  readonly proxy: TcpProxy | null;
}): Record<string, string> {
  const broker = `PLAINTEXT://127.0.0.1:${String(node.ports.broker)}`;
  const client = node.clientPort === null ? [] : [`CLIENT://127.0.0.1:${String(node.clientPort)}`];
  const controller = node.isController ? [`CONTROLLER://127.0.0.1:${String(node.ports.controller)}`] : [];
  const advertised = node.proxy === null ? [] : [`CLIENT://127.0.0.1:${String(node.proxy.port)}`];
  return {
    'node.id': String(node.id),
    'process.roles': node.isController ? 'broker,controller' : 'broker',
    listeners: [broker, ...client, ...controller].join(','),
    'advertised.listeners': [broker, ...advertised].join(','),
    'inter.broker.listener.name': 'PLAINTEXT',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,CLIENT:PLAINTEXT',
  };
}

function startNode({ ports, config }: NodePlan, clusterId: string): Promise<OwnServer> {
  return startOwn(ports.broker, undefined, async (dir) => {
    const common = { detached: false, log: logToStderr, javaOptions: SMALL_JAVA, clusterId };
    return (await launchKafka({ dir, ports, config, ...common })).child;
  });
}
