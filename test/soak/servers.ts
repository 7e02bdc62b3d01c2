/** The servers of a soak: one Kafka broker and one nats-server, or three of each, all behind proxies. */
import { freePort } from '../../scripts/services/processes.ts';
import { createTopic } from '../integration/numberProducer.ts';
import { KafkaCluster } from '../services/kafkaCluster.ts';
import { NatsCluster } from '../services/natsCluster.ts';
import { startKafka, startNats, type OwnServer } from '../services/servers.ts';
import { TcpProxy } from '../services/tcpProxy.ts';

export interface Node {
  readonly server: OwnServer;
  readonly proxy: TcpProxy;
}

/** Servers of one kind, and whose turn it is to fail. */
export class ServerSet {
  readonly nodes: readonly Node[];
  readonly #settled: () => Promise<void>;
  #turn = 0;

  /** `settled`: resolves once a server that came back holds what the others hold. */
  constructor(
    servers: readonly OwnServer[],
    proxies: readonly TcpProxy[],
    settled: () => Promise<void> = () => Promise.resolve(),
  ) {
    this.nodes = servers.map((server, place) => {
      const proxy = proxies[place];
      if (proxy === undefined) throw new Error('every server of a soak has a proxy');
      return { server, proxy };
    });
    this.#settled = settled;
  }

  /** Each in turn. */
  next(): Node {
    const node = this.nodes[this.#turn % this.nodes.length];
    if (node === undefined) throw new Error('a soak has servers');
    this.#turn += 1;
    return node;
  }

  /** Another may go only after that: nothing that was acknowledged is at the mercy of one server. */
  settled(): Promise<void> {
    return this.#settled();
  }
}

export interface SoakServers {
  readonly kafka: ServerSet;
  readonly nats: ServerSet;
  readonly brokers: string[];
  readonly natsUrls: readonly string[];
  /** Copies of the journal. */
  readonly replicas: number;
  createTopic(topic: string, partitions: number): Promise<void>;
}

export async function startSingles(stack: AsyncDisposableStack): Promise<SoakServers> {
  const brokerPort = await freePort();
  const kafkaProxy = stack.use(await TcpProxy.start(brokerPort));
  const advertised = `127.0.0.1:${kafkaProxy.port}`;
  const kafka = stack.use(
    await startKafka({ port: brokerPort, config: { 'advertised.listeners': `PLAINTEXT://${advertised}` } }),
  );
  const nats = stack.use(await startNats());
  const natsProxy = stack.use(await TcpProxy.start(nats.port));
  return {
    kafka: new ServerSet([kafka], [kafkaProxy]),
    nats: new ServerSet([nats], [natsProxy]),
    brokers: [advertised],
    natsUrls: [`nats://127.0.0.1:${natsProxy.port}`],
    replicas: 1,
    createTopic: (topic, partitions) => createTopic([advertised], topic, partitions),
  };
}

/** A record is acknowledged once two of three brokers have it, and no broker leads that lacks one. */
const SAFE = { 'min.insync.replicas': '2', 'unclean.leader.election.enable': 'false' };

export async function startClusters(
  stack: AsyncDisposableStack,
  names: { readonly topic: string; readonly stream: string },
): Promise<SoakServers> {
  const kafka = stack.use(await KafkaCluster.start({ controllers: 3, isProxied: true, config: SAFE }));
  const nats = stack.use(await NatsCluster.start({ isProxied: true }));
  const inSync = async (): Promise<void> => {
    for (const topic of [names.topic, '__consumer_offsets']) await kafka.untilInSync(topic);
  };
  return {
    kafka: new ServerSet(kafka.nodes, kafka.proxies, inSync),
    nats: new ServerSet(nats.nodes, nats.proxies, () => nats.untilReplicated(names.stream)),
    brokers: kafka.brokers,
    natsUrls: nats.urls,
    replicas: 3,
    createTopic: (topic, numPartitions) => kafka.createTopic({ topic, numPartitions, replicationFactor: 3 }),
  };
}
