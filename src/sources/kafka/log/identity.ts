/** Checks that the topic is still the same one. Always asks a broker, never a cache. */
import { SourceFailure } from '../../failure.ts';
import type { FetcherContext } from '../fetcher.ts';
import { deletedError, KAFKA_CODE } from '../errors.ts';
import type { ClusterMetadata } from '../wire/metadata.ts';
import { pauseUnless } from '../../../system/pacing.ts';
import { type AskContext, askUntil, Coalesced } from '../questions.ts';
import { replacedError } from './rangeGuard.ts';

export class Identity {
  readonly #context: FetcherContext & AskContext;
  readonly #metadata: Coalesced<ClusterMetadata>;
  #clusterId: string | null = null;

  /** @param topics that may be asked for. */
  constructor(context: FetcherContext & AskContext, topics: () => readonly string[]) {
    this.#context = context;
    this.#metadata = new Coalesced(() =>
      askUntil(context, 'topic ids', context.tuning.questionMs, () => context.brokers.metadata(topics())),
    );
  }

  /** Remembers the cluster at the first call. A different cluster later is an error. */
  checkCluster({ clusterId }: ClusterMetadata): void {
    this.#clusterId ??= clusterId;
    if (clusterId === null || clusterId === this.#clusterId) return;
    const expectedClusterId = this.#clusterId;
    throw new SourceFailure(
      'replaced',
      `The brokers belong to another Kafka cluster now: ${clusterId} instead of ` +
        `${expectedClusterId ?? 'none'}.`,
      { fields: { clusterId, expectedClusterId } },
    );
  }

  /** A missing topic is checked again until the result is stable. */
  async verify(topic: string, expectedTopicId: string | null): Promise<void> {
    const { clock, signal, tuning } = this.#context;
    const startedMs = clock.nowMs();
    for (;;) {
      const metadata = await this.#metadata.call();
      this.checkCluster(metadata);
      const found = metadata.topics.find(({ topic: name }) => name === topic);
      const missing = found === undefined || found.errorCode === KAFKA_CODE.unknownTopicOrPartition;
      if (!missing && (expectedTopicId === null || found.topicId === expectedTopicId)) return;
      if (!missing && found.topicId !== null)
        throw replacedError(topic, expectedTopicId ?? 'none', found.topicId);
      if (clock.nowMs() - startedMs >= tuning.outOfRangeStableMs)
        throw deletedError(`Topic ${topic} does not exist any more`, { fields: { topic, expectedTopicId } });
      await pauseUnless(signal, clock, tuning.pollMs);
    }
  }
}
