/** Kafka of the world: one or two topics with prepared logs, one consumer group, brokers that may be away. */
import type { Source } from '../src/sources/port.ts';
import type { CommitFault } from './faultPlan.ts';
import type { RecordsRule } from './job/records.ts';
import type { SimProcess } from './process.ts';
import type { Workload } from './schedule.ts';
import type { Scheduler } from './scheduler.ts';
import { SimGroup } from './simKafka/group.ts';
import { hasHoles } from './simKafka/holes.ts';
import { PartitionLog, type LogCut } from './simKafka/partitionLog.ts';
import { SimSource } from './simKafka/source.ts';
import { SimTopics } from './simKafka/topics.ts';

/** Values of a replaced topic show it: their partitions start at this number. */
const OTHER_RECORDS = 10;

export interface SimKafkaOptions {
  readonly sessionMs: number;
  readonly heartbeatMs: number;
  readonly timeoutMs: number;
  readonly fetchBatchesMax: number;
  readonly dismissesDeadMember: boolean;
  /** If set, memory for unpacking is short, too. */
  readonly memoryBytes?: number | null;
  /** Which records a complete run has in files. */
  readonly records?: RecordsRule | undefined;
}

/** Called at every offset commit; null means no fault. */
export interface KafkaFaults {
  atOffsetCommit(process: SimProcess): CommitFault | null;
  /** Whether a question for the topic's identity gets no answer. */
  atIdentity?(process: SimProcess): boolean;
}

export class SimKafka {
  readonly topics: SimTopics;
  /** As first laid out: what a complete run commits. */
  readonly logs: readonly PartitionLog[];
  readonly group: SimGroup;
  /** The topic, and its cluster, that has the name now. */
  topicId = 'topic-1';
  clusterId = 'cluster-1';
  /** Topics that the job has journaled: of any other it would accept the current records as its own. */
  readonly #known = new Set<string>();
  #current: readonly PartitionLog[];
  readonly options: SimKafkaOptions;
  readonly #scheduler: Scheduler;
  readonly #faults: KafkaFaults;
  /** The last member id of each place: what a restarted process finds in its state folder. */
  readonly #memberOfPlace = new Map<number, string>();
  readonly #workload: Workload;
  #awayUntilMs = 0;
  /** A log has holes, or a rebuilt replica lacks batches. */
  isCompacted: boolean;

  constructor(scheduler: Scheduler, faults: KafkaFaults, workload: Workload, options: SimKafkaOptions) {
    this.#scheduler = scheduler;
    this.#faults = faults;
    this.options = options;
    this.topics = new SimTopics(workload);
    this.logs = workload.partitions.map(
      (items, partition) => new PartitionLog(partition, items, options.records),
    );
    this.#current = this.logs;
    this.#workload = workload;
    this.isCompacted = hasHoles(workload);
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
   * Other records at the same offsets, of topics or a cluster with another id. False if the job does not know
   * each topic yet. False also if a log was cut: it may have been longer, and then nothing that follows could
   * be distinguished from it.
   */
  replace(isCluster: boolean): boolean {
    const isKnown = this.#current.every((_, partition) => this.#known.has(this.topics.of(partition)));
    if (!isKnown || this.logs.some(({ earlier }) => earlier.length > 0)) return false;
    if (isCluster) this.clusterId = 'cluster-2';
    else this.topicId = 'topic-2';
    const before = this.#current;
    this.#current = this.#workload.partitions.map(
      (items, partition) => new PartitionLog(partition + OTHER_RECORDS, items, this.options.records),
    );
    this.#tellChanges();
    for (const log of before) log.changed();
    return true;
  }

  /** Retention removes all but the newest batches; false if it removes nothing. */
  expire(partition: number, keep: number): boolean {
    return this.#current[partition]?.expire(this.#scheduler.nowMs, keep) ?? false;
  }

  /** Returns where the logs differ; null if nothing is cut, or if the logs are no longer the job's own. */
  cut(partition: number, cut: LogCut): number | null {
    return this.#current === this.logs ? this.log(partition).cut(this.nowMs, cut) : null;
  }

  elect(partition: number, isRebuilt = false): void {
    const log = this.log(partition);
    this.isCompacted ||= isRebuilt;
    if (isRebuilt) log.electRebuilt(this.nowMs);
    else log.elect(this.nowMs);
  }

  /** Deletes the second topic; returns its partitions. */
  deleteSecond(): readonly number[] {
    const gone = this.topics.deleteSecond();
    for (const partition of gone) this.log(partition).changed();
    if (gone.length > 0) this.group.rebalance();
    return gone;
  }

  /** Of the topic that has the name now. */
  readonly idOf = (topic: string): string =>
    topic === this.topics.first ? this.topicId : `${this.topicId} of ${topic}`;

  journaled(topics: readonly string[]): void {
    for (const topic of topics) this.#known.add(topic);
  }

  /** The journal went back: topics that it no longer names are accepted as they are. */
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

  /** Stores the member of a place and returns that of its previous process. */
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
