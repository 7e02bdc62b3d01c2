import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { kafkaVersion, type Log, logToStderr } from './common.ts';
import { ensureKafkaJars } from './download.ts';
import { type Launched, launch, type Spawned } from './launch.ts';
import { type KafkaAnswer, probeKafka } from './probe.ts';
import { type CommandOutput, runCommand, type RunOptions } from './processes.ts';

export type KafkaPorts = { readonly broker: number; readonly controller: number };

export type KafkaLaunch = {
  /** Contains everything of this broker: configuration, data and log. A second launch reuses it. */
  readonly dir: string;
  readonly ports: KafkaPorts;
  readonly detached: boolean;
  readonly log: Log;
  readonly signal?: AbortSignal | undefined;
  /** Entries of server.properties that are added to the ones below or replace them. */
  readonly config?: Readonly<Record<string, string>>;
  /** More arguments for Java, such as `-Xmx1g`. */
  readonly javaOptions?: readonly string[];
  /** Cluster id for the first launch; random if the broker is on its own. */
  readonly clusterId?: string;
  /** More arguments for formatting the data folder, such as `--add-scram`. */
  readonly formatArgs?: readonly string[];
  /** Called with the process as soon as it exists, before it answers. */
  readonly onSpawn?: (spawned: Spawned) => void;
};

const loopback = '127.0.0.1';

function serverProperties(dir: string, ports: KafkaPorts): Record<string, string> {
  const broker = `PLAINTEXT://${loopback}:${String(ports.broker)}`;
  const controller = `${loopback}:${String(ports.controller)}`;
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@${controller}`,
    listeners: `${broker},CONTROLLER://${controller}`,
    'advertised.listeners': broker,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': path.join(dir, 'data'),
    'auto.create.topics.enable': 'true',
    'num.partitions': '4',
    'message.max.bytes': String(8 * 1024 * 1024),
    'replica.fetch.max.bytes': String(8 * 1024 * 1024),
    // Tests write records with any timestamp since 1970, so nothing may be deleted by age.
    'log.retention.ms': '-1',
    'log.retention.bytes': '-1',
    'log.cleaner.backoff.ms': '1000',
    'log.cleaner.dedupe.buffer.size': String(16 * 1024 * 1024),
    'group.initial.rebalance.delay.ms': '0',
    'group.min.session.timeout.ms': '1000',
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '5',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '5',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
  };
}

/** Starts a one-node KRaft Kafka on loopback; resolves when it lists itself as a live broker. */
export async function launchKafka(options: KafkaLaunch): Promise<Launched<KafkaAnswer>> {
  const { dir, ports, detached, log, signal } = options;
  const classPath = await ensureKafkaJars(log, signal);
  await mkdir(dir, { recursive: true });
  const propertiesFile = path.join(dir, 'server.properties');
  const properties = { ...serverProperties(dir, ports), ...options.config };
  const lines = Object.entries(properties).map(([key, value]) => `${key}=${value}\n`);
  await writeFile(propertiesFile, lines.join(''));
  const clusterId = await formatOnce({ ...options, propertiesFile, classPath });
  const broker = `${loopback}:${String(ports.broker)}`;
  return launch({
    what: `Kafka ${kafkaVersion} on ${broker}`,
    command: 'java',
    args: [
      ...['-Xms128m', '-Xmx512m', '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20', '-Djava.awt.headless=true'],
      ...['-Dorg.slf4j.simpleLogger.showDateTime=true', '-Dorg.slf4j.simpleLogger.defaultLogLevel=info'],
      '-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS',
      ...(options.javaOptions ?? []),
      ...['-cp', classPath, 'kafka.Kafka', propertiesFile],
    ],
    logFile: path.join(dir, 'kafka.log'),
    detached,
    probe: async () => {
      const answer = await probeKafka(broker);
      if (answer.clusterId !== clusterId) throw new Error(`another broker answers on ${broker}`);
      return answer;
    },
    timeoutMs: 120_000,
    pollMs: 100,
    signal,
    onSpawn: options.onSpawn,
  });
}

export function drawClusterId(): string {
  return randomBytes(16).toString('base64url').replace(/^-/, 'A'); // a leading - would make it an option
}

/** Formats the data folder at the first launch; resolves with the cluster id at every launch. */
async function formatOnce({
  dir,
  propertiesFile,
  classPath,
  signal,
  clusterId = drawClusterId(),
  formatArgs = [],
}: Pick<KafkaLaunch, 'dir' | 'signal' | 'clusterId' | 'formatArgs'> & {
  readonly propertiesFile: string;
  readonly classPath: string;
}): Promise<string> {
  const metaFile = path.join(dir, 'data', 'meta.properties');
  if (!existsSync(metaFile)) {
    const tool = [
      '-cp',
      classPath,
      'kafka.tools.StorageTool',
      'format',
      '-t',
      clusterId,
      '-c',
      propertiesFile,
      ...formatArgs,
    ];
    await runCommand('java', [...shortLivedJava, ...tool], { signal });
  }
  const found = /^cluster\.id=(.*)$/m.exec(await readFile(metaFile, 'utf8'))?.[1];
  if (found === undefined) throw new Error(`${metaFile} names no cluster.id`);
  return found;
}

/** For Java that runs for a second: no optimizing compiler, no parallel collector, warnings only. */
export const shortLivedJava: readonly string[] = [
  '-XX:TieredStopAtLevel=1',
  '-XX:+UseSerialGC',
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
];

export type KafkaToolOptions = Pick<RunOptions, 'stdin' | 'signal' | 'onLine'> & {
  /** More arguments for Java, such as `-Xmx1g`. */
  readonly javaOptions?: readonly string[];
};

/**
 * Runs one of Kafka's own command line tools, such as `org.apache.kafka.tools.ProducerPerformance`, to its
 * end. Rejects with its last lines if it does not exit with 0.
 */
export async function runKafkaTool(
  mainClass: string,
  args: readonly string[],
  { javaOptions = [], ...options }: KafkaToolOptions = {},
): Promise<CommandOutput> {
  const classPath = await ensureKafkaJars(logToStderr, options.signal);
  const java = [
    '-Xmx512m',
    '-XX:+UseSerialGC',
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
    ...javaOptions,
  ];
  return runCommand('java', [...java, '-cp', classPath, mainClass, ...args], options);
}
