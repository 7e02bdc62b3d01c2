/**
 * A JetStream cluster of a test's own: three nats-servers on loopback, of which each can be killed and
 * started again.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { logToStderr } from '../../scripts/services/common.ts';
import { withFreshPorts } from '../../scripts/services/launch.ts';
import { launchNats } from '../../scripts/services/nats.ts';
import { freePort } from '../../scripts/services/processes.ts';
import { startOwn, type OwnServer } from './servers.ts';
import { TcpProxy } from './tcpProxy.ts';

const NODES = 3;

export interface NatsClusterOptions {
  /** Clients reach each server through a proxy; the servers talk to one another without. */
  readonly isProxied?: boolean;
}

interface NodePlan {
  readonly port: number;
  readonly config: string;
  readonly proxy: TcpProxy | null;
}

export class NatsCluster implements AsyncDisposable {
  /** `nats://host:port` of every server. */
  readonly urls: readonly string[];
  readonly nodes: readonly OwnServer[];
  /** One for each server where the cluster is proxied. */
  readonly proxies: readonly TcpProxy[];

  private constructor(plans: readonly NodePlan[], nodes: readonly OwnServer[]) {
    this.urls = plans.map(({ port, proxy }) => `nats://127.0.0.1:${String(proxy?.port ?? port)}`);
    this.nodes = nodes;
    this.proxies = proxiesOf(plans);
  }

  /** Resolves once JetStream answers at every server. */
  static start({ isProxied = false }: NatsClusterOptions = {}): Promise<NatsCluster> {
    return withFreshPorts(async () => {
      const plans = await planNodes(isProxied);
      // Together: none has a JetStream before two of them are there.
      const started = await Promise.allSettled(plans.map(startNode));
      const nodes = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      const failed = started.find((one) => one.status === 'rejected');
      if (failed === undefined) return new NatsCluster(plans, nodes);
      await endAll(nodes, proxiesOf(plans));
      throw failed.reason;
    });
  }

  /** The server that leads the stream, as the others see it. */
  async leaderOf(stream: string): Promise<OwnServer> {
    const place = await this.#administer(async (jsm) => {
      const { cluster } = await jsm.streams.info(stream);
      return NAMES.indexOf(cluster?.leader ?? '');
    });
    const node = this.nodes[place];
    if (node === undefined) throw new Error(`nobody leads ${stream}`);
    return node;
  }

  /**
   * Resolves once the stream has a leader and every copy of it holds what the leader's holds; rejects after a
   * minute.
   */
  async untilReplicated(stream: string): Promise<void> {
    let last: unknown = 'no answer';
    for (const giveUpAt = Date.now() + 60_000; Date.now() < giveUpAt;) {
      try {
        const { cluster } = await this.#administer((jsm) => jsm.streams.info(stream));
        const copies = cluster?.replicas ?? [];
        if (copies.length === NODES - 1 && copies.every(({ current, offline }) => current && !offline))
          return;
        last = copies;
      } catch (error) {
        last = error; // nobody leads it yet
      }
      await delay(50);
    }
    throw new Error(`${stream} is not replicated: ${JSON.stringify(last)}`, { cause: last });
  }

  async #administer<T>(work: (jsm: JetStreamManager) => Promise<T>): Promise<T> {
    const connection = await connect({ servers: [...this.urls] });
    try {
      return await work(await jetstreamManager(connection, { timeout: 2_000 }));
    } finally {
      await connection.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await endAll(this.nodes, this.proxies);
  }
}

const NAMES = Array.from({ length: NODES }, (_, place) => `node-${String(place + 1)}`);

const proxiesOf = (plans: readonly NodePlan[]): TcpProxy[] => plans.flatMap(({ proxy }) => proxy ?? []);

async function endAll(nodes: readonly OwnServer[], proxies: readonly TcpProxy[]): Promise<void> {
  await Promise.all(nodes.map((node) => node.kill('SIGKILL')));
  await Promise.all([
    ...nodes.map((node) => node.stop()),
    ...proxies.map((proxy) => proxy[Symbol.asyncDispose]()),
  ]);
}

async function planNodes(isProxied: boolean): Promise<NodePlan[]> {
  const routePorts = await Promise.all(NAMES.map(() => freePort()));
  const routes = routePorts.map((port) => `"nats://127.0.0.1:${String(port)}"`).join(', ');
  return Promise.all(
    routePorts.map(async (routePort) => {
      const port = await freePort();
      const proxy = isProxied ? await TcpProxy.start(port) : null;
      const cluster =
        `cluster { name: "tests", listen: "127.0.0.1:${String(routePort)}", ` + `routes: [${routes}] }`;
      const advertised = proxy === null ? '' : `client_advertise: "127.0.0.1:${String(proxy.port)}"`;
      return { port, proxy, config: `${cluster}\n${advertised}` };
    }),
  );
}

function startNode({ port, config }: NodePlan, place: number): Promise<OwnServer> {
  const serverName = NAMES[place] ?? '';
  return startOwn(port, undefined, async (dir) => {
    const common = { detached: false, log: logToStderr };
    return (await launchNats({ dir, port, config, serverName, ...common })).child;
  });
}
