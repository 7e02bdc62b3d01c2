/**
 * Fetches for all open feeds. Each leading broker has one loop and one request in flight, for every partition
 * there that has room. Transient failures are retried without limit. The range guard handles offsets outside
 * the log.
 */
import type { EpochStart } from '../../../journal/events.ts';
import type { TidemarkError } from '../../../journal/errors.ts';
import { SourceFailure } from '../failure.ts';
import { partitionName, type TopicPartition } from '../../../journal/ids.ts';
import type { Clock } from '../../system/clock.ts';
import type { LogPosition, ReadEpoch } from '../port.ts';
import { UnpackRoom } from '../unpackRoom.ts';
import type { Brokers } from './brokers.ts';
import { Feed } from './feed.ts';
import type { FetchedPartition, FetchRequest, FetchResponse } from './wire/fetch.ts';
import { FrameLease } from './wire/framePool.ts';
import { authenticationError, KAFKA_CODE, reasonOf } from './errors.ts';
import { LeaderSearch } from './log/leaderSearch.ts';
import { LogCheck, type LogCheckContext } from './log/check.ts';
import type { KafkaSourceOptions, KafkaTuning, SourceLog } from './options.ts';
import { pauseUnless, retryDelayMs, Wakeup } from '../../system/pacing.ts';
import { askUntil } from './questions.ts';
import { watchRange } from './log/rangeGuard.ts';
import { BATCH_BYTES_MIN, type PartitionRecords, scanRecords } from './records/batches.ts';
import { holdsRecords } from './log/recordProbe.ts';
import { waitFor, type Waits } from './waits.ts';

type Probe = Parameters<LogCheckContext['holdsRecords']>;
type Answer = FetchedPartition & Pick<PartitionRecords, 'release'>;

export interface FetcherContext {
  readonly brokers: Pick<
    Brokers,
    'metadata' | 'fetch' | 'at' | 'epochEnds' | 'connectFetches' | 'fetchConnects'
  >;
  readonly clock: Clock;
  readonly log: SourceLog;
  readonly waits: Waits;
  readonly tuning: KafkaTuning;
  /** The configured brokers, for messages. */
  readonly addresses: readonly string[];
  readonly roomToFetch?: KafkaSourceOptions['roomToFetch'];
  /** Aborted when the source is closed. */
  readonly signal: AbortSignal;
}

/**
 * While one of a broker's feeds is full, the broker holds a fetch only this long, in milliseconds: idle
 * partitions must not delay a busy one.
 */
const BUSY_WAIT_MS = 20;
/** Consecutive empty answers before they are logged: a single one is transient. */
const EMPTY_ANSWERS_TOLD = 3;
/** Consecutive answers that cut off a batch although all of it was requested: a single one is transient. */
const CUT_ANSWERS_MAX = 3;
/** Applies however many partitions share the prefetched bytes. */
const FETCH_BYTES_MIN = 64 * 1024;
const FEEDS_UNCOPIED = 8;
const SLOW_WAY =
  'Records are decoded by the client library, one by one: slow, and there to compare with ' +
  '(source.kafka.decode).';
/** The largest number of bytes that a fetch can request. */
const FETCH_BYTES_LIMIT = 2 ** 31 - 1;

export class Fetcher {
  readonly #context: FetcherContext;
  readonly #feeds = new Set<Feed>();
  readonly #loops = new Map<number, { readonly wakeup: Wakeup; readonly ended: Promise<void> }>();
  readonly #leaders: LeaderSearch;
  readonly #room: UnpackRoom;
  readonly #check: LogCheck;
  #turn = 0;

  constructor(context: FetcherContext) {
    this.#context = context;
    this.#room = new UnpackRoom(context.tuning.unpackBytesMax);
    if (context.tuning.decode === 'records') context.log.info({}, SLOW_WAY);
    this.#leaders = new LeaderSearch(context, {
      feeds: this.#feeds,
      found: (nodeId) => this.#loopOf(nodeId).wakeup.notify(),
      missing: (feed) => this.#suspend(feed),
      olderLog: (feed) => this.#check.olderLog(feed),
    });
    const probed = { holdsRecords: (...asked: Probe) => holdsRecords(context, ...asked) };
    this.#check = new LogCheck({ ...context, ...probed }, { lostLeader: (feed) => this.#lostLeader([feed]) });
    context.signal.addEventListener('abort', () => {
      for (const { wakeup } of this.#loops.values()) wakeup.notify();
    });
  }

  open(
    at: TopicPartition,
    offset: bigint,
    expectedTopicId: string | null,
    read: ReadEpoch | null = null,
  ): Feed {
    const wanted = (): void => {
      if (feed.leader !== null) this.#loops.get(feed.leader)?.wakeup.notify();
    };
    const owner = {
      wanted,
      closed: () => {
        this.#feeds.delete(feed);
        this.#context.waits.served(feed.name);
      },
      verify: (_feed: Feed, position: LogPosition) => this.#verify(feed, position),
    };
    const known = { expectedTopicId, read };
    const feed: Feed = new Feed(at, offset, known, this.#context.tuning, this.#room, owner);
    if (this.#context.signal.aborted) {
      void feed.close();
      return feed;
    }
    this.#feeds.add(feed);
    this.#leaders.search();
    return feed;
  }

  /** See `Source.epochBelow`. */
  epochBelow(at: TopicPartition, offset: bigint): Promise<EpochStart | null> {
    const named = { ...at, name: partitionName(at) };
    return askUntil(this.#context, 'leader epochs', this.#context.tuning.questionMs, () =>
      this.#check.epochBelow(named, offset),
    );
  }

  async #verify(feed: Feed, position: LogPosition): Promise<void> {
    const { tuning } = this.#context;
    await askUntil(this.#context, 'leader epochs', tuning.questionMs, () =>
      this.#check.verify(feed, position),
    );
  }

  /** Closes every feed and waits for the loops. A request in flight ends only if its connection is closed. */
  async close(): Promise<void> {
    await Promise.all([...this.#feeds].map((feed) => feed.close()));
    await Promise.all([...this.#loops.values()].map((loop) => loop.ended));
    await this.#leaders.ended();
  }

  #loopOf(nodeId: number): { readonly wakeup: Wakeup } {
    const running = this.#loops.get(nodeId);
    if (running !== undefined) return running;
    const wakeup = new Wakeup();
    const loop = { wakeup, ended: this.#run(nodeId, wakeup) };
    this.#loops.set(nodeId, loop);
    return loop;
  }

  async #run(nodeId: number, wakeup: Wakeup): Promise<void> {
    const { signal, clock, log, waits, roomToFetch } = this.#context;
    for (let failures = 0; !signal.aborted;) {
      await roomToFetch?.(() => !signal.aborted);
      const feeds = this.#plan(nodeId);
      if (feeds.length === 0) {
        await wakeup.wait();
        continue;
      }
      try {
        await this.#fetch(nodeId, feeds);
        if (failures > 0) log.info({ nodeId, failures }, `Broker ${nodeId} answers again.`);
        failures = 0;
      } catch (error) {
        // Closing the source ends a request in flight with an error, and the loop with it.
        if (signal.aborted as boolean) return;
        failures += 1;
        const message = `Fetching from broker ${nodeId} failed and is tried again: ${reasonOf(error)}`;
        waits.failed(waitFor.broker(nodeId), failures, { nodeId, failures }, message);
        waits.unserved(
          waitFor.broker(nodeId),
          feeds.filter(({ open }) => open).map(({ name }) => name),
        );
        this.#lostLeader(feeds);
        await pauseUnless(signal, clock, retryDelayMs(failures));
      }
    }
  }

  /** Fetches the feeds whose logs were proved, over this very connection, to be the ones that were read. */
  async #fetch(nodeId: number, planned: readonly Feed[]): Promise<void> {
    const { brokers } = this.#context;
    const connects = await brokers.connectFetches(nodeId);
    const feeds = await this.#check.admitted(nodeId, connects, planned);
    if (feeds.length === 0) return;
    const request = this.#request(nodeId, feeds);
    const response = await brokers.fetch(nodeId, request);
    if (response.errorCode !== KAFKA_CODE.none)
      throw new Error(`the broker answered error ${response.errorCode}`);
    // If the connection was made anew meanwhile, the broker that answers may have another log.
    if (brokers.fetchConnects(nodeId) === connects) this.#apply(feeds, request, response);
  }

  /** Open feeds of this broker that have room, in turn. A feed that must be requested alone comes alone. */
  #plan(nodeId: number): Feed[] {
    const feeds: Feed[] = [];
    const names = new Set<string>();
    for (const feed of this.#feeds) {
      if (feed.leader !== nodeId || feed.suspended || feed.full || names.has(feed.name)) continue;
      if (feed.alone) return [feed];
      names.add(feed.name);
      feeds.push(feed);
    }
    this.#turn += 1;
    const first = this.#turn % Math.max(1, feeds.length);
    return [...feeds.slice(first), ...feeds.slice(0, first)];
  }

  #request(nodeId: number, feeds: readonly Feed[]): FetchRequest {
    const { fetchWaitMs, fetchBytesMax, requestBytesMax, prefetchBytesMax, prefetchFetches } =
      this.#context.tuning;
    let waitMs = fetchWaitMs;
    for (const feed of this.#feeds) {
      if (feed.leader === nodeId && feed.full) waitMs = Math.min(waitMs, BUSY_WAIT_MS);
    }
    const share = Math.floor(prefetchBytesMax / (this.#feeds.size * prefetchFetches));
    const bytesEach = Math.min(fetchBytesMax, Math.max(share, FETCH_BYTES_MIN));
    const partitions = feeds.map(({ topic, partition, leaderEpoch, fetchOffset, neededBytes }) => {
      return { topic, partition, leaderEpoch, fetchOffset, bytesMax: Math.max(bytesEach, neededBytes) };
    });
    return {
      waitMs,
      bytesMax: Math.max(requestBytesMax, ...partitions.map(({ bytesMax }) => bytesMax)),
      partitions,
    };
  }

  #apply(feeds: readonly Feed[], request: FetchRequest, response: FetchResponse): void {
    const asked = new Map(
      feeds.map((feed, index) => [feed.name, { feed, partition: request.partitions[index] }]),
    );
    const lease = new FrameLease(response.frame);
    for (const answer of response.partitions) {
      const { feed, partition } = asked.get(partitionName(answer)) ?? {};
      // The feed may have been closed, or moved forward through another broker, during this request.
      if (feed?.open !== true || partition?.fetchOffset !== feed.fetchOffset) continue;
      // A part of the answer keeps all of it in memory while it waits. With few feeds that does not matter.
      const isCopied = this.#feeds.size > FEEDS_UNCOPIED;
      const mine = isCopied
        ? { ...answer, records: Buffer.from(answer.records) }
        : { ...answer, release: lease.hold() };
      try {
        this.#applyOne(feed, mine, partition.bytesMax, feeds.length === 1);
      } catch (error) {
        feed.fail(error);
      }
    }
    lease.release();
  }

  #applyOne(feed: Feed, answer: Answer, askedBytes: number, askedAlone: boolean): void {
    switch (answer.errorCode) {
      case KAFKA_CODE.none:
        this.#take(feed, answer, askedBytes, askedAlone);
        return;
      case KAFKA_CODE.offsetOutOfRange:
        this.#suspend(feed);
        return;
      case KAFKA_CODE.unknownLeaderEpoch:
        feed.olderSinceMs ??= this.#context.clock.nowMs();
        this.#lostLeader([feed]);
        return;
      case KAFKA_CODE.corruptMessage:
        throw unreadable(feed);
      case KAFKA_CODE.topicAuthorizationFailed:
        throw authenticationError(new Error(`no access to topic ${feed.topic}`), this.#context.addresses);
      default:
        // A leader that has moved is normal; one that stays unavailable is logged.
        this.#context.waits.failed(
          waitFor.records(feed.name),
          feed.failures,
          { partition: feed.name, errorCode: answer.errorCode, nodeId: feed.leader },
          `Broker ${feed.leader ?? 'none'} does not serve ${feed.name}; its leader is looked for.`,
        );
        this.#lostLeader([feed]);
    }
  }

  #take(feed: Feed, answer: Answer, askedBytes: number, askedAlone: boolean): void {
    const { fetchOffset, name } = feed;
    feed.failures = 0;
    feed.olderSinceMs = null;
    feed.alone = false;
    const { lastStableOffset, records } = answer;
    const scanned = scanRecords({ ...answer, name, fetchedOffset: fetchOffset });
    if (scanned.nextOffset > fetchOffset) {
      this.#context.waits.served(name);
      feed.push(scanned);
      return;
    }
    // Nothing of the answer is kept.
    answer.release?.();
    if (scanned.neededBytes !== null) {
      // If a batch is requested alone, the broker returns it whole, unless the log is too short for it.
      const wasEnough = askedAlone && askedBytes >= scanned.neededBytes && records.length >= BATCH_BYTES_MIN;
      feed.cutAnswers = wasEnough ? feed.cutAnswers + 1 : 0;
      if (feed.cutAnswers === CUT_ANSWERS_MAX) throw cutOff(feed, scanned.neededBytes, records.length);
      feed.alone = true;
      feed.neededBytes = Math.min(Math.max(scanned.neededBytes, askedBytes + 1), FETCH_BYTES_LIMIT);
    } else if (records.length === 0 && lastStableOffset > fetchOffset) {
      // Other partitions may have filled the answer. If it was requested alone, a remote tier may have been
      // too slow. An empty answer proves nothing, and the offset never moves past records that were not seen.
      if (askedAlone) this.#tellEmpty(feed, lastStableOffset);
      else feed.alone = true;
    } else {
      this.#context.waits.served(name);
    }
  }

  #tellEmpty(feed: Feed, lastStableOffset: bigint): void {
    feed.emptyAnswers += 1;
    if (feed.emptyAnswers !== EMPTY_ANSWERS_TOLD) return;
    const { log, waits } = this.#context;
    const message =
      `Kafka answers with no records of ${feed.name} from offset ${feed.fetchOffset.toString()} on, ` +
      `although it has some up to ${lastStableOffset.toString()}; it is asked again until it gives them.`;
    log.warn({ partition: feed.name, offset: feed.fetchOffset, lastStableOffset }, message);
    waits.lasts(waitFor.records(feed.name), message);
  }

  #lostLeader(feeds: readonly Feed[]): void {
    for (const feed of feeds) {
      feed.leader = null;
      feed.failures += 1;
      feed.retryAtMs = this.#context.clock.nowMs() + retryDelayMs(feed.failures);
    }
    this.#leaders.search();
  }

  #suspend(feed: Feed): void {
    if (feed.suspended) return;
    feed.suspended = true;
    watchRange(this.#context, this.#check, feed).then(
      () => {
        feed.suspended = false;
        feed.leader = null;
        this.#leaders.search();
      },
      (error: unknown) => feed.fail(error),
    );
  }
}

function cutOff({ name, fetchOffset }: Feed, announcedBytes: number, foundBytes: number): TidemarkError {
  const message =
    `The record batch at offset ${fetchOffset.toString()} of ${name} says that it is ${announcedBytes} ` +
    `bytes long, but the log holds ${foundBytes} from there on: it is damaged. Repair the topic, or ` +
    'accept the loss of its offsets.';
  return new SourceFailure('batchCorrupt', message, {
    fields: { partition: name, offset: fetchOffset, announcedBytes, foundBytes },
    affected: { fromOffset: fetchOffset },
  });
}

function unreadable({ name, fetchOffset }: Feed): TidemarkError {
  const message =
    `The broker cannot read ${name} at offset ${fetchOffset.toString()}: its log is damaged. Repair the ` +
    'topic.';
  return new SourceFailure('batchCorrupt', message, {
    fields: { partition: name, offset: fetchOffset },
    affected: { fromOffset: fetchOffset },
  });
}
