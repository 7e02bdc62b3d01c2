/**
 * Checks that the log is still the one that was read (KIP-320). A leader is asked where the leader epoch of
 * the last batch below an offset ends. An end below the offset means that the log was truncated, and perhaps
 * grew again. The check runs at open, for each new leader and leader epoch, and after each reconnection,
 * since a log that was truncated by hand may keep its epoch.
 */
import type { EpochStart } from '../../../../journal/events.ts';
import { TidemarkError } from '../../../../journal/errors.ts';
import { SourceFailure } from '../../failure.ts';
import type { LogPosition, ReadEpoch } from '../../port.ts';
import { type Divergence, epochBelow, findDivergence } from './divergence.ts';
import { ANY_LEADER_EPOCH, type EpochEnd } from '../wire/epochEnd.ts';
import type { Feed } from '../feed.ts';
import type { FetcherContext } from '../fetcher.ts';
import { KAFKA_CODE } from '../errors.ts';
import type { PartitionLeader } from '../wire/metadata.ts';
import type { OffsetsInQuestion } from './recordProbe.ts';

/** A leader's answer is outdated if any of these changes. */
function stampOf(nodeId: number, leaderEpoch: number, connects: number): string {
  return `${nodeId}/${leaderEpoch}/${connects}`;
}

/** The parts of a feed that are compared with its log. */
export type CheckedFeed = Pick<
  Feed,
  | ('name' | 'topic' | 'partition' | 'open' | 'fail')
  | ('leader' | 'leaderEpoch' | 'readEpoch' | 'highestEpoch' | 'fetchOffset' | 'provenBy' | 'olderSinceMs')
>;

type At = Pick<CheckedFeed, 'name' | 'topic' | 'partition'>;

export interface LogCheckContext extends Pick<FetcherContext, 'clock' | 'log'> {
  readonly brokers: Pick<FetcherContext['brokers'], 'metadata' | 'epochEnds' | 'fetchConnects'>;
  /** Whether the leader's log holds records at these offsets. */
  readonly holdsRecords: (leader: PartitionLeader, offsets: OffsetsInQuestion) => Promise<boolean>;
}

export interface LogCheckHost<F extends CheckedFeed> {
  /** The feed's leader has changed or is not ready, and must be searched for again. */
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

  /**
   * The broker's feeds that may be fetched over this connection. The others have ended or lost their leader.
   */
  async admitted(nodeId: number, connects: number, feeds: readonly F[]): Promise<F[]> {
    for (const feed of feeds) {
      // Nothing was read yet, so everything will be read from this log.
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

  /** Throws SOURCE_TRUNCATED if the leader's log lacks what was read; another error if it does not answer. */
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
   * Judges a log that does not have the epoch that was read. Usually it is another log, however long it has
   * grown in an earlier epoch. But a rebuilt replica of a compacted log does not know an epoch if compaction
   * has removed all its batches. It holds no records there, so nothing that was not read: then null.
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
   * Proves that the log still holds what was read up to the position. Asks nothing if nothing has changed
   * since the last proof. Throws SOURCE_TRUNCATED, or another error if no leader answers for certain.
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
   * For a log whose leader epoch has stayed below one that was read: SOURCE_TRUNCATED, or null if the log
   * holds what was read all the same.
   */
  async olderLog(feed: F): Promise<TidemarkError | null> {
    const read = feed.readEpoch;
    if (read === null) return null;
    const leader = await this.#leaderOf(feed);
    const { fetchOffset: offset } = feed;
    const end = await this.#ask(feed, leader, ANY_LEADER_EPOCH, read.epoch);
    if (end.leaderEpoch === read.epoch && end.endOffset >= offset) return null;
    // The epoch may be later than all of the log's: then the log has nothing of it.
    const logEnd = end.endOffset < 0n ? await this.#logEnd(feed, leader) : null;
    const any = { ...leader, leaderEpoch: ANY_LEADER_EPOCH };
    return this.#difference(feed, any, { offset, read, end, logEnd });
  }

  /** For an offset after the end of the log. Null if the broker has no leader epochs. */
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

  /**
   * The leader epoch in which the log holds the offset before `offset`. Null if there is none before it, or
   * if the broker has no leader epochs. Throws SOURCE_TRUNCATED if the log ends before `offset`; another
   * error if no leader answers for certain.
   */
  async epochBelow(at: At, offset: bigint): Promise<EpochStart | null> {
    if (offset === 0n) return null;
    const leader = await this.#leaderOf(at);
    const { leaderEpoch: latest } = leader;
    if (latest < 0) return null;
    const { endOffset: logEnd } = await this.#ask(at, leader, latest, latest);
    if (logEnd < 0n) return null;
    if (logEnd < offset) throw truncated(at.name, offset, endOfLog(logEnd));
    return epochBelow(offset, latest, (epoch) => this.#ask(at, leader, latest, epoch));
  }

  /** Null if the broker does not know. */
  async #logEnd(feed: At, leader: PartitionLeader): Promise<bigint | null> {
    if (leader.leaderEpoch < 0) return null;
    const { endOffset } = await this.#ask(feed, leader, ANY_LEADER_EPOCH, leader.leaderEpoch);
    return endOffset < 0n ? null : endOffset;
  }

  async #leaderOf(feed: At): Promise<PartitionLeader> {
    const { topics } = await this.#context.brokers.metadata([feed.topic]);
    const leader = topics.find(({ topic }) => topic === feed.topic)?.partitions[feed.partition];
    if (leader === undefined || leader.leader < 0) throw new Error(`${feed.name} has no leader now`);
    return leader;
  }

  async #ask(feed: At, { leader }: PartitionLeader, current: number, epoch: number): Promise<EpochEnd> {
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
      `Kafka does not know the leader epochs of ${feed.name}: a log that is cut and grows again is ` +
        'noticed only while it is shorter than what was read.',
    );
  }
}

function questionOf({ topic, partition }: At, currentLeaderEpoch: number, leaderEpoch: number) {
  return { topic, partition, currentLeaderEpoch, leaderEpoch };
}

/**
 * For a log that is shorter than what was read, if no leader epoch is known: only its end can be reported.
 */
export function endOfLog(divergedAt: bigint): Divergence {
  return { divergedAt, leaderEpoch: null, isCertain: false };
}

export function truncated(
  name: string,
  nextOffset: bigint,
  { divergedAt, leaderEpoch, isCertain }: Divergence,
): TidemarkError {
  return new SourceFailure(
    'truncated',
    `The log of ${name} went back: it was read up to offset ${nextOffset.toString()}, and from offset ` +
      `${divergedAt.toString()} on Kafka no longer holds what was read, or holds other ` +
      `records.${isCertain ? '' : NOT_CERTAIN} What was read stays committed. Restore the log and resume; ` +
      `or continue with what Kafka holds now: tidemark accept-truncation JOB.yaml ${name} --from ` +
      divergedAt.toString(),
    { fields: { partition: name, nextOffset }, affected: { truncation: { divergedAt, leaderEpoch } } },
  );
}
