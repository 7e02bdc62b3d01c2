/**
 * The Kafka source: the client's consumer for the group, our own fetches for records (docs/decisions/0003).
 */
import { SourceFailure } from '../failure.ts';
import type { EpochStart } from '../../../journal/events.ts';
import { partitionName, type TopicPartition } from '../../../journal/ids.ts';
import type {
  GroupMember,
  OffsetRange,
  PartitionFeed,
  ReadEpoch,
  Source,
  SourceFacts,
  SourceListener,
  TopicFacts,
} from '../port.ts';
import type { StartFrom } from '../port.ts';
import { untilAny } from '../../system/bounded.ts';
import { procTable } from '../../system/processTable.ts';
import { AppearingTopics } from './appearing.ts';
import { Brokers } from './brokers.ts';
import { commitWitness } from './group/commits.ts';
import { describeTopics, type DescribeOptions, topicFacts } from './describe.ts';
import { Fetcher } from './fetcher.ts';
import { KnownTopics } from './knownTopics.ts';
import { Identity } from './log/identity.ts';
import { kafkaConfig } from './client/clientConfig.ts';
import { abortError, authenticationError, KAFKA_CODE, reasonOf } from './errors.ts';
import { MemberRecords } from './group/memberRecord.ts';
import { Membership } from './group/membership.ts';
import { lookForNewTopics } from './newTopics.ts';
import type { PartitionLeader } from './wire/metadata.ts';
import { otherMembers } from './group/otherMembers.ts';
import { isCompactedLog } from './log/compacted.ts';
import { givenOffsets } from './log/givenOffsets.ts';
import { groupOffsets, listOffsets } from './log/offsets.ts';
import { DEFAULT_TUNING, type KafkaSourceOptions, type KafkaTuning } from './options.ts';
import { pauseUnless } from '../../system/pacing.ts';
import { askUntil } from './questions.ts';
import { waitFor, Waits } from './waits.ts';
import { VERSION } from '../../system/version.ts';

/** The longest that stop() waits for a silent group: it is part of the last second of a shutdown. */
const STOP_MS = 500;
/** After a session ends, the group's coordinator still needs a moment. */
const SESSION_MARGIN_MS = 3_000;

export function createKafkaSource(options: KafkaSourceOptions): Source {
  return new KafkaSource(options);
}

class KafkaSource implements Source {
  readonly kind = 'kafka';
  readonly #options: KafkaSourceOptions;
  readonly #tuning: KafkaTuning;
  readonly #closing = new AbortController();
  readonly #brokers: Brokers;
  readonly #waits: Waits;
  readonly #fetcher: Fetcher;
  readonly #identity: Identity;
  #membership: { readonly group: Membership; readonly ended: Promise<void> } | null = null;
  #stopped: Promise<void> | null = null;
  #missing: readonly string[] = [];
  readonly #known: KnownTopics;

  constructor(options: KafkaSourceOptions) {
    this.#options = options;
    this.#known = new KnownTopics(options.topics);
    this.#tuning = { ...DEFAULT_TUNING, ...options.tuning };
    this.#brokers = new Brokers(kafkaConfig(options, this.#tuning), options.brokers);
    this.#waits = new Waits(options.log, options.conditions ?? null);
    this.#fetcher = new Fetcher(this.#context);
    this.#identity = new Identity(this.#context, () => this.#known.list());
  }

  get #context() {
    const { clock, log, groupId, brokers: addresses, roomToFetch } = this.#options;
    const [brokers, tuning, signal, waits] = [this.#brokers, this.#tuning, this.#closing.signal, this.#waits];
    return {
      ...{ clock, log, groupId, addresses, brokers, tuning, signal, waits, known: this.#known },
      ...(roomToFetch === undefined ? {} : { roomToFetch }),
    };
  }

  async describe(options: DescribeOptions): Promise<SourceFacts> {
    const facts = await describeTopics(this.#context, this.#identity, options);
    this.#missing = facts.missing ?? [];
    return facts;
  }

  async others(isToGo: (member: GroupMember) => boolean = () => false): Promise<readonly GroupMember[]> {
    const { clock, log } = this.#options;
    const untilMs = clock.nowMs() + this.#tuning.sessionTimeoutMs + SESSION_MARGIN_MS;
    let isTold = false;
    for (;;) {
      const members = await this.#othersNow();
      const staying = members.filter(isToGo);
      if (staying.length === 0 || clock.nowMs() >= untilMs || this.#closing.signal.aborted) return members;
      const names = staying.map(({ name }) => name);
      if (!isTold)
        log.warn(
          { members: names },
          'Members of the group are there, alive or dead: seen when their session ends.',
        );
      isTold = true;
      await pauseUnless(this.#closing.signal, clock, this.#tuning.pollMs);
    }
  }

  #othersNow(): Promise<readonly GroupMember[]> {
    const dead = new Set(
      this.#memberRecords()
        ?.dead()
        .map(({ record }) => record.memberId),
    );
    const context = { ...this.#context, pollMs: this.#tuning.pollMs, dead };
    return this.#ask('members of the group', () => otherMembers(context));
  }

  async startOffsets(topic: string, startFrom: StartFrom): Promise<bigint[]> {
    return this.#ask('start offsets', async () => {
      const partitions = await this.#partitions(topic);
      switch (startFrom.type) {
        case 'earliest':
        case 'latest':
          return listOffsets(this.#brokers, topic, partitions, startFrom.type);
        case 'time': {
          const found = await listOffsets(this.#brokers, topic, partitions, startFrom.atMs);
          return orElse(found, () => listOffsets(this.#brokers, topic, partitions, 'latest'));
        }
        case 'group': {
          const numbers = partitions.map(({ partition }) => partition);
          const committed = await groupOffsets(this.#brokers, this.#options.groupId, topic, numbers);
          const offsets = committed.map(({ offset }) => offset);
          return orElse(offsets, () => listOffsets(this.#brokers, topic, partitions, 'earliest'));
        }
        case 'offsets':
          return givenOffsets(topic, startFrom, await this.ranges(topic));
      }
    });
  }

  async ranges(topic: string): Promise<OffsetRange[]> {
    return this.#ask('offsets', async () => {
      const partitions = await this.#partitions(topic);
      const starts = await listOffsets(this.#brokers, topic, partitions, 'earliest');
      const ends = await listOffsets(this.#brokers, topic, partitions, 'latest');
      return starts.map((startOffset, index) => ({ startOffset, endOffset: ends[index] ?? startOffset }));
    });
  }

  isCompacted(topic: string): Promise<boolean | null> {
    return this.#ask('configuration of a topic', () => isCompactedLog(this.#brokers, topic));
  }

  async start(listener: SourceListener): Promise<void> {
    if (this.#membership !== null) throw new Error('the Kafka source is started already');
    const { brokers } = this.#options;
    const records = this.#memberRecords();
    const topics = this.#appearingTopics(listener);
    const group = new Membership(this.#membershipContext(records), {
      assigned: (partitions, unnamed) => topics.assigned(partitions, unnamed),
      unfinished: listener.unfinished === undefined ? null : (assigned) => unfinishedIn(listener, assigned),
      failed: (error) => listener.failed(authenticationError(error, brokers)),
    });
    const joined = group.nextJoin();
    this.#lookForNewTopics(topics, group);
    const { groupId } = this.#options;
    this.#waits.lasts(waitFor.group(groupId), `Group ${groupId} has not taken this member in yet.`);
    const ended = group.run().catch((error: unknown) => listener.failed(error));
    this.#membership = { group, ended };
    await joined;
  }

  /** A bounded run ends with what was there at its start. */
  #lookForNewTopics(topics: AppearingTopics, group: Membership): void {
    if (this.#options.choices?.untilEnd === true) return;
    const found = (names: readonly string[]): void => {
      topics.found(names);
      group.topicsFound();
    };
    void lookForNewTopics({ ...this.#context, intervalMs: this.#tuning.metadataMaxAgeMs, found });
  }

  #appearingTopics(listener: SourceListener): AppearingTopics {
    const { clock, log, signal, tuning, waits } = this.#context;
    const look = (topics: readonly string[]): Promise<readonly TopicFacts[]> =>
      topicFacts(this.#context, topics);
    return new AppearingTopics(
      {
        clock,
        log,
        signal,
        listener,
        look,
        waits,
        unmatched: () => this.#known.unmatched(),
        pollMs: tuning.pollMs,
      },
      this.#missing,
    );
  }

  #memberRecords(): MemberRecords | null {
    const { stateDir, groupId, log } = this.#options;
    if (stateDir === null) return null;
    return new MemberRecords(stateDir, groupId, procTable, (message) => log.warn({ groupId }, message));
  }

  #membershipContext(records: MemberRecords | null) {
    const { job = '', choices } = this.#options;
    const member = { job, version: VERSION, isBounded: choices?.untilEnd ?? false };
    const topics = (): readonly string[] => this.#known.list();
    const config = kafkaConfig(this.#options, this.#tuning);
    const instanceId = this.#options.instanceId ?? null;
    return { ...this.#context, topics, member, config, records, instanceId };
  }

  open(
    partition: TopicPartition,
    offset: bigint,
    expectedTopicId: string | null,
    read: ReadEpoch | null = null,
  ): PartitionFeed {
    return this.#fetcher.open(partition, offset, expectedTopicId, read);
  }

  epochBelow(partition: TopicPartition, offset: bigint): Promise<EpochStart | null> {
    return this.#fetcher.epochBelow(partition, offset);
  }

  verifyIdentity(topic: string, expectedTopicId: string | null): Promise<void> {
    return this.#identity.verify(topic, expectedTopicId);
  }

  async commitOffset(
    partition: TopicPartition,
    nextOffset: bigint,
    witness: string,
    signal?: AbortSignal,
  ): Promise<void> {
    if (this.#membership === null)
      throw new Error(`the source is not started: ${partitionName(partition)} cannot be committed`);
    const { group } = this.#membership;
    if (this.#closing.signal.aborted) throw abortError('The Kafka source');
    await this.#waits.during(waitFor.commit(partitionName(partition)), () =>
      untilAny([this.#closing.signal, signal], (over) => {
        const context = { ...this.#membershipContext(null), signal: over };
        return commitWitness(context, group, partition, nextOffset, witness);
      }),
    );
  }

  async readWitness({ topic, partition }: TopicPartition): Promise<string | null> {
    return this.#ask('committed offset', async () => {
      const [committed] = await groupOffsets(this.#brokers, this.#options.groupId, topic, [partition]);
      const none = committed === undefined || committed.offset < 0n || committed.metadata === '';
      return none ? null : committed.metadata;
    });
  }

  leaveOut(topic: string): void {
    this.#known.leaveOut(topic);
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    const { clock, log } = this.#options;
    this.#closing.abort();
    const deadline = new AbortController();
    const left = (this.#membership?.ended ?? Promise.resolve()).finally(() => deadline.abort());
    await pauseUnless(deadline.signal, clock, STOP_MS);
    if (!deadline.signal.aborted)
      log.warn({}, 'The group does not answer; its member is left to its session timeout.');
    await this.#brokers.close();
    await this.#fetcher.close();
    // With its connections closed, nothing can prolong the membership.
    await left.catch((error: unknown) => log.debug({}, `The membership ended with: ${reasonOf(error)}`));
  }

  async #partitions(topic: string): Promise<readonly PartitionLeader[]> {
    const { topics } = await this.#brokers.metadata([topic]);
    const found = topics.find(({ topic: name }) => name === topic);
    if (found === undefined || found.errorCode === KAFKA_CODE.unknownTopicOrPartition) {
      throw new SourceFailure(
        'topicMissing',
        `Topic ${topic} does not exist. Create it; Tidemark never does.`,
        {
          fields: { topic },
        },
      );
    }
    return found.partitions;
  }

  #ask<T>(doing: string, question: () => Promise<T>): Promise<T> {
    // The group's coordinator, or a leader, may have moved.
    const retried = (): void => this.#brokers.forgetCoordinator(this.#options.groupId);
    return askUntil(this.#context, doing, this.#tuning.questionMs, question, retried);
  }
}

async function unfinishedIn(
  listener: SourceListener,
  assigned: ReadonlySet<string>,
): Promise<readonly TopicPartition[]> {
  return (await listener.unfinished?.(assigned)) ?? [];
}

/** The offsets, with each -1 replaced. */
async function orElse(offsets: readonly bigint[], others: () => Promise<bigint[]>): Promise<bigint[]> {
  if (offsets.every((offset) => offset >= 0n)) return [...offsets];
  const replacements = await others();
  return offsets.map((offset, index) => (offset >= 0n ? offset : (replacements[index] ?? offset)));
}
