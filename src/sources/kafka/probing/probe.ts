/** What `tidemark doctor` checks of Kafka. It takes no record of the job, and joins no group. */
import {
  check,
  fail,
  gravest,
  notDone,
  pass,
  someOf,
  warn,
  type Check,
  type Finding,
} from '../../../../kernels/checks/check.ts';
import { counted } from '../../../../kernels/checks/sizes.ts';
import type { JobName } from '../../../../journal/ids.ts';
import type { SourceProbe } from '../../kind.ts';
import { Brokers } from '../brokers.ts';
import { kafkaConfig } from '../client/clientConfig.ts';
import { hasKafkaType, isAuthenticationFailure } from '../client/errors.ts';
import { KAFKA_CODE } from '../errors.ts';
import { KnownTopics } from '../knownTopics.ts';
import { listOffsets } from '../log/offsets.ts';
import { DEFAULT_TUNING, type KafkaSourceOptions } from '../options.ts';
import { configsRequest, type ConfigsAnswer } from '../wire/configs.ts';
import type { ClusterMetadata, PartitionLeader, TopicMetadata } from '../wire/metadata.ts';
import {
  listenersFinding,
  seedsFinding,
  versionsFinding,
  type ApiVersions,
  type SeedAnswer,
} from './cluster.ts';
import { groupFinding, joinFinding, type GroupProbing } from './group.ts';
import { denied } from './rights.ts';
import {
  compactionFinding,
  durabilityFinding,
  groupRetentionFinding,
  retentionFinding,
  TOPIC_KEYS,
  type JobTimes,
  type TopicSettings,
} from './settings.ts';

const TUNING = { ...DEFAULT_TUNING, connectionTimeoutMs: 3_000, requestTimeoutMs: 5_000 };
/** Topics whose records are asked for: a job may have thousands. */
const READ_TOPICS_MAX = 100;
const FETCH_BYTES = 1;
const ANY_LEADER_EPOCH = -1;
const GROUP_KEY = 'offsets.retention.minutes';
const CLUSTER_AUTHORIZATION_FAILED = 31;

export interface KafkaProbing {
  readonly options: KafkaSourceOptions;
  readonly job: JobName;
  readonly times: JobTimes;
  /** Whom an ACL of this client names. */
  readonly principal: string;
}

export function kafkaProbe(probing: KafkaProbing): SourceProbe {
  const probe = new KafkaProbe(probing);
  return {
    checks: probe.checks,
    partitions: () => probe.partitions,
    // A refusal is a finding; whatever else a broker says may be over in a moment.
    isAway: (error) => !isAuthenticationFailure(error),
    close: () => probe.close(),
  };
}

class KafkaProbe {
  readonly #probing: KafkaProbing;
  readonly #brokers: Brokers;
  readonly #known: KnownTopics;
  readonly #versions = new Map<number, ApiVersions>();
  #cluster: ClusterMetadata = { clusterId: null, brokers: [], topics: [] };
  /** Those that exist and may be seen. Null: nobody has asked. */
  #topics: readonly TopicMetadata[] | null = null;
  #settings: readonly TopicSettings[] | null = null;

  constructor(probing: KafkaProbing) {
    const { options } = probing;
    this.#probing = probing;
    this.#brokers = new Brokers(kafkaConfig(options, TUNING), options.brokers);
    this.#known = new KnownTopics(options.topics);
  }

  readonly checks: readonly Check[] = [
    check('kafka-brokers', [], () => this.#seeds()),
    check('kafka-listeners', ['kafka-brokers'], () => listenersFinding(this.#brokers, this.#cluster)),
    check('kafka-versions', ['kafka-brokers'], () => this.#protocol()),
    check('kafka-topics', ['kafka-brokers'], () => this.#look()),
    check('kafka-partitions', ['kafka-brokers'], async () =>
      this.#of(async (topics) => partitionsFinding(topics)),
    ),
    check('kafka-read', ['kafka-brokers'], () => this.#of((topics) => this.#read(topics))),
    check('kafka-retention', ['kafka-brokers'], () => this.#of((topics) => this.#retention(topics))),
    check('kafka-compaction', ['kafka-brokers'], async () => this.#ofSettings(compactionFinding)),
    check('kafka-durability', ['kafka-brokers'], async () => this.#ofSettings(durabilityFinding)),
    check('kafka-group', ['kafka-brokers'], (signal) => groupFinding(this.#group, signal)),
    check('kafka-join', ['kafka-brokers'], (signal) => joinFinding(this.#group, signal)),
    check('kafka-group-retention', ['kafka-brokers'], () => this.#groupRetention()),
  ];

  get partitions(): number | null {
    return this.#topics?.reduce((sum, { partitions }) => sum + partitions.length, 0) ?? null;
  }

  async #seeds(): Promise<Finding> {
    const { options } = this.#probing;
    const seeds = await Promise.all(options.brokers.map((address) => askSeed(options, address)));
    const finding = seedsFinding(seeds);
    // Asked for again: this learns the nodes, which the later checks ask.
    if (finding.outcome === 'pass' || finding.outcome === 'warn')
      this.#cluster = await this.#brokers.metadata([]);
    return finding;
  }

  async #protocol(): Promise<Finding> {
    await Promise.all(
      this.#cluster.brokers.map(async ({ nodeId }) => {
        const learn = async ({ versions }: { readonly versions: ApiVersions | null }): Promise<void> => {
          if (versions !== null) this.#versions.set(nodeId, versions);
          return Promise.resolve();
        };
        // One that is not reached is told by kafka-listeners.
        await this.#brokers.at(nodeId, learn).catch(() => undefined);
      }),
    );
    return versionsFinding(this.#versions);
  }

  async #look(): Promise<Finding> {
    await this.#known.refresh(this.#brokers);
    const names = this.#known.list();
    const { topics } = await this.#brokers.metadata(names);
    this.#topics = topics.filter(({ partitions }) => partitions.length > 0);
    const named = (...codes: number[]): readonly string[] =>
      topics.filter(({ errorCode }) => codes.includes(errorCode)).map(({ topic }) => topic);
    return topicsFinding({
      topics: this.#topics.map(({ topic }) => topic),
      partitions: this.partitions ?? 0,
      missing: named(KAFKA_CODE.unknownTopicOrPartition, KAFKA_CODE.invalidTopic),
      refused: named(KAFKA_CODE.topicAuthorizationFailed),
      unmatched: this.#known.unmatched(),
      principal: this.#probing.principal,
    });
  }

  /** For the topics that are there: one that is missing hides nothing of the others. */
  async #of(look: (topics: readonly TopicMetadata[]) => Promise<Finding>): Promise<Finding> {
    return this.#topics === null
      ? notDone('it needs kafka-topics, which was not done', '')
      : look(this.#topics);
  }

  #ofSettings(look: (settings: readonly TopicSettings[]) => Finding): Finding {
    return this.#settings === null
      ? notDone('it needs kafka-retention, which was not done', '')
      : look(this.#settings);
  }

  /** Read: offsets of the log, and a fetch at its end, which takes no record of the job. */
  async #read(all: readonly TopicMetadata[]): Promise<Finding> {
    const topics = all.slice(0, READ_TOPICS_MAX);
    const refused: string[] = [];
    for (const { topic, partitions } of topics)
      if (!(await this.#mayRead(topic, partitions))) refused.push(topic);
    return refused.length === 0
      ? pass(`records of ${counted(topics.length, 'topic')} may be read`)
      : denied(this.#probing.principal, 'topic', refused, ['Read', 'Describe']);
  }

  async #mayRead(topic: string, partitions: readonly PartitionLeader[]): Promise<boolean> {
    const led = partitions.find(({ leader }) => leader >= 0);
    if (led === undefined) return true;
    try {
      const [fetchOffset = 0n] = await listOffsets(this.#brokers, topic, [led], 'latest');
      const { partition } = led;
      const answer = await this.#brokers.fetch(led.leader, {
        ...{ waitMs: 0, bytesMax: FETCH_BYTES },
        partitions: [{ topic, partition, leaderEpoch: ANY_LEADER_EPOCH, fetchOffset, bytesMax: FETCH_BYTES }],
      });
      return answer.partitions.every(({ errorCode }) => errorCode !== KAFKA_CODE.topicAuthorizationFailed);
    } catch (error) {
      if (hasKafkaType(error, 'TOPIC_AUTHORIZATION_FAILED')) return false;
      throw error;
    }
  }

  async #retention(topics: readonly TopicMetadata[]): Promise<Finding> {
    const names = topics.map(({ topic }) => topic);
    const answers = names.length === 0 ? [] : await this.#configs('topic', names, TOPIC_KEYS);
    this.#settings = topics.map(({ topic, partitions }) => {
      const answer = answers.find(({ name }) => name === topic);
      const copies = partitions.map(({ replicas = 0 }) => replicas).filter((count) => count > 0);
      return {
        topic,
        values: answer?.errorCode === KAFKA_CODE.none ? answer.values : null,
        replicas: copies.length === 0 ? null : Math.min(...copies),
      };
    });
    return retentionFinding(this.#settings, this.#probing.times);
  }

  async #groupRetention(): Promise<Finding> {
    const [node] = this.#cluster.brokers;
    if (node === undefined) return groupRetentionFinding(null);
    const name = String(node.nodeId);
    // A broker tells of itself alone.
    const { answers } = await this.#brokers.at(node.nodeId, (broker) =>
      broker.connectionPool.send(configsRequest('broker', [name], [GROUP_KEY])),
    );
    const [answer] = answers;
    if (answer?.errorCode === CLUSTER_AUTHORIZATION_FAILED) return groupRetentionFinding(null);
    const value = Number(answer?.values.get(GROUP_KEY));
    return groupRetentionFinding(Number.isNaN(value) ? null : value);
  }

  async #configs(
    type: 'topic' | 'broker',
    names: readonly string[],
    keys: readonly string[],
  ): Promise<readonly ConfigsAnswer[]> {
    const { answers } = await this.#brokers.ask((broker) =>
      broker.connectionPool.send(configsRequest(type, names, keys)),
    );
    return answers;
  }

  get #group(): GroupProbing {
    const { options, job, principal } = this.#probing;
    const [first] = this.#topics ?? [];
    const partitions = first?.partitions.map(({ partition }) => partition) ?? [];
    return {
      ...{ brokers: this.#brokers, clock: options.clock, groupId: options.groupId, job, principal },
      topic: first === undefined ? null : { name: first.topic, partitions },
    };
  }

  async close(): Promise<void> {
    await this.#brokers.close();
  }
}

/** Asks one address of the job file alone. */
async function askSeed(options: KafkaSourceOptions, address: string): Promise<SeedAnswer> {
  const brokers = new Brokers(kafkaConfig(options, TUNING), [address]);
  try {
    return { address, answer: await brokers.metadata([]) };
  } catch (error) {
    return { address, answer: { error } };
  } finally {
    await brokers.close();
  }
}

export interface TopicsFound {
  readonly topics: readonly string[];
  readonly partitions: number;
  /** Named in the job file. */
  readonly missing: readonly string[];
  readonly refused: readonly string[];
  /** Patterns. */
  readonly unmatched: readonly string[];
  readonly principal: string;
}

export function topicsFinding({
  topics,
  partitions,
  missing,
  refused,
  unmatched,
  principal,
}: TopicsFound): Finding {
  return gravest([
    pass(`${counted(topics.length, 'topic')} with ${counted(partitions, 'partition')}: ${someOf(topics)}`),
    ...(missing.length === 0
      ? []
      : [
          fail(
            `there is no topic ${someOf(missing)}`,
            'Create it, or correct source.kafka.topics: Tidemark never creates one.',
          ),
        ]),
    ...(refused.length === 0 ? [] : [denied(principal, 'topic', refused, ['Describe', 'Read'])]),
    ...(unmatched.length === 0
      ? []
      : [
          warn(
            `no topic matches ${someOf(unmatched)}`,
            'If some should, correct the expression, or let this client describe the topics.',
          ),
        ]),
  ]);
}

export function partitionsFinding(topics: readonly TopicMetadata[]): Finding {
  const all = topics.flatMap(({ topic, partitions }) => partitions.map((one) => ({ topic, ...one })));
  const nameOf = ({ topic, partition }: { topic: string; partition: number }): string =>
    `${topic}/${partition}`;
  const leaderless = all.filter(({ leader }) => leader < 0).map(nameOf);
  const behind = all.filter(({ replicas = 0, inSync = replicas }) => inSync < replicas).map(nameOf);
  return gravest([
    leaderless.length === 0
      ? pass(`of ${counted(all.length, 'partition')} each has a leader`)
      : fail(`no leader: ${someOf(leaderless)}`, 'Start the brokers that hold these partitions.'),
    ...(behind.length === 0
      ? []
      : [warn(`copies are missing or behind: ${someOf(behind)}`, 'Look after the brokers that hold them.')]),
  ]);
}
