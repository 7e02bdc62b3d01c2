/** Kafka of the world: one topic or two whose logs are laid out beforehand, one consumer group, brokers that may be away. */
import type { Source } from '../src/sources/port.ts';
import type { CommitFault } from './faultPlan.ts';
import type { SimProcess } from './process.ts';
import type { Workload } from './schedule.ts';
import type { Scheduler } from './scheduler.ts';
import { SimGroup } from './simKafka/group.ts';
import { PartitionLog, type LogCut } from './simKafka/partitionLog.ts';
import { SimSource } from './simKafka/source.ts';
import { SimTopics } from './simKafka/topics.ts';

/** Values of a replaced topic say so: their partitions are counted from here. */
const OTHER_RECORDS = 10;

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
  readonly topics: SimTopics;
  /** As they were laid out at first: what a complete run commits. */
  readonly logs: readonly PartitionLog[];
  readonly group: SimGroup;
  /** Which topic, of which cluster, answers to the name now. */
  topicId = 'topic-1';
  clusterId = 'cluster-1';
  /** Topics that the job has journaled: of any other it would take what is there for its own. */
  readonly #known = new Set<string>();
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
    this.topics = new SimTopics(workload);
    this.logs = workload.partitions.map((items, partition) => new PartitionLog(partition, items));
    this.#current = this.logs;
    this.#workload = workload;
    this.group = new SimGroup(scheduler, this.topics, options.sessionMs);
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
   * Other records at the same offsets, of topics or a cluster with another id. False where the job does not know each topic yet, and where one
   * was cut: it may have been longer, and then nothing would follow that could be told from it.
   */
  replace(isCluster: boolean): boolean {
    const isKnown = this.#current.every((_, partition) => this.#known.has(this.topics.of(partition)));
    if (!isKnown || this.logs.some(({ earlier }) => earlier.length > 0)) return false;
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

  elect(partition: number, isRebuilt = false): void {
    const log = this.log(partition);
    if (isRebuilt) log.electRebuilt(this.nowMs);
    else log.elect(this.nowMs);
  }

  /** The second topic is deleted; gives its partitions. */
  deleteSecond(): readonly number[] {
    const gone = this.topics.deleteSecond();
    for (const partition of gone) this.log(partition).changed();
    if (gone.length > 0) this.group.rebalance();
    return gone;
  }

  /** Of the topic that answers to the name now. */
  readonly idOf = (topic: string): string =>
    topic === this.topics.first ? this.topicId : `${this.topicId} of ${topic}`;

  journaled(topics: readonly string[]): void {
    for (const topic of topics) this.#known.add(topic);
  }

  /** The journal went back: those that it does not name any more are taken as they are found. */
  forget(isJournaled: (topic: string) => boolean): void {
    for (const topic of [...this.#known]) if (!isJournaled(topic)) this.#known.delete(topic);
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

  get nowMs(): number {
    return this.#scheduler.nowMs;
  }

  readonly log = (partition: number): PartitionLog => {
    const log = this.#current[partition];
    if (log === undefined) throw new Error(`the world has no partition ${partition}`);
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
