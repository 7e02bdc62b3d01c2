/**
 * kafkajs's consumer, which only assigns partitions and sends heartbeats: the event that assigns a partition
 * pauses it synchronously, and it is never resumed.
 */
import type { KafkaTuning, SourceLog } from '../options.ts';
import { type Consumer, Kafka } from './client.ts';
import type { ObservedAssigner } from './observedAssigner.ts';
import type { ConsumerCrashEvent, ConsumerGroupJoinEvent, KafkaConfig } from './types.ts';

/** How long a paused consumer sleeps between two heartbeat checks. */
const PAUSED_SLEEP_MS = 200;

export interface GroupConsumerOptions {
  readonly config: KafkaConfig;
  readonly groupId: string;
  readonly tuning: KafkaTuning;
  readonly log: SourceLog;
  readonly observed: ObservedAssigner;
}

export interface GroupConsumerListener {
  /** The group coordinator answered a heartbeat. */
  heartbeat(): void;
  /** The partitions of each topic; they are paused already. */
  assigned(assignment: Readonly<Record<string, number[]>>): void;
  /** It has failed, and does nothing more. */
  crashed(error: unknown): void;
}

export class GroupConsumer {
  readonly #options: GroupConsumerOptions;
  readonly #consumer: Consumer;

  constructor(options: GroupConsumerOptions, listener: GroupConsumerListener) {
    const { groupId, observed } = options;
    this.#options = options;
    const consumer = make(options);
    this.#consumer = consumer;
    consumer.on(consumer.events.HEARTBEAT, () => listener.heartbeat());
    consumer.on(consumer.events.CRASH, ({ payload }: ConsumerCrashEvent) => listener.crashed(payload.error));
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }: ConsumerGroupJoinEvent) => {
      const assignment = payload.memberAssignment;
      const topics = Object.keys(assignment);
      if (topics.length > 0) consumer.pause(topics.map((topic) => ({ topic })));
      observed.skipOffsetLookup(groupId, assignment);
      listener.assigned(assignment);
    });
  }

  async join(topics: readonly string[]): Promise<void> {
    await this.#consumer.connect();
    await this.#consumer.subscribe({ topics: [...topics] });
    await this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: async ({ batch }) => {
        const message = `kafkajs fetched ${batch.topic}/${batch.partition}, which is paused`;
        this.#options.log.error({}, message);
        throw new Error(message);
      },
    });
  }

  async leave(): Promise<void> {
    await this.#consumer.disconnect();
  }
}

function make({ config, groupId, tuning, observed }: GroupConsumerOptions): Consumer {
  return new Kafka(config).consumer({
    groupId,
    partitionAssigners: [observed.assigner],
    sessionTimeout: tuning.sessionTimeoutMs,
    rebalanceTimeout: tuning.rebalanceTimeoutMs,
    heartbeatInterval: tuning.heartbeatIntervalMs,
    metadataMaxAge: tuning.metadataMaxAgeMs,
    maxWaitTimeInMs: PAUSED_SLEEP_MS,
    allowAutoTopicCreation: false,
    // A crashed consumer is replaced by the membership, after its member can be made to leave.
    retry: { retries: 5, initialRetryTime: 100, maxRetryTime: 2_000, restartOnFailure: async () => false },
  });
}
