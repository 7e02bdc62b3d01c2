/**
 * Is the log still the one that was read (KIP-320)? A leader is asked where the leader epoch of the last batch below an offset ends: an
 * end below the offset means that the log was cut, and perhaps grew again. Asked at open, of each new leader and leader epoch, and
 * after each reconnection, since a log that was cut by hand may keep its epoch.
 */
import { TidemarkError } from '../../../../journal/errors.ts';
import type { LogPosition, ReadEpoch } from '../../port.ts';
import { type Divergence, findDivergence } from './divergence.ts';
import { ANY_LEADER_EPOCH, type EpochEnd } from '../protocol/epochEnd.ts';
import type { Feed } from '../feed.ts';
import type { FetcherContext } from '../fetcher.ts';
import { KAFKA_CODE } from '../errors.ts';
import type { PartitionLeader } from '../protocol/metadata.ts';
import type { OffsetsInQuestion } from './recordProbe.ts';

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
  /** Whether the leader's log holds records at these offsets. */
  readonly holdsRecords: (leader: PartitionLeader, offsets: OffsetsInQuestion) => Promise<boolean>;
}

export interface LogCheckHost<F extends CheckedFeed> {
  /** The feed's leader is another one, or not ready: it is looked for again. */
  lostLeader(feed: F): void;
}

/** A log that is not the one that was read, and its answer for the leader epoch that was read last. */
interface Differing {
  readonly offset: bigint;
  readonly read: ReadEpoch;
  readonly end: EpochEnd;
  readonly logEnd?: bigint | null;
}

const NOT_CERTAIN =
  ' Of what was read before that no leader epoch is known that the log holds: it may differ there already.';

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
      await this.#judgeFeed(feed, end, { offset, read }, { nodeId, connects });
    }
    return feeds.filter(
      (feed) => feed.open && feed.leader === nodeId && this.#isProven(feed, nodeId, connects),
    );
  }

  #isProven(feed: F, nodeId: number, connects: number): boolean {
    return feed.provenBy === stampOf(nodeId, feed.leaderEpoch, connects);
  }

  async #judgeFeed(
    feed: F,
    end: EpochEnd | undefined,
    position: LogPosition,
    { nodeId, connects }: { readonly nodeId: number; readonly connects: number },
  ): Promise<void> {
    const { leaderEpoch, partition } = feed;
    switch (end?.errorCode) {
      case KAFKA_CODE.none:
        try {
          await this.#judge(feed, end, position, {
            ...{ partition, errorCode: KAFKA_CODE.none, leader: nodeId, leaderEpoch },
          });
          feed.provenBy = stampOf(nodeId, leaderEpoch, connects);
          feed.olderSinceMs = null;
        } catch (error) {
          if (error instanceof TidemarkError) feed.fail(error);
          else this.#host.lostLeader(feed);
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

  /** Throws SOURCE_TRUNCATED where the leader's log holds less of what was read than was read; anything else where it does not answer. */
  async #judge(
    feed: F,
    end: EpochEnd,
    { offset, read }: LogPosition,
    leader: PartitionLeader,
  ): Promise<void> {
    if (read === null) return;
    if (end.endOffset < 0n) {
      this.#tellWithout(feed);
      return;
    }
    if (end.endOffset >= offset && end.leaderEpoch >= read.epoch) return;
    const error = await this.#difference(feed, leader, { offset, read, end });
    if (error !== null) throw error;
  }

  /**
   * A log that does not have the epoch that was read. In most it is another log, however long it has grown in an earlier epoch. But a replica of
   * a compacted log that was built anew knows no epoch of which compaction has taken every batch: it holds no records where that was, and so
   * nothing that was not read. Null then.
   */
  async #difference(feed: F, leader: PartitionLeader, differing: Differing): Promise<TidemarkError | null> {
    const { offset, read, end, logEnd = null } = differing;
    const found = await findDivergence({ offset, read }, end, logEnd, (epoch) =>
      this.#ask(feed, leader, leader.leaderEpoch, epoch),
    );
    const asked = { topic: feed.topic, fromOffset: found.divergedAt, toOffset: offset };
    const isThere = end.endOffset >= offset && !(await this.#context.holdsRecords(leader, asked));
    return isThere ? null : truncated(feed.name, offset, found);
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
    await this.#judge(feed, end, position, leader);
  }

  /**
   * For a log whose leader epoch has stayed below one that was read: SOURCE_TRUNCATED, or null where the log holds what was read all the
   * same.
   */
  async olderLog(feed: F): Promise<TidemarkError | null> {
    const read = feed.readEpoch;
    if (read === null) return null;
    const leader = await this.#leaderOf(feed);
    const { fetchOffset: offset } = feed;
    const end = await this.#ask(feed, leader, ANY_LEADER_EPOCH, read.epoch);
    if (end.leaderEpoch === read.epoch && end.endOffset >= offset) return null;
    // The epoch may be later than every one of the log's: nothing of it is there.
    const logEnd = end.endOffset < 0n ? await this.#logEnd(feed, leader) : null;
    const any = { ...leader, leaderEpoch: ANY_LEADER_EPOCH };
    return this.#difference(feed, any, { offset, read, end, logEnd });
  }

  /** For an offset behind the end of the log. Null where the broker tells no epochs. */
  async beyondEnd(feed: F, leader: PartitionLeader): Promise<TidemarkError | 'inside' | null> {
    const logEnd = await this.#logEnd(feed, leader);
    if (logEnd === null) return null;
    if (feed.fetchOffset <= logEnd) return 'inside';
    const { readEpoch: read, fetchOffset: offset } = feed;
    if (read === null) return truncated(feed.name, offset, endOfLog(logEnd));
    const end = await this.#ask(feed, leader, ANY_LEADER_EPOCH, read.epoch);
    const any = { ...leader, leaderEpoch: ANY_LEADER_EPOCH };
    return (await this.#difference(feed, any, { offset, read, end, logEnd })) ?? 'inside';
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

/** All that can be told of a log that is shorter than what was read, where no leader epoch of that is known. */
export function endOfLog(divergedAt: bigint): Divergence {
  return { divergedAt, leaderEpoch: null, isCertain: false };
}

export function truncated(
  name: string,
  nextOffset: bigint,
  { divergedAt, leaderEpoch, isCertain }: Divergence,
): TidemarkError {
  return new TidemarkError(
    'SOURCE_TRUNCATED',
    `The log of ${name} went back: it was read up to offset ${nextOffset.toString()}, and from offset ${divergedAt.toString()} on Kafka no longer ` +
      `holds what was read, or holds other records.${isCertain ? '' : NOT_CERTAIN} What was read stays committed. Restore the log and resume; or go on ` +
      `with what Kafka holds now: tidemark accept-truncation JOB.yaml ${name} --from ${divergedAt.toString()}`,
    { fields: { partition: name, divergedAt, nextOffset, leaderEpoch } },
  );
}
