/**
 * Membership in the consumer group, through kafkajs's consumer, which assigns partitions and sends heartbeats and nothing else:
 * every partition is paused, synchronously, in the event that assigns it, and is never resumed. A consumer that fails is
 * replaced by a new one.
 */
import type { ConsumerCrashEvent, ConsumerGroupJoinEvent, KafkaConfig } from 'kafkajs';
import type { TopicPartition } from '../../journal/ids.ts';
import type { Clock } from '../clock.ts';
import type { Brokers } from './brokers.ts';
import { abortError, hasKafkaType, isAuthenticationFailure, reasonOf } from './kafkaErrors.ts';
import { type Consumer, Kafka, type ObservedAssigner, observedAssigner } from './kafkajsInternals.ts';
import type { MemberRecords } from './memberRecord.ts';
import type { KafkaTuning, SourceLog } from './options.ts';
import { pauseUnless, retryDelayMs } from './pacing.ts';

export interface MembershipContext {
  readonly config: KafkaConfig;
  readonly brokers: Brokers;
  readonly clock: Clock;
  readonly log: SourceLog;
  readonly tuning: KafkaTuning;
  readonly groupId: string;
  readonly topics: readonly string[];
  readonly records: MemberRecords | null;
  readonly signal: AbortSignal;
}

export interface MembershipListener {
  /** Synchronous: the partitions are paused already. */
  assigned(partitions: readonly TopicPartition[]): void;
  failed(error: unknown): void;
}

/** A member of one generation of the group, as a commit names it. */
export interface Generation {
  readonly memberId: string;
  readonly generationId: number;
  readonly partitions: readonly TopicPartition[];
}

/** How long an orderly leave may take before the connections are cut. */
const LEAVE_MS = 1_000;
/** How long a paused consumer sleeps between two looks at its heartbeat. */
const PAUSED_SLEEP_MS = 200;

export class Membership {
  readonly #context: MembershipContext;
  readonly #listener: MembershipListener;
  #generation: Generation | null = null;
  /** From the coordinator's latest answer; the join that it belongs to may not be complete. */
  #memberId: string | null = null;
  #generationId = -1;
  readonly #joinWaiters = new Set<() => void>();

  constructor(context: MembershipContext, listener: MembershipListener) {
    this.#context = context;
    this.#listener = listener;
  }

  /** The generation that last assigned partitions; null before the first. */
  get generation(): Generation | null {
    return this.#generation;
  }

  /** Resolves at the next assignment, or when the source is closed. */
  nextJoin(): Promise<void> {
    return new Promise((resolve) => {
      this.#joinWaiters.add(resolve);
    });
  }

  /** Runs until the source is closed: joins, and joins again with a new consumer when one has failed. */
  async run(): Promise<void> {
    const { signal, clock, log, groupId } = this.#context;
    await this.#dismissDeadMembers();
    for (let failures = 0; !signal.aborted;) {
      const failure = await this.#runConsumer(() => {
        failures = 0;
      });
      if (signal.aborted as boolean) break;
      if (isAuthenticationFailure(failure)) {
        this.#listener.failed(failure);
        break;
      }
      failures += 1;
      const level = failures === 1 ? 'warn' : 'debug';
      log[level](
        { groupId, failures },
        `The membership in group ${groupId} broke and is made anew: ${reasonOf(failure)}`,
      );
      await pauseUnless(signal, clock, retryDelayMs(failures));
    }
    this.#wakeJoinWaiters();
  }

  /** One consumer from its join to its end; resolves with what ended it, null where the source was closed. */
  async #runConsumer(joined: () => void): Promise<unknown> {
    const { signal } = this.#context;
    const observed = observedAssigner({
      memberIdGiven: (memberId) => this.#remember(memberId),
      joined: (memberId, generationId) => {
        this.#remember(memberId);
        this.#generationId = generationId;
      },
    });
    const consumer = this.#makeConsumer(observed);
    const ended = new Promise<unknown>((resolve) => {
      signal.addEventListener('abort', () => resolve(null), { once: true });
      if (signal.aborted) resolve(null);
      consumer.on(consumer.events.CRASH, ({ payload }: ConsumerCrashEvent) => resolve(payload.error));
      consumer.on(consumer.events.GROUP_JOIN, (event: ConsumerGroupJoinEvent) => {
        this.#assigned(consumer, observed, event.payload.memberAssignment);
        joined();
      });
      this.#join(consumer).catch(resolve);
    });
    const failure = await ended;
    await this.#leave(consumer, observed);
    return failure;
  }

  #makeConsumer({ assigner }: ObservedAssigner): Consumer {
    const { config, groupId, tuning } = this.#context;
    return new Kafka(config).consumer({
      groupId,
      partitionAssigners: [assigner],
      sessionTimeout: tuning.sessionTimeoutMs,
      rebalanceTimeout: tuning.rebalanceTimeoutMs,
      heartbeatInterval: tuning.heartbeatIntervalMs,
      metadataMaxAge: tuning.metadataMaxAgeMs,
      maxWaitTimeInMs: PAUSED_SLEEP_MS,
      allowAutoTopicCreation: false,
      // A crashed consumer is replaced here, where its member can be made to leave first.
      retry: { retries: 5, initialRetryTime: 100, maxRetryTime: 2_000, restartOnFailure: async () => false },
    });
  }

  async #join(consumer: Consumer): Promise<void> {
    await consumer.connect();
    await consumer.subscribe({ topics: await this.#existingTopics() });
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: async ({ batch }) => {
        throw new Error(`kafkajs fetched ${batch.topic}/${batch.partition}, which is paused`);
      },
    });
  }

  /** One deleted topic would fail the whole subscription and so take the other topics' partitions away. */
  async #existingTopics(): Promise<string[]> {
    const { brokers, topics: wanted, log } = this.#context;
    const { topics } = await brokers.metadata(wanted);
    const existing = topics.filter(({ errorCode, partitions }) => errorCode === 0 || partitions.length > 0);
    const names = existing.map(({ topic }) => topic);
    const missing = wanted.filter((topic) => !names.includes(topic));
    if (missing.length > 0)
      log.warn({ missing }, `These topics do not exist and are not subscribed: ${missing.join(', ')}.`);
    if (names.length === 0) throw new Error(`none of the topics exists: ${missing.join(', ')}`);
    return names;
  }

  #assigned(
    consumer: Consumer,
    observed: ObservedAssigner,
    assignment: Readonly<Record<string, number[]>>,
  ): void {
    const { groupId } = this.#context;
    const topics = Object.keys(assignment);
    if (topics.length > 0) consumer.pause(topics.map((topic) => ({ topic })));
    observed.skipOffsetLookup(groupId, assignment);
    const partitions = topics.flatMap((topic) =>
      (assignment[topic] ?? []).map((partition) => ({ topic, partition })),
    );
    this.#generation = { memberId: this.#memberId ?? '', generationId: this.#generationId, partitions };
    this.#listener.assigned(partitions);
    this.#wakeJoinWaiters();
  }

  #remember(memberId: string): void {
    if (this.#memberId === memberId) return;
    this.#memberId = memberId;
    this.#context.records?.write(memberId);
  }

  #wakeJoinWaiters(): void {
    for (const resolve of this.#joinWaiters) resolve();
    this.#joinWaiters.clear();
  }

  /** Leaves through the consumer; where that hangs (a rebalance that waits for others), by name, and cuts the connections. */
  async #leave(consumer: Consumer, observed: ObservedAssigner): Promise<void> {
    const { clock, log, groupId, records } = this.#context;
    const memberId = this.#memberId;
    const deadline = new AbortController();
    const orderly = consumer.disconnect().catch((error: unknown) => {
      log.debug({ groupId }, `kafkajs did not disconnect: ${reasonOf(error)}`);
    });
    await Promise.race([orderly, pauseUnless(deadline.signal, clock, LEAVE_MS)]);
    deadline.abort();
    await observed.closeConnections(abortError('The group membership'));
    // kafkajs leaves silently without success as well; a member that has left already is unknown, which is as good.
    const left = memberId === null || (await this.#makeLeave(memberId));
    if (left) records?.remove();
    this.#memberId = null;
  }

  async #dismissDeadMembers(): Promise<void> {
    const { records, log, groupId } = this.#context;
    if (records === null) return;
    for (const dead of records.dead()) {
      const { memberId, pid } = dead.record;
      const left = await this.#makeLeave(memberId);
      if (left) {
        records.forget(dead);
        log.info(
          { groupId, memberId, pid },
          `Process ${pid} was killed: its member has left group ${groupId}.`,
        );
      }
    }
  }

  /** True where the member is not in the group any more. */
  async #makeLeave(memberId: string): Promise<boolean> {
    const { brokers, groupId, log, clock, signal } = this.#context;
    for (let failures = 0; failures < 3;) {
      try {
        const coordinator = await brokers.coordinator(groupId);
        await coordinator.leaveGroup({ groupId, memberId });
        return true;
      } catch (error) {
        if (hasKafkaType(error, 'UNKNOWN_MEMBER_ID', 'GROUP_ID_NOT_FOUND')) return true;
        failures += 1;
        brokers.forgetCoordinator(groupId);
        log.debug(
          { groupId, memberId, failures },
          `The member could not be made to leave: ${reasonOf(error)}`,
        );
        if (signal.aborted) return false;
        await pauseUnless(signal, clock, retryDelayMs(failures));
      }
    }
    return false;
  }
}
