/**
 * Membership in the consumer group, through the client's consumer, which only assigns partitions and sends
 * heartbeats. A consumer that fails is replaced.
 */
import type { KafkaConfig } from '../client/types.ts';
import { partitionName, type TopicPartition } from '../../../../journal/ids.ts';
import type { Clock } from '../../../system/clock.ts';
import { brokerAddress } from '../wire/address.ts';
import type { Brokers } from '../brokers.ts';
import { leadGroup, type LeaderContext } from './leader.ts';
import {
  decodeCountsMark,
  decodeMember,
  decodeUnnamed,
  encodeMember,
  PROTOCOL_NAME,
} from '../client/group.ts';
import { countsMarkOf, type MemberFacts, NONE_UNNAMED } from './userData.ts';
import { GroupConsumer } from '../client/consumer.ts';
import { hasKafkaType, isAuthenticationFailure } from '../client/errors.ts';
import { abortError, instanceFencedError, KAFKA_CODE, reasonOf, securityHint } from '../errors.ts';
import { type ObservedAssigner, observedAssigner, type StaticPlace } from '../client/observedAssigner.ts';
import { dismissDeadMembers, leaveOnceAnswered, makeLeave } from './leaving.ts';
import type { MemberRecords } from './memberRecord.ts';
import type { KafkaTuning, SourceLog } from '../options.ts';
import { pauseUnless, retryDelayMs } from '../../../system/pacing.ts';
import { waitFor, type Waits } from '../waits.ts';

export interface MembershipContext {
  readonly config: KafkaConfig;
  /** `host:port` of the brokers to begin with. */
  readonly addresses: readonly string[];
  readonly brokers: Brokers;
  readonly clock: Clock;
  readonly log: SourceLog;
  readonly waits: Waits;
  readonly tuning: KafkaTuning;
  readonly groupId: string;
  /** Of a static member: it keeps its place when it ends. Null: it leaves. */
  readonly instanceId: string | null;
  /** The topics to read, as known now. */
  readonly topics: () => readonly string[];
  /** What this member reports about itself to the others. */
  readonly member: Omit<MemberFacts, 'partitions' | 'held' | 'rejoins'>;
  readonly records: MemberRecords | null;
  readonly signal: AbortSignal;
}

export interface MembershipListener {
  /** Synchronous: the partitions are already paused. `unnamed` are to be taken over and not read. */
  assigned(partitions: readonly TopicPartition[], unnamed: readonly TopicPartition[]): void;
  /** Partitions of the job with unfinished files and not in `named` (by name). Null if nobody knows. */
  readonly unfinished: LeaderContext['unfinished'];
  failed(error: unknown): void;
}

/** A member of one generation of the group, as a commit names it. */
export interface Generation {
  readonly memberId: string;
  readonly generationId: number;
  readonly partitions: readonly TopicPartition[];
  /** To be taken over and not read: the source does not name them. */
  readonly unnamed: readonly TopicPartition[];
}

/** How long an orderly leave may take before the connections are cut. */
const LEAVE_MS = 250;

export class Membership {
  readonly #context: MembershipContext;
  readonly #listener: MembershipListener;
  #generation: Generation | null = null;
  /** From the coordinator's latest answer. The join that it belongs to may be incomplete. */
  #memberId: string | null = null;
  #generationId = -1;
  /** Member id with which a static member joins again. Empty: none yet, or Kafka has forgotten it. */
  #placeId = '';
  #rejoins = 0;
  #unnamed = NONE_UNNAMED;
  /** Marks of the counts that this member has reported, and of those that its assignment was made for. */
  #counts: { reported: string; assigned: string | null } = { reported: '', assigned: null };
  /** Of the consumer that runs, or ran last. */
  #observed: ObservedAssigner | null = null;
  /** When the group coordinator last answered a heartbeat or a join. */
  #aliveAtMs = 0;
  readonly #joinWaiters = new Set<() => void>();
  /** Leaves of earlier members that are not complete yet. */
  readonly #leaving = new Set<Promise<void>>();

  constructor(context: MembershipContext, listener: MembershipListener) {
    this.#context = context;
    this.#listener = listener;
  }

  /** The generation that last assigned partitions; null before the first. */
  get generation(): Generation | null {
    return this.#generation;
  }

  /** There are more topics to read: the group is joined again with them. */
  topicsFound(): void {
    this.#observed?.subscribe(this.#context.topics());
  }

  /** Resolves at the next assignment, or when the source is closed or the signal is aborted. */
  nextJoin(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        signal?.removeEventListener('abort', wake);
        this.#joinWaiters.delete(wake);
        resolve();
      };
      this.#joinWaiters.add(wake);
      signal?.addEventListener('abort', wake);
      if (signal?.aborted === true) wake();
    });
  }

  /** Runs until the source is closed: joins, and joins again with a new consumer if one has failed. */
  async run(): Promise<void> {
    const dismissed = dismissDeadMembers(this.#context, () => this.#memberId !== null);
    // The rejection is reported where it is awaited. Until then it must not be unhandled.
    dismissed.catch(() => undefined);
    await this.#joinUntilClosed().finally(() => this.#wakeJoinWaiters());
    await dismissed;
    await Promise.all(this.#leaving);
  }

  async #joinUntilClosed(): Promise<void> {
    const { signal, clock, waits, groupId, instanceId } = this.#context;
    for (let failures = 0; !signal.aborted;) {
      const failure = await this.#runConsumer(() => {
        failures = 0;
        waits.over(waitFor.group(groupId));
      });
      if (signal.aborted as boolean) break;
      if (isAuthenticationFailure(failure)) {
        this.#listener.failed(failure);
        break;
      }
      if (instanceId !== null && hasKafkaType(failure, 'FENCED_INSTANCE_ID')) {
        this.#listener.failed(instanceFencedError(instanceId, groupId));
        break;
      }
      failures += 1;
      waits.failed(
        waitFor.group(groupId),
        failures,
        { groupId, failures },
        `The membership in group ${groupId} broke and is made anew: ` +
          `${reasonOf(failure)}${securityHint(failure)}`,
      );
      await pauseUnless(signal, clock, retryDelayMs(failures));
    }
  }

  /**
   * Runs one consumer from its join to its end. Resolves with what ended it; null if the source was closed.
   */
  async #runConsumer(joined: () => void): Promise<unknown> {
    const { signal, clock, config, groupId, tuning, log } = this.#context;
    const observed = this.#observedAssigner();
    this.#observed = observed;
    const failed = Promise.withResolvers<unknown>();
    const consumer = new GroupConsumer(
      { config, groupId, tuning, log, observed },
      {
        heartbeat: () => {
          this.#aliveAtMs = clock.nowMs();
        },
        assigned: (assignment) => {
          this.#assigned(assignment);
          joined();
          if (this.#isOutdated()) {
            this.#rejoins += 1;
            observed.rejoin();
          }
        },
        crashed: failed.resolve,
      },
    );
    const over = new AbortController();
    this.#aliveAtMs = clock.nowMs();
    // Removed when this consumer is over: the signal outlives thousands of them while Kafka is away.
    signal.addEventListener('abort', () => failed.resolve(null), { once: true, signal: over.signal });
    if (signal.aborted) failed.resolve(null);
    consumer.join(this.#context.topics()).catch(failed.resolve);
    void this.#watch(over.signal).then(failed.resolve);
    const failure = await failed.promise;
    over.abort();
    await this.#leave(consumer, observed);
    return failure;
  }

  /**
   * A static member that comes back gets its assignment of before, without a rebalance. It may have been made
   * for other topics, or fewer partitions: then it joins again, once, with changed metadata.
   */
  #isOutdated(): boolean {
    const { reported, assigned } = this.#counts;
    return this.#context.instanceId !== null && this.#rejoins === 0 && reported !== assigned;
  }

  get #place(): StaticPlace | null {
    const { instanceId } = this.#context;
    if (instanceId === null) return null;
    return {
      instanceId,
      memberId: () => this.#placeId,
      memberIdUnknown: () => {
        this.#placeId = '';
      },
    };
  }

  #observedAssigner(): ObservedAssigner {
    const { member, brokers, clock, log, groupId } = this.#context;
    const { unfinished } = this.#listener;
    const leader = { brokers, clock, log, groupId, job: member.job, unfinished };
    return observedAssigner(
      {
        memberIdGiven: (memberId) => this.#remember(memberId),
        joined: (memberId, generationId) => {
          this.#remember(memberId);
          this.#generationId = generationId;
        },
        synced: (memberAssignment) => {
          this.#unnamed = decodeUnnamed(memberAssignment);
          this.#counts.assigned = decodeCountsMark(memberAssignment);
        },
      },
      {
        name: PROTOCOL_NAME,
        place: this.#place,
        seeds: this.#context.addresses.map(brokerAddress),
        metadata: (topics, countOf) => {
          const partitions = Object.fromEntries(topics.map((topic) => [topic, countOf(topic)]));
          this.#counts.reported = countsMarkOf(partitions);
          const again = this.#rejoins === 0 ? {} : { rejoins: this.#rejoins };
          return encodeMember(topics, { ...member, partitions, held: this.#generation, ...again });
        },
        assign: (members) =>
          leadGroup(
            leader,
            members.map(({ memberId, memberMetadata }) => decodeMember(memberId, memberMetadata)),
          ),
      },
    );
  }

  /** Resolves with a reason to replace the consumer if it is stuck without an error. */
  async #watch(over: AbortSignal): Promise<unknown> {
    const { clock, tuning } = this.#context;
    const silenceMsMax = tuning.sessionTimeoutMs + tuning.rebalanceTimeoutMs;
    while (!over.aborted && clock.nowMs() - this.#aliveAtMs <= silenceMsMax) {
      await pauseUnless(over, clock, tuning.pollMs);
    }
    return new Error(`the group coordinator has answered no heartbeat for ${silenceMsMax} ms`);
  }

  #assigned(assignment: Readonly<Record<string, number[]>>): void {
    const topics = Object.keys(assignment);
    const before = this.#generation?.partitions ?? [];
    const { own, all } = this.#unnamed;
    this.#announce(
      topics.flatMap((topic) => (assignment[topic] ?? []).map((partition) => ({ topic, partition }))),
      own,
    );
    const settled = new Set(all.map(partitionName));
    const gone = before.filter((at) => !topics.includes(at.topic) && !settled.has(partitionName(at)));
    if (gone.length > 0) void this.#keepDeleted(gone);
  }

  #announce(partitions: readonly TopicPartition[], unnamed: readonly TopicPartition[]): void {
    this.#aliveAtMs = this.#context.clock.nowMs();
    const [memberId, generationId] = [this.#memberId ?? '', this.#generationId];
    this.#generation = { memberId, generationId, partitions, unnamed };
    this.#listener.assigned(partitions, unnamed);
    this.#wakeJoinWaiters();
  }

  /**
   * A deleted topic is assigned to nobody. Its partitions stay with their last owner, so that the loss is
   * reported and not just forgotten.
   */
  async #keepDeleted(gone: readonly TopicPartition[]): Promise<void> {
    const { brokers, log, clock, tuning, signal } = this.#context;
    const generation = this.#generation;
    const names = [...new Set(gone.map(({ topic }) => topic))];
    let missing: string[] | null = null;
    while (missing === null && !signal.aborted) {
      try {
        const { topics } = await brokers.metadata(names);
        const unknown = topics.filter(({ errorCode }) => errorCode === KAFKA_CODE.unknownTopicOrPartition);
        missing = unknown.map(({ topic }) => topic);
      } catch (error) {
        log.debug({}, `Topics that are assigned no more cannot be looked for: ${reasonOf(error)}`);
        await pauseUnless(signal, clock, tuning.pollMs);
      }
    }
    const kept = gone.filter(({ topic }) => missing?.includes(topic));
    // A join that came meanwhile has checked for itself.
    if (kept.length === 0 || generation === null || this.#generation !== generation) return;
    this.#announce([...generation.partitions, ...kept], generation.unnamed);
  }

  #remember(memberId: string): void {
    this.#placeId = memberId;
    if (this.#memberId === memberId) return;
    this.#memberId = memberId;
    const { records, log, instanceId } = this.#context;
    try {
      records?.write(memberId, instanceId);
    } catch (error) {
      // Without the record a kill costs the session's time; without the member nothing is read at all.
      log.warn({ memberId }, `The record of this group member cannot be written: ${reasonOf(error)}`);
    }
  }

  #wakeJoinWaiters(): void {
    for (const resolve of this.#joinWaiters) resolve();
    this.#joinWaiters.clear();
  }

  /**
   * Leaves through the consumer. If that hangs (in a rebalance), leaves by id and cuts the connections. A
   * static member only ends its consumer.
   */
  async #leave(consumer: GroupConsumer, observed: ObservedAssigner): Promise<void> {
    const { clock, log, groupId, records, instanceId } = this.#context;
    const memberId = this.#memberId;
    const deadline = new AbortController();
    const orderly = consumer.leave().catch((error: unknown) => {
      log.debug({ groupId }, `The consumer did not leave: ${reasonOf(error)}`);
    });
    await Promise.race([orderly, pauseUnless(deadline.signal, clock, LEAVE_MS)]);
    deadline.abort();
    await observed.closeConnections(abortError('The group membership'));
    // The client is silent even if the leave fails, so it is repeated; an unknown member has left already. A
    // record without a member of our own is of one that could not be made to leave: a restart retries.
    this.#memberId = null;
    if (memberId === null) return;
    if (instanceId !== null) {
      // What a record names is made to leave.
      records?.remove();
      return;
    }
    if (await makeLeave(this.#context, memberId)) records?.remove();
    else this.#leaveLater(memberId);
  }

  #leaveLater(memberId: string): void {
    const leaving = leaveOnceAnswered(this.#context, memberId).finally(() => this.#leaving.delete(leaving));
    this.#leaving.add(leaving);
  }
}
