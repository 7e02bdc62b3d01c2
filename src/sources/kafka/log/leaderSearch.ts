/** Finds the leading brokers of feeds that have none, for as long as it takes. */
import type { TidemarkError } from '../../../../journal/errors.ts';
import type { Feed } from '../feed.ts';
import type { FetcherContext } from '../fetcher.ts';
import { authenticationError, KAFKA_CODE, reasonOf } from '../errors.ts';
import type { ClusterMetadata } from '../protocol/metadata.ts';
import { pauseUnless, retryDelayMs, Wakeup } from '../../../system/pacing.ts';
import { replacedError } from './rangeGuard.ts';
import { waitFor } from '../waits.ts';

export interface LeaderSearchHost {
  readonly feeds: ReadonlySet<Feed>;
  /** A feed has got this broker for its leader. */
  found(nodeId: number): void;
  /** The feed's topic or partition does not exist. */
  missing(feed: Feed): void;
  /** Whether the log, whose leader epoch is behind what was read, lacks what was read: then the error that says so. */
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
        // A call that came after the search had found nothing left to do.
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
    // Feeds that are opened in this turn of the event loop are looked for together.
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
    // Only now, so that the first fetch asks for all of them.
    for (const nodeId of found) this.#host.found(nodeId);
  }

  /** A broker that lags behind an election tells its former epoch for a moment; a cluster restored from an older copy goes on to. */
  #isOlder(feed: Feed, leaderEpoch: number): void {
    const { clock, log, tuning, waits } = this.#context;
    if (feed.olderSinceMs === null) {
      const seconds = Math.round(tuning.outOfRangeStableMs / 1000);
      const message = `${feed.name} is led in epoch ${leaderEpoch}, behind epoch ${feed.highestEpoch}, which was seen: if that stays so for ${seconds} s its log is an older one.`;
      log.warn({ partition: feed.name, leaderEpoch, highestEpoch: feed.highestEpoch }, message);
      waits.lasts(waitFor.records(feed.name), message);
    }
    feed.olderSinceMs ??= clock.nowMs();
    feed.failures += 1;
    feed.retryAtMs = clock.nowMs() + retryDelayMs(feed.failures);
  }

  /** Ends feeds whose leaders stay behind what was read, where the log does lack it. */
  async #endOlder(feeds: readonly Feed[]): Promise<void> {
    const { clock, tuning } = this.#context;
    for (const feed of feeds) {
      if (feed.olderSinceMs === null || clock.nowMs() - feed.olderSinceMs < tuning.outOfRangeStableMs)
        continue;
      const error = await this.#host.olderLog(feed);
      if (error !== null) feed.fail(error);
      // Only what brokers told was later, and nothing of it was read.
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

/** Brokers that tell no epochs are never behind. */
function isBehind(feed: Feed, leaderEpoch: number): boolean {
  return leaderEpoch >= 0 && leaderEpoch < feed.highestEpoch;
}
