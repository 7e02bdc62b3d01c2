/**
 * A test's own Kafka and nats-server, for tests that kill, pause or restart one. They are real servers on
 * loopback, from the same downloads as the shared ones, and they end with the test process.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Kafka, logLevel } from 'kafkajs';
import { logToStderr } from '../../scripts/services/common.ts';
import { launchKafka } from '../../scripts/services/kafka.ts';
import { withFreshPorts } from '../../scripts/services/launch.ts';
import { launchNats } from '../../scripts/services/nats.ts';
import { freePort, isStopped } from '../../scripts/services/processes.ts';

export { type KafkaToolOptions, runKafkaTool } from '../../scripts/services/kafka.ts';

export interface OwnServer extends AsyncDisposable {
  readonly port: number;
  /** Data, configuration and log. Made and removed by the server unless the test named it. */
  readonly dataDir: string;
  /** Sends the signal (SIGKILL unless named) and resolves once the process is gone. The data stay. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /**
   * Freezes the process: its connections stay open, and once this resolves it answers nobody until `resume`.
   */
  pause(): Promise<void>;
  resume(): void;
  /** Ends it with SIGTERM if it still runs, starts it on the same port and data; resolves once it answers. */
  restart(): Promise<void>;
  /** Ends it for good and removes its data, unless the test named the folder. */
  stop(): Promise<void>;
}

export interface OwnKafka extends OwnServer {
  readonly brokers: string[];
}

export interface OwnNats extends OwnServer {
  readonly url: string;
}

export type OwnKafkaOptions = {
  readonly dataDir?: string;
  readonly port?: number;
  /** server.properties that are added to, or replace, those of scripts/services/kafka.ts. */
  readonly config?: Readonly<Record<string, string>>;
  /** More arguments for Java, and for formatting the data folder. */
  readonly javaOptions?: readonly string[];
  readonly formatArgs?: readonly string[];
};

export type OwnNatsOptions = {
  readonly dataDir?: string;
  readonly port?: number;
  /** More lines for the server's configuration, such as `max_payload: 64KB`. */
  readonly config?: string;
  /** More lines for its `jetstream` block, such as `max_file_store: 1MB`. */
  readonly jetstreamConfig?: string;
};

/** Starts a Kafka broker of the test's own; resolves once it answers (about 4 s). */
export async function startKafka(options: OwnKafkaOptions = {}): Promise<OwnKafka> {
  const config = {
    // After a SIGKILL a broker may register again only when its old session has ended.
    ...{ 'broker.session.timeout.ms': '2000', 'broker.heartbeat.interval.ms': '500' },
    ...options.config,
  };
  const { javaOptions = [], formatArgs = [] } = options;
  const start = async (): Promise<OwnKafka> => {
    const ports = { broker: options.port ?? (await freePort()), controller: await freePort() };
    const brokers = [`127.0.0.1:${String(ports.broker)}`];
    const server = await startOwn(ports.broker, options.dataDir, async (dir) => {
      const launched = await launchKafka({
        ...{ dir, ports, config, javaOptions, formatArgs, detached: false, log: logToStderr },
      });
      try {
        await untilEveryPartitionIsLed(brokers);
      } catch (error) {
        await end(launched.child, 'SIGKILL');
        throw error;
      }
      return launched.child;
    });
    return Object.assign(server, { brokers });
  };
  return options.port === undefined ? withFreshPorts(start) : start();
}

/** Starts a nats-server with JetStream of the test's own; resolves once JetStream answers (about 0.1 s). */
export async function startNats(options: OwnNatsOptions = {}): Promise<OwnNats> {
  const { config = '', jetstreamConfig = '' } = options;
  const start = async (): Promise<OwnNats> => {
    const port = options.port ?? (await freePort());
    const server = await startOwn(port, options.dataDir, async (dir) => {
      const common = { detached: false, log: logToStderr };
      const launched = await launchNats({ dir, port, config, jetstreamConfig, ...common });
      return launched.child;
    });
    return Object.assign(server, { url: `nats://127.0.0.1:${String(port)}` });
  };
  return options.port === undefined ? withFreshPorts(start) : start();
}

/**
 * A broker that comes back is listed, and answers, a moment before it leads its old partitions again. Clients
 * must bear that, but not every test is about it.
 */
async function untilEveryPartitionIsLed(brokers: string[]): Promise<void> {
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING, retry: { retries: 0 } }).admin();
  await admin.connect();
  try {
    for (const giveUpAt = Date.now() + 30_000; ;) {
      try {
        for (const topic of await admin.listTopics()) await admin.fetchTopicOffsets(topic);
        return;
      } catch (error) {
        if (Date.now() >= giveUpAt) throw error;
        await delay(50);
      }
    }
  } finally {
    await admin.disconnect();
  }
}

/** `launchIn` starts the server in its folder, again at every restart, and resolves once it answers. */
export async function startOwn(
  port: number,
  namedDir: string | undefined,
  launchIn: (dir: string) => Promise<ChildProcess>,
): Promise<OwnServer> {
  const dataDir = namedDir ?? (await mkdtemp(path.join(tmpdir(), 'tidemark-server-')));
  const removeData = async (): Promise<void> => {
    if (namedDir === undefined) await rm(dataDir, { recursive: true, force: true });
  };
  const launchGuarded = async (): Promise<ChildProcess> => {
    const child = await launchIn(dataDir);
    endWithThisProcess(child, namedDir === undefined ? dataDir : undefined);
    return child;
  };
  let child: ChildProcess;
  try {
    child = await launchGuarded();
  } catch (error) {
    await removeData();
    throw error;
  }
  const kill = (signal: NodeJS.Signals = 'SIGKILL'): Promise<void> => end(child, signal);
  const stop = async (): Promise<void> => {
    await kill('SIGTERM');
    await removeData();
  };
  return {
    ...{ port, dataDir, kill, stop },
    pause: async () => {
      child.kill('SIGSTOP');
      // The signal stops one thread after the other, when the kernel next runs them.
      while (child.pid !== undefined && !isStopped(child.pid)) await delay(1);
    },
    resume: () => void child.kill('SIGCONT'),
    restart: async () => {
      await kill('SIGTERM');
      child = await launchGuarded();
    },
    [Symbol.asyncDispose]: stop,
  };
}

/** A paused process would keep a SIGTERM to itself, hence the SIGCONT. */
export async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.ref(); // now there is something to wait for
  child.kill(signal);
  child.kill('SIGCONT');
  await gone;
}

/**
 * Kills the server, and removes its data, when this process ends in whatever way: a shell waits for the end
 * of a pipe that only this process holds.
 */
function endWithThisProcess(server: ChildProcess, dirToRemove: string | undefined): void {
  const script = 'trap "" INT TERM HUP; read -r _; kill -9 "$1"; [ -z "$2" ] || rm -rf -- "$2"';
  const guard = spawn('sh', ['-c', script, 'guard', String(server.pid), dirToRemove ?? ''], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  guard.unref();
  // Unref the pipe too, or an unstopped server would keep the test process from ending at all.
  (guard.stdin as unknown as { unref(): void }).unref();
  server.unref();
  server.once('exit', () => guard.kill('SIGKILL'));
}
