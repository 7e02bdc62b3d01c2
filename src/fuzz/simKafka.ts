/**
 * Kafka of the world: one topic whose logs are laid out beforehand, one consumer group, brokers that may be away. Processes reach
 * it as the real client does: questions are asked again until they are answered, an offset is committed as the generation that
 * the partition was assigned to.
 */
import { TidemarkError } from '../../journal/errors.ts';
import { partitionName, type TopicPartition } from '../../journal/ids.ts';
import { LogCheck } from '../kafka/logCheck.ts';
import type { SourceLog } from '../kafka/options.ts';
import type {
  OffsetRange,
  PartitionFeed,
  ReadEpoch,
  Source,
  SourceFacts,
  SourceListener,
  StartFrom,
} from '../source/port.ts';
import type { CommitFault } from './faultPlan.ts';
import type { SimProcess } from './process.ts';
import type { Workload } from './schedule.ts';
import type { Scheduler } from './scheduler.ts';
import { abortError, SimFeed } from './simKafka/feed.ts';
import { SimGroup, type Assignment, type CommitReply } from './simKafka/group.ts';
import { SimMember } from './simKafka/member.ts';
import { epochBrokers } from './simKafka/epochQuestions.ts';
import { PartitionLog, type LogCut } from './simKafka/partitionLog.ts';
import { unpackWaitOf } from './simMemory.ts';

const GROUP_ID = 'group-1';
/** Values of a replaced topic say so: their partitions are counted from here. */
const OTHER_RECORDS = 10;
const RETRY_FIRST_MS = 100;
const RETRY_LONGEST_MS = 2_000;
/** A question is given up after as many time-outs. */
const QUESTION_TIMEOUTS = 4;
const nothing = (): void => undefined;
const SILENT: SourceLog = { debug: nothing, info: nothing, warn: nothing, error: nothing };
/** stop() does not wait longer for a group that does not answer. */
const STOP_MS = 1_800;

export interface SimKafkaOptions {
  readonly sessionMs: number;
  readonly heartbeatMs: number;
  readonly timeoutMs: number;
  readonly fetchBatchesMax: number;
  readonly dismissesDeadMember: boolean;
  /** Where it is set, memory for unpacking is short, too. */
  readonly memoryBytes?: number | null;
}

/** Asked at every offset commit: null lets it go well. */
export interface KafkaFaults {
  atOffsetCommit(process: SimProcess): CommitFault | null;
  /** Whether a question for the topic's identity gets no answer. */
  atIdentity?(process: SimProcess): boolean;
}

export class SimKafka {
  readonly topic: string;
  /** As they were laid out at first: what a complete run commits. */
  readonly logs: readonly PartitionLog[];
  readonly group: SimGroup;
  /** Which topic, of which cluster, answers to the name now. */
  topicId = 'topic-1';
  clusterId = 'cluster-1';
  /** Somebody has read the job's own topic. */
  #isDescribed = false;
  #current: readonly PartitionLog[];
  readonly options: SimKafkaOptions;
  readonly #scheduler: Scheduler;
  readonly #faults: KafkaFaults;
  /** The last member id of each place: what a restarted process finds in its state folder. */
  readonly #memberOfPlace = new Map<number, string>();
  readonly #workload: Workload;
  #awayUntilMs = 0;

  constructor(scheduler: Scheduler, faults: KafkaFaults, workload: Workload, options: SimKafkaOptions) {
    this.#scheduler = scheduler;
    this.#faults = faults;
    this.options = options;
    this.topic = workload.topic;
    this.logs = workload.partitions.map((items, partition) => new PartitionLog(partition, items));
    this.#current = this.logs;
    this.#workload = workload;
    this.group = new SimGroup(scheduler, this.logs.length, options.sessionMs);
    this.#tellChanges();
  }

  #tellChanges(): void {
    const { nowMs } = this.#scheduler;
    for (const log of this.#current) {
      for (const atMs of log.changeTimesMs)
        this.#scheduler.after(atMs - nowMs, null, () => {
          log.changed();
        });
    }
  }

  /**
   * Other records at the same offsets, of a topic or a cluster with another id. False where nobody knows the first one yet, and where that
   * was cut: it may have been longer, and then nothing would follow that could be told from it.
   */
  replace(isCluster: boolean): boolean {
    if (!this.#isDescribed || this.logs.some(({ earlier }) => earlier.length > 0)) return false;
    if (isCluster) this.clusterId = 'cluster-2';
    else this.topicId = 'topic-2';
    const before = this.#current;
    this.#current = this.#workload.partitions.map(
      (items, partition) => new PartitionLog(partition + OTHER_RECORDS, items),
    );
    this.#tellChanges();
    for (const log of before) log.changed();
    return true;
  }

  /** Retention takes all but the newest batches that are there; false where it takes nothing. */
  expire(partition: number, keep: number): boolean {
    return this.#current[partition]?.expire(this.#scheduler.nowMs, keep) ?? false;
  }

  /** Gives where the logs differ; null where nothing is cut, or where they are not the job's own any more. */
  cut(partition: number, cut: LogCut): number | null {
    return this.#current === this.logs ? this.log(partition).cut(this.nowMs, cut) : null;
  }

  elect(partition: number): void {
    this.log(partition).elect(this.nowMs);
  }

  described(): void {
    this.#isDescribed = true;
  }

  connect(process: SimProcess): Source {
    return new SimSource(this, process, this.#faults);
  }

  /** When the last record becomes visible. */
  get workloadEndMs(): number {
    return Math.max(0, ...this.logs.flatMap((log) => log.changeTimesMs));
  }

  /** The brokers answer nobody for a while; 0 ends that. */
  goAway(forMs: number): void {
    this.#awayUntilMs = this.#scheduler.nowMs + forMs;
    this.group.holdSessions(this.#awayUntilMs);
  }

  get isAway(): boolean {
    return this.#awayUntilMs > this.#scheduler.nowMs;
  }

  get partitions(): number {
    return this.logs.length;
  }

  get nowMs(): number {
    return this.#scheduler.nowMs;
  }

  readonly log = (partition: number): PartitionLog => {
    const log = this.#current[partition];
    if (log === undefined) throw new Error(`${this.topic} has no partition ${partition}`);
    return log;
  };

  /** Remembers the member of a place and gives the one of the process before. */
  nameMember(place: number, memberId: string): void {
    this.#memberOfPlace.set(place, memberId);
  }

  deadMemberOf(place: number): string | null {
    return this.options.dismissesDeadMember ? (this.#memberOfPlace.get(place) ?? null) : null;
  }

  forgetMember(place: number): void {
    this.#memberOfPlace.delete(place);
  }
}

class SimSource implements Source {
  readonly kind = 'kafka';
  readonly #kafka: SimKafka;
  readonly #process: SimProcess;
  readonly #faults: KafkaFaults;
  readonly #feeds = new Set<SimFeed>();
  readonly #check: LogCheck<SimFeed>;
  #member: SimMember | null = null;
  #clusterId: string | null = null;
  #stopped: Promise<void> | null = null;

  constructor(kafka: SimKafka, process: SimProcess, faults: KafkaFaults) {
    this.#kafka = kafka;
    this.#process = process;
    this.#faults = faults;
    const brokers = epochBrokers(
      kafka.topic,
      () => kafka,
      (question) => this.#question(question),
    );
    const { clock } = process;
    this.#check = new LogCheck<SimFeed>(
      { brokers, clock, log: SILENT },
      {
        lostLeader: (feed) => {
          feed.lostLeader();
        },
      },
    );
  }

  async describe({ signal }: { signal: AbortSignal }): Promise<SourceFacts> {
    const kafka = this.#kafka;
    return this.#ask(
      () => {
        const { topic, topicId, clusterId, logs } = kafka;
        this.#clusterId = clusterId;
        return { clusterId, groupId: GROUP_ID, topics: [{ topic, topicId, partitions: logs.length }] };
      },
      { signal },
    );
  }

  async startOffsets(_topic: string, startFrom: StartFrom): Promise<bigint[]> {
    const { logs } = this.#kafka;
    return this.#question(() =>
      logs.map((_, partition) => {
        const log = this.#kafka.log(partition);
        return BigInt(startFrom.type === 'latest' ? log.endAt(this.#nowMs) : log.startOffset);
      }),
    );
  }

  async ranges(): Promise<OffsetRange[]> {
    return this.#question(() =>
      this.#kafka.logs.map((_, partition) => {
        const log = this.#kafka.log(partition);
        return {
          startOffset: BigInt(log.startOffset),
          endOffset: BigInt(log.lastStableOffsetAt(this.#nowMs)),
        };
      }),
    );
  }

  async start(listener: SourceListener): Promise<void> {
    const { topic, group, options } = this.#kafka;
    this.#kafka.described();
    const process = this.#process;
    const dead = this.#kafka.deadMemberOf(process.place);
    if (dead !== null)
      await this.#ask(() => {
        group.leave(dead);
      });
    this.#member = new SimMember({
      process,
      group,
      heartbeatMs: options.heartbeatMs,
      ask: (question) => this.#ask(question),
      assigned: (partitions) => {
        listener.assigned(partitions.map((partition) => ({ topic, partition })));
      },
      named: (memberId) => {
        this.#kafka.nameMember(process.place, memberId);
      },
    });
    await this.#member.start();
  }

  open(
    { topic, partition }: TopicPartition,
    offset: bigint,
    _expectedTopicId: string | null = null,
    read: ReadEpoch | null = null,
  ): PartitionFeed {
    const { options } = this.#kafka;
    const log = (): PartitionLog => this.#kafka.log(partition);
    const ask = <T>(question: () => T): Promise<T> => this.#ask(question);
    const own = { process: this.#process, check: this.#check };
    const feed = new SimFeed(
      {
        ...{ ...own, topic, log, batchesMax: options.fetchBatchesMax, ask },
        unpackWait: unpackWaitOf(this.#process, options.memoryBytes ?? null),
      },
      ...([partition, offset, read] as const),
    );
    this.#feeds.add(feed);
    return feed;
  }

  async verifyIdentity(topic: string, expectedTopicId: string | null): Promise<void> {
    const isSilent = this.#faults.atIdentity?.(this.#process) ?? false;
    const found = await this.#question(() => (isSilent ? null : this.#kafka));
    if (found === null)
      throw new TidemarkError('KAFKA_UNAVAILABLE', 'Whether the topic is the same is not told.');
    const isSame = expectedTopicId === null || found.topicId === expectedTopicId;
    if (isSame && (this.#clusterId === null || found.clusterId === this.#clusterId)) return;
    throw new TidemarkError('SOURCE_REPLACED', `Topic ${topic} is another one than the journaled one.`);
  }

  async commitOffset(at: TopicPartition, nextOffset: bigint, witness: string): Promise<void> {
    const member = this.#member;
    if (member === null) throw new Error(`the source is not started: ${partitionName(at)}`);
    for (let failures = 0; this.#stopped === null;) {
      const { generation } = member;
      if (generation === null) {
        await member.nextJoin();
        continue;
      }
      if (!generation.partitions.includes(at.partition)) throw fenced(at);
      const reply = await this.#commit(generation, at.partition, { offset: nextOffset, metadata: witness });
      if (reply === 'ok') return;
      failures += 1;
      await this.#process.clock.pause(retryDelayMs(failures));
    }
    throw abortError('The source');
  }

  async #commit(
    { memberId, generation }: Assignment,
    partition: number,
    committed: { readonly offset: bigint; readonly metadata: string },
  ): Promise<CommitReply | 'silent'> {
    const fault = this.#faults.atOffsetCommit(this.#process);
    const fare = this.#process.drawFare();
    const backMs = fault === null ? fare.backMs : this.#kafka.options.timeoutMs;
    return this.#process.call({ ...fare, backMs }, () => {
      if (fault === 'lostRequest' || this.#kafka.isAway) return 'silent';
      const reply = this.#kafka.group.commit(memberId, generation, partition, committed);
      return fault === 'lostReply' ? 'silent' : reply;
    });
  }

  async readWitness({ partition }: TopicPartition): Promise<string | null> {
    return this.#question(() => this.#kafka.group.committed(partition)?.metadata ?? null);
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    for (const feed of this.#feeds) await feed.close();
    if (this.#member === null) return;
    await Promise.race([this.#member.leave(), this.#process.clock.pause(STOP_MS)]);
    this.#kafka.forgetMember(this.#process.place);
  }

  get #nowMs(): number {
    return this.#process.scheduler.nowMs;
  }

  /** Asks until there is an answer or the limit is over: KAFKA_UNAVAILABLE. */
  #question<T>(question: () => T): Promise<T> {
    return this.#ask(question, { limitMs: QUESTION_TIMEOUTS * this.#kafka.options.timeoutMs });
  }

  async #ask<T>(
    question: () => T,
    { limitMs = Infinity, signal }: { readonly limitMs?: number; readonly signal?: AbortSignal } = {},
  ): Promise<T> {
    const startedMs = this.#nowMs;
    for (let failures = 1; ; failures += 1) {
      if (signal?.aborted === true) throw abortError('The source');
      const answer = await this.#process.call(this.#process.drawFare(), () =>
        this.#kafka.isAway ? null : { value: question() },
      );
      if (answer !== null) return answer.value;
      if (this.#nowMs - startedMs >= limitMs)
        throw new TidemarkError('KAFKA_UNAVAILABLE', 'The brokers of the world do not answer.');
      await this.#process.clock.pause(retryDelayMs(failures));
    }
  }
}

function retryDelayMs(failures: number): number {
  return Math.min(RETRY_FIRST_MS * 2 ** Math.max(0, failures - 1), RETRY_LONGEST_MS);
}

function fenced(at: TopicPartition): TidemarkError {
  return new TidemarkError('FENCED', `The group has assigned ${partitionName(at)} to another member.`, {
    fields: { partition: partitionName(at) },
  });
}
