/** Finds the leading brokers of feeds that have none. Retries without limit. */
import type { TidemarkError } from '../../../../journal/errors.ts';
import type { Feed } from '../feed.ts';
import type { FetcherContext } from '../fetcher.ts';
import { authenticationError, KAFKA_CODE, reasonOf } from '../errors.ts';
import type { ClusterMetadata } from '../wire/metadata.ts';
import { pauseUnless, retryDelayMs, Wakeup } from '../../../system/pacing.ts';
import { replacedError } from './rangeGuard.ts';
import { waitFor } from '../waits.ts';

export interface LeaderSearchHost {
  readonly feeds: ReadonlySet<Feed>;
  /** This broker is now a feed's leader. */
  found(nodeId: number): void;
  /** The feed's topic or partition does not exist. */
  missing(feed: Feed): void;
  /** For a log whose leader epoch is below what was read: the error if it lacks what was read, else null. */
  olderLog(feed: Feed): Promise<TidemarkError | null>;
}

export class LeaderSearch {
  readonly #context: FetcherContext;
  readonly #host: LeaderSearchHost;
  readonly #wakeup = new Wakeup();
  #running: Promise<void> | null = null;
  #wanted = false;

  constructor(context: FetcherContext, host: LeaderSearchHost) {
    this.#context = context;
    this.#host = host;
  }

  /** There is a feed without a leader. */
  search(): void {
    this.#wanted = true;
    this.#wakeup.notify();
    this.#running ??= this.#context.waits
      .during(waitFor.metadata(), () => this.#searchAll())
      .finally(() => {
        this.#running = null;
        // For a call that came after the search had found nothing left to do.
        if (this.#wanted && !this.#context.signal.aborted) this.search();
      });
  }

  async ended(): Promise<void> {
    await this.#running;
  }

  #leaderless(): Feed[] {
    return [...this.#host.feeds].filter((feed) => feed.leader === null && !feed.suspended);
  }

  async #searchAll(): Promise<void> {
    const { signal, clock, brokers, waits } = this.#context;
    let failures = 0;
    // Batches the feeds that are opened in this turn of the event loop.
    await Promise.resolve();
    while (!signal.aborted) {
      this.#wanted = false;
      const feeds = this.#leaderless();
      if (feeds.length === 0) return;
      const due = feeds.filter((feed) => feed.retryAtMs <= clock.nowMs());
      if (due.length === 0) {
        const earliest = Math.min(...feeds.map((feed) => feed.retryAtMs));
        await Promise.race([
          pauseUnless(signal, clock, Math.max(1, earliest - clock.nowMs())),
          this.#wakeup.wait(),
        ]);
        continue;
      }
      try {
        const metadata = await brokers.metadata([...new Set(due.map((feed) => feed.topic))]);
        this.#assign(due, metadata);
        await this.#endOlder(due);
        failures = 0;
        waits.over(waitFor.metadata());
      } catch (error) {
        if (signal.aborted as boolean) return;
        failures += 1;
        waits.failed(
          waitFor.metadata(),
          failures,
          { failures },
          `Kafka's metadata cannot be read; trying again: ${reasonOf(error)}`,
        );
        await pauseUnless(signal, clock, retryDelayMs(failures));
      }
    }
  }

  #assign(feeds: readonly Feed[], metadata: ClusterMetadata): void {
    const found = new Set<number>();
    for (const feed of feeds) {
      const topic = metadata.topics.find(({ topic: name }) => name === feed.topic);
      const { leader = -1, leaderEpoch = -1 } = topic?.partitions[feed.partition] ?? {};
      if (
        topic !== undefined &&
        feed.expectedTopicId !== null &&
        topic.topicId !== null &&
        topic.topicId !== feed.expectedTopicId
      ) {
        feed.fail(replacedError(feed.topic, feed.expectedTopicId, topic.topicId));
      } else if (topic === undefined || topic.errorCode === KAFKA_CODE.unknownTopicOrPartition) {
        this.#host.missing(feed);
      } else if (topic.errorCode === KAFKA_CODE.topicAuthorizationFailed) {
        feed.fail(
          authenticationError(new Error(`no access to topic ${feed.topic}`), this.#context.addresses),
        );
      } else if (leader >= 0 && isBehind(feed, leaderEpoch)) {
        this.#isOlder(feed, leaderEpoch);
      } else if (leader >= 0) {
        feed.leader = leader;
        feed.leaderEpoch = leaderEpoch;
        feed.highestEpoch = Math.max(feed.highestEpoch, leaderEpoch);
        found.add(leader);
      } else {
        this.#leaderUnknown(feed);
      }
    }
    // Only now, so that the first fetch requests all of them.
    for (const nodeId of found) this.#host.found(nodeId);
  }

  /**
   * A broker that lags behind an election reports its former epoch for a moment. A cluster restored from an
   * older copy continues to report it.
   */
  #isOlder(feed: Feed, leaderEpoch: number): void {
    const { clock, log, tuning, waits } = this.#context;
    if (feed.olderSinceMs === null) {
      const seconds = Math.round(tuning.outOfRangeStableMs / 1000);
      const message =
        `${feed.name} is led in epoch ${leaderEpoch}, behind epoch ${feed.highestEpoch}, which was seen: ` +
        `if that stays so for ${seconds} s its log is an older one.`;
      log.warn({ partition: feed.name, leaderEpoch, highestEpoch: feed.highestEpoch }, message);
      waits.lasts(waitFor.records(feed.name), message);
    }
    feed.olderSinceMs ??= clock.nowMs();
    feed.failures += 1;
    feed.retryAtMs = clock.nowMs() + retryDelayMs(feed.failures);
  }

  /** Ends feeds whose leaders stay behind what was read, if the log lacks it. */
  async #endOlder(feeds: readonly Feed[]): Promise<void> {
    const { clock, tuning } = this.#context;
    for (const feed of feeds) {
      if (feed.olderSinceMs === null || clock.nowMs() - feed.olderSinceMs < tuning.outOfRangeStableMs)
        continue;
      const error = await this.#host.olderLog(feed);
      if (error !== null) feed.fail(error);
      // The later epoch was only reported by brokers; nothing of it was read.
      feed.highestEpoch = feed.readEpoch?.epoch ?? -1;
      feed.olderSinceMs = null;
    }
  }

  #leaderUnknown(feed: Feed): void {
    const { clock, waits } = this.#context;
    feed.failures += 1;
    feed.retryAtMs = clock.nowMs() + retryDelayMs(feed.failures);
    waits.failed(
      waitFor.records(feed.name),
      feed.failures,
      { partition: feed.name },
      `${feed.name} has no leader now; waiting for one.`,
    );
  }
}

/** A broker without leader epochs is never behind. */
function isBehind(feed: Feed, leaderEpoch: number): boolean {
  return leaderEpoch >= 0 && leaderEpoch < feed.highestEpoch;
}
