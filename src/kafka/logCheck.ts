/**
 * Is the log still the one that was read (KIP-320)? A leader is asked where the leader epoch of the last batch below an offset ends: an
 * end below the offset means that the log was cut, and perhaps grew again. Asked at open, of each new leader and leader epoch, and
 * after each reconnection, since a log that was cut by hand may keep its epoch.
 */
import { TidemarkError } from '../../journal/errors.ts';
import type { LogPosition, ReadEpoch } from '../source/port.ts';
import { ANY_LEADER_EPOCH, type EpochEnd } from './epochProtocol.ts';
import type { Feed } from './feed.ts';
import type { FetcherContext } from './fetcher.ts';
import { KAFKA_CODE } from './kafkaErrors.ts';
import type { PartitionLeader } from './metadata.ts';

/** What makes an answer of a leader out of date. */
function stampOf(nodeId: number, leaderEpoch: number, connects: number): string {
  return `${nodeId}/${leaderEpoch}/${connects}`;
}

/** What of a feed is compared with its log. */
export type CheckedFeed = Pick<
  Feed,
  | ('name' | 'topic' | 'partition' | 'open' | 'fail')
  | ('leader' | 'leaderEpoch' | 'readEpoch' | 'highestEpoch' | 'fetchOffset' | 'provenBy' | 'olderSinceMs')
>;

export interface LogCheckContext extends Pick<FetcherContext, 'clock' | 'log'> {
  readonly brokers: Pick<FetcherContext['brokers'], 'metadata' | 'epochEnds' | 'fetchConnects'>;
}

export interface LogCheckHost<F extends CheckedFeed> {
  /** The feed's leader is another one, or not ready: it is looked for again. */
  lostLeader(feed: F): void;
}

export class LogCheck<F extends CheckedFeed = Feed> {
  readonly #context: LogCheckContext;
  readonly #host: LogCheckHost<F>;
  #wasTold = false;

  constructor(context: LogCheckContext, host: LogCheckHost<F>) {
    this.#context = context;
    this.#host = host;
  }

  /** Those of a broker's feeds that may be fetched over this connection: the others have ended, or their leader is looked for. */
  async admitted(nodeId: number, connects: number, feeds: readonly F[]): Promise<F[]> {
    for (const feed of feeds) {
      // Nothing was read yet: what will be is of this log.
      if (feed.readEpoch === null) feed.provenBy = stampOf(nodeId, feed.leaderEpoch, connects);
    }
    const unproven = feeds.filter((feed) => !this.#isProven(feed, nodeId, connects));
    if (unproven.length === 0) return [...feeds];
    const asked = unproven.map((feed) => ({ feed, read: feed.readEpoch, offset: feed.fetchOffset }));
    const ends = await this.#context.brokers.epochEnds(
      nodeId,
      asked.flatMap(({ feed, read }) =>
        read === null ? [] : [questionOf(feed, feed.leaderEpoch, read.epoch)],
      ),
    );
    for (const { feed, read, offset } of asked) {
      if (read === null || feed.leader !== nodeId) continue;
      const end = ends.find(({ topic, partition }) => topic === feed.topic && partition === feed.partition);
      this.#judgeFeed(feed, end, { offset, read }, stampOf(nodeId, feed.leaderEpoch, connects));
    }
    return feeds.filter(
      (feed) => feed.open && feed.leader === nodeId && this.#isProven(feed, nodeId, connects),
    );
  }

  #isProven(feed: F, nodeId: number, connects: number): boolean {
    return feed.provenBy === stampOf(nodeId, feed.leaderEpoch, connects);
  }

  #judgeFeed(feed: F, end: EpochEnd | undefined, position: LogPosition, stamp: string): void {
    switch (end?.errorCode) {
      case KAFKA_CODE.none:
        try {
          this.#judge(feed, end, position);
          feed.provenBy = stamp;
          feed.olderSinceMs = null;
        } catch (error) {
          feed.fail(error);
        }
        return;
      case KAFKA_CODE.unknownLeaderEpoch:
        feed.olderSinceMs ??= this.#context.clock.nowMs();
        this.#host.lostLeader(feed);
        return;
      default:
        this.#host.lostLeader(feed);
    }
  }

  /** Throws SOURCE_TRUNCATED where the leader's log holds less of what was read than was read. */
  #judge(feed: F, end: EpochEnd, { offset, read }: LogPosition): void {
    if (read === null) return;
    if (end.endOffset < 0n) {
      this.#tellWithout(feed);
      return;
    }
    // A log without the epoch that was read is another one, however long it has grown in an earlier epoch.
    if (end.endOffset < offset || end.leaderEpoch < read.epoch)
      throw truncated(feed.name, offset, divergence(end, read));
  }

  /**
   * Whether what was read up to the position is still in the log, asked now; nothing is asked where nothing has changed since the feed was
   * last proven. Throws SOURCE_TRUNCATED, and anything else where no leader answers for certain.
   */
  async verify(feed: F, position: LogPosition): Promise<void> {
    const { brokers } = this.#context;
    const { read } = position;
    if (read === null) return;
    if (feed.leader !== null && this.#isProven(feed, feed.leader, brokers.fetchConnects(feed.leader))) return;
    const leader = await this.#leaderOf(feed);
    if (leader.leaderEpoch < feed.highestEpoch)
      throw new Error(`${feed.name} is led in epoch ${leader.leaderEpoch}, behind ${feed.highestEpoch}`);
    const end = await this.#ask(feed, leader, leader.leaderEpoch, read.epoch);
    this.#judge(feed, end, position);
  }

  /**
   * For a log whose leader epoch has stayed below one that was read: SOURCE_TRUNCATED, or null where the log holds what was read all the
   * same.
   */
  async olderLog(feed: F): Promise<TidemarkError | null> {
    const read = feed.readEpoch;
    if (read === null) return null;
    const leader = await this.#leaderOf(feed);
    const end = await this.#ask(feed, leader, ANY_LEADER_EPOCH, read.epoch);
    if (end.leaderEpoch === read.epoch && end.endOffset >= feed.fetchOffset) return null;
    if (end.endOffset >= 0n) return truncated(feed.name, feed.fetchOffset, divergence(end, read));
    // The epoch is later than every one of the log's: nothing of it is there.
    const logEnd = await this.#logEnd(feed, leader);
    const divergedAt = logEnd !== null && logEnd < read.startOffset ? logEnd : read.startOffset;
    return truncated(feed.name, feed.fetchOffset, { divergedAt, leaderEpoch: null });
  }

  /** For an offset behind the end of the log. Null where the broker tells no epochs. */
  async beyondEnd(feed: F, leader: PartitionLeader): Promise<TidemarkError | 'inside' | null> {
    const logEnd = await this.#logEnd(feed, leader);
    if (logEnd === null) return null;
    if (feed.fetchOffset <= logEnd) return 'inside';
    const read = feed.readEpoch;
    const end = read === null ? null : await this.#ask(feed, leader, ANY_LEADER_EPOCH, read.epoch);
    const isKnown = read !== null && end !== null && end.endOffset >= 0n && end.endOffset < logEnd;
    const diverged = isKnown ? divergence(end, read) : { divergedAt: logEnd, leaderEpoch: null };
    return truncated(feed.name, feed.fetchOffset, diverged);
  }

  /** Null where the broker does not say. */
  async #logEnd(feed: F, leader: PartitionLeader): Promise<bigint | null> {
    if (leader.leaderEpoch < 0) return null;
    const { endOffset } = await this.#ask(feed, leader, ANY_LEADER_EPOCH, leader.leaderEpoch);
    return endOffset < 0n ? null : endOffset;
  }

  async #leaderOf(feed: F): Promise<PartitionLeader> {
    const { topics } = await this.#context.brokers.metadata([feed.topic]);
    const leader = topics.find(({ topic }) => topic === feed.topic)?.partitions[feed.partition];
    if (leader === undefined || leader.leader < 0) throw new Error(`${feed.name} has no leader now`);
    return leader;
  }

  async #ask(feed: F, { leader }: PartitionLeader, current: number, epoch: number): Promise<EpochEnd> {
    const [end] = await this.#context.brokers.epochEnds(leader, [questionOf(feed, current, epoch)]);
    if (end?.errorCode !== KAFKA_CODE.none)
      throw new Error(`broker ${leader} answers error ${end?.errorCode ?? -1} for the log of ${feed.name}`);
    return end;
  }

  #tellWithout(feed: F): void {
    if (this.#wasTold) return;
    this.#wasTold = true;
    this.#context.log.warn(
      { partition: feed.name },
      `Kafka does not know the leader epochs of ${feed.name}: a log that is cut and grows again is noticed only while it is shorter than what was read.`,
    );
  }
}

function questionOf({ topic, partition }: CheckedFeed, currentLeaderEpoch: number, leaderEpoch: number) {
  return { topic, partition, currentLeaderEpoch, leaderEpoch };
}

interface Divergence {
  readonly divergedAt: bigint;
  /** One that the log holds, and that ends there or later: were it cut again below, the epoch would end before. Null: none is known. */
  readonly leaderEpoch: number | null;
}

/** The epoch that was read last is unknown to the log where it answers for an earlier one: nothing of that epoch is there. */
function divergence(end: EpochEnd, read: ReadEpoch): Divergence {
  if (end.leaderEpoch < read.epoch && read.startOffset < end.endOffset)
    return { divergedAt: read.startOffset, leaderEpoch: end.leaderEpoch };
  return { divergedAt: end.endOffset, leaderEpoch: end.leaderEpoch < 0 ? null : end.leaderEpoch };
}

export function truncated(
  name: string,
  nextOffset: bigint,
  { divergedAt, leaderEpoch }: Divergence,
): TidemarkError {
  return new TidemarkError(
    'SOURCE_TRUNCATED',
    `The log of ${name} went back: it was read up to offset ${nextOffset.toString()}, and from offset ${divergedAt.toString()} on Kafka no longer ` +
      'holds what was read, or holds other records. What was read stays committed. Restore the log and resume; or go on with what Kafka ' +
      `holds now: tidemark accept-truncation JOB.yaml ${name} --from ${divergedAt.toString()}`,
    { fields: { partition: name, divergedAt, nextOffset, leaderEpoch } },
  );
}
