/**
 * Kafka as a process reaches it, like the real client: questions are repeated until they are answered; an
 * offset is committed in the generation that assigned the partition.
 */
import { TidemarkError } from '../../journal/errors.ts';
import { SourceFailure } from '../../src/sources/failure.ts';
import type { EpochStart } from '../../journal/events.ts';
import { partitionName, type TopicPartition } from '../../journal/ids.ts';
import { LogCheck } from '../../src/sources/kafka/log/check.ts';
import type { SourceLog } from '../../src/sources/kafka/options.ts';
import type {
  OffsetRange,
  PartitionFeed,
  ReadEpoch,
  Source,
  SourceFacts,
  SourceListener,
} from '../../src/sources/port.ts';
import type { StartFrom } from '../../src/sources/port.ts';
import type { SimProcess } from '../process.ts';
import type { KafkaFaults, SimKafka } from '../simKafka.ts';
import { unpackWaitOf } from '../simMemory.ts';
import { epochBrokers } from './epochQuestions.ts';
import { abortError, deletedError, LOOK_AGAIN_MS, MISSING_STABLE_MS, SimFeed } from './feed.ts';
import type { Assignment, CommitReply } from './group.ts';
import { SimMember } from './member.ts';
import type { PartitionLog } from './partitionLog.ts';

const GROUP_ID = 'group-1';
const RETRY_FIRST_MS = 100;
const RETRY_LONGEST_MS = 2_000;
/** A question is given up after this many time-outs. */
const QUESTION_TIMEOUTS = 4;
const nothing = (): void => undefined;
const SILENT: SourceLog = { debug: nothing, info: nothing, warn: nothing, error: nothing };
/** How long stop() waits for a group that does not answer. */
const STOP_MS = 1_800;

export class SimSource implements Source {
  readonly kind = 'kafka';
  readonly #kafka: SimKafka;
  readonly #process: SimProcess;
  readonly #faults: KafkaFaults;
  readonly #feeds = new Set<SimFeed>();
  readonly #check: LogCheck<SimFeed>;
  /** The topics that its configuration names. */
  readonly #topics: readonly string[];
  #member: SimMember | null = null;
  #clusterId: string | null = null;
  #stopped: Promise<void> | null = null;

  constructor(kafka: SimKafka, process: SimProcess, faults: KafkaFaults) {
    this.#kafka = kafka;
    this.#process = process;
    this.#faults = faults;
    this.#topics = kafka.topics.subscribedAt(process.place);
    const brokers = epochBrokers(kafka, (question) => this.#question(question));
    const { clock } = process;
    this.#check = new LogCheck<SimFeed>(
      {
        ...{ brokers, clock, log: SILENT },
        holdsRecords: ({ partition }, { fromOffset, toOffset }) =>
          this.#question(() =>
            kafka.log(partition).holdsRecords(Number(fromOffset), Number(toOffset), this.#nowMs),
          ),
      },
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
        const { topics, clusterId, idOf } = kafka;
        this.#clusterId = clusterId;
        const [there, missing] = [true, false].map((wanted) =>
          this.#topics.filter((topic) => topics.exists(topic) === wanted),
        );
        const described = (there ?? []).map((topic) => {
          return { topic, topicId: idOf(topic), partitions: topics.partitions };
        });
        return { clusterId, groupId: GROUP_ID, topics: described, missing: missing ?? [] };
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

  async isCompacted(): Promise<boolean> {
    return this.#question(() => this.#kafka.isCompacted);
  }

  async start(listener: SourceListener): Promise<void> {
    const { topics, group, options } = this.#kafka;
    this.#kafka.journaled(this.#topics);
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
      topics: this.#topics,
      assigned: ({ partitions, unnamed }) => {
        const at = (partition: number): TopicPartition => topics.at(partition);
        listener.assigned(partitions.map(at), unnamed);
      },
      unfinished: async (assigned) => (await listener.unfinished?.(assigned)) ?? [],
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
    const { options, topics } = this.#kafka;
    // A process that is assigned an unknown topic has no configuration that says how to read it.
    if (!this.#topics.includes(topic))
      throw new Error(`${topic} is read by ${this.#process.name}, whose configuration does not name it`);
    const exists = (): boolean => topics.exists(topic);
    const log = (): PartitionLog => this.#kafka.log(partition);
    const ask = <T>(question: () => T): Promise<T> => this.#ask(question);
    const own = { process: this.#process, check: this.#check, exists };
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

  async epochBelow(at: TopicPartition, offset: bigint): Promise<EpochStart | null> {
    try {
      return await this.#check.epochBelow({ ...at, name: partitionName(at) }, offset);
    } catch (error) {
      if (error instanceof TidemarkError) throw error;
      throw new SourceFailure('unavailable', `No leader answers for ${partitionName(at)}.`, { cause: error });
    }
  }

  async verifyIdentity(topic: string, expectedTopicId: string | null): Promise<void> {
    const isSilent = this.#faults.atIdentity?.(this.#process) ?? false;
    await this.#topicThere(topic);
    const found = await this.#question(() => (isSilent ? null : this.#kafka));
    if (found === null) throw new SourceFailure('unavailable', 'Whether the topic is the same is not told.');
    const isSame = expectedTopicId === null || found.idOf(topic) === expectedTopicId;
    if (isSame && (this.#clusterId === null || found.clusterId === this.#clusterId)) return;
    throw new SourceFailure('replaced', `Topic ${topic} is another one than the journaled one.`);
  }

  /** Waits until it is certain that a missing topic stays missing. */
  async #topicThere(topic: string): Promise<void> {
    const { clock } = this.#process;
    const startedMs = clock.nowMs();
    while (!this.#kafka.topics.exists(topic)) {
      if (clock.nowMs() - startedMs >= MISSING_STABLE_MS) throw deletedError(topic);
      await clock.pause(LOOK_AGAIN_MS);
    }
  }

  async commitOffset(
    at: TopicPartition,
    nextOffset: bigint,
    witness: string,
    signal?: AbortSignal,
  ): Promise<void> {
    const member = this.#member;
    if (member === null) throw new Error(`the source is not started: ${partitionName(at)}`);
    for (let failures = 0; this.#stopped === null && (failures === 0 || signal?.aborted !== true);) {
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

  /** Asks until there is an answer or the limit is over: SOURCE_UNAVAILABLE. */
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
        throw new SourceFailure('unavailable', 'The brokers of the world do not answer.');
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
