/** Finds the leading brokers of feeds that have none, for as long as it takes. */
import type { Feed } from './feed.ts';
import type { FetcherContext } from './fetcher.ts';
import { authenticationError, KAFKA_CODE, reasonOf } from './kafkaErrors.ts';
import type { ClusterMetadata } from './metadata.ts';
import { pauseUnless, retryDelayMs, retryLevel } from './pacing.ts';
import { replacedError } from './rangeGuard.ts';

export interface LeaderSearchHost {
  readonly feeds: ReadonlySet<Feed>;
  /** A feed has got this broker for its leader. */
  found(nodeId: number): void;
  /** The feed's topic or partition does not exist. */
  missing(feed: Feed): void;
}

export class LeaderSearch {
  readonly #context: FetcherContext;
  readonly #host: LeaderSearchHost;
  #running: Promise<void> | null = null;

  constructor(context: FetcherContext, host: LeaderSearchHost) {
    this.#context = context;
    this.#host = host;
  }

  search(): void {
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
    });
  }

  async ended(): Promise<void> {
    await this.#running;
  }

  #leaderless(): Feed[] {
    return [...this.#host.feeds].filter((feed) => feed.leader === null && !feed.suspended);
  }

  async #run(): Promise<void> {
    const { signal, clock, brokers, log } = this.#context;
    let failures = 0;
    // Feeds that are opened in this turn of the event loop are looked for together.
    await Promise.resolve();
    for (let feeds = this.#leaderless(); feeds.length > 0 && !signal.aborted; feeds = this.#leaderless()) {
      const due = feeds.filter((feed) => feed.retryAtMs <= clock.nowMs());
      if (due.length === 0) {
        const earliest = Math.min(...feeds.map((feed) => feed.retryAtMs));
        await pauseUnless(signal, clock, Math.max(1, earliest - clock.nowMs()));
        continue;
      }
      try {
        this.#assign(due, await brokers.metadata([...new Set(due.map((feed) => feed.topic))]));
        failures = 0;
      } catch (error) {
        if (signal.aborted as boolean) return;
        failures += 1;
        log[retryLevel(failures)](
          { failures },
          `Kafka's metadata cannot be read; trying again: ${reasonOf(error)}`,
        );
        await pauseUnless(signal, clock, retryDelayMs(failures));
      }
    }
  }

  #assign(feeds: readonly Feed[], metadata: ClusterMetadata): void {
    for (const feed of feeds) {
      const topic = metadata.topics.find(({ topic: name }) => name === feed.topic);
      const leader = topic?.partitions[feed.partition]?.leader ?? -1;
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
      } else if (leader >= 0) {
        feed.leader = leader;
        this.#host.found(leader);
      } else {
        this.#leaderUnknown(feed);
      }
    }
  }

  #leaderUnknown(feed: Feed): void {
    const { clock, log } = this.#context;
    feed.failures += 1;
    feed.retryAtMs = clock.nowMs() + retryDelayMs(feed.failures);
    log[retryLevel(feed.failures)](
      { partition: feed.name },
      `${feed.name} has no leader now; waiting for one.`,
    );
  }
}
