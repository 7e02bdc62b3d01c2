/** Brokers whose answers a test scripts. */
import { setImmediate as turn } from 'node:timers/promises';
import { systemClock } from '../../../../src/system/clock.ts';
import type { EpochEnd, EpochQuestion } from '../../../../src/sources/kafka/wire/epochEnd.ts';
import type {
  FetchedPartition,
  FetchRequest,
  FetchResponse,
} from '../../../../src/sources/kafka/wire/fetch.ts';
import type { ClusterMetadata } from '../../../../src/sources/kafka/wire/metadata.ts';
import { pauseUnless } from '../../../../src/system/pacing.ts';

type Answer = Partial<FetchedPartition>;

/** Every partition is led by the node that `leaders` names. */
export class ScriptedBrokers {
  readonly requests: { nodeId: number; request: FetchRequest }[] = [];
  leaders: number[] = [1, 1, 1];
  metadataAsked = 0;
  leaderEpoch = 0;
  /** Connections for fetches that were made so far. */
  connects = 1;
  readonly questions: EpochQuestion[] = [];
  /** Where the log ends, for any epoch. */
  epochEnd: (question: EpochQuestion) => Partial<EpochEnd> = () => ({});
  /** The answer for one partition of a request; null: none of it in the response. */
  answer: (
    asked: FetchRequest['partitions'][number],
    request: FetchRequest,
    nodeId: number,
  ) => Answer | null = () => null;
  readonly #signal: AbortSignal;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  async metadata(topics: readonly string[]): Promise<ClusterMetadata> {
    this.metadataAsked += 1;
    const partitions = this.leaders.map((leader, partition) => ({
      partition,
      leader,
      leaderEpoch: this.leaderEpoch,
      errorCode: leader < 0 ? 5 : 0,
    }));
    return {
      clusterId: 'c',
      brokers: [],
      topics: topics.map((topic) => ({ topic, errorCode: 0, topicId: 'id', partitions })),
    };
  }

  async fetch(nodeId: number, request: FetchRequest): Promise<FetchResponse> {
    this.requests.push({ nodeId, request });
    // An answer never comes without a turn of the event loop.
    await turn();
    const partitions = request.partitions.flatMap((asked) => {
      const answer = this.answer(asked, request, nodeId);
      const { topic, partition } = asked;
      const nothing = { errorCode: 0, lastStableOffset: asked.fetchOffset, logStartOffset: 0n };
      if (answer === null) return [];
      return [{ topic, partition, ...nothing, abortedTransactions: [], records: Buffer.alloc(0), ...answer }];
    });
    if (partitions.every(({ records, errorCode }) => records.length === 0 && errorCode === 0))
      await this.#wait(request.waitMs);
    return { errorCode: 0, frame: Buffer.alloc(0), partitions };
  }

  async connectFetches(): Promise<number> {
    return this.connects;
  }

  fetchConnects(): number {
    return this.connects;
  }

  async epochEnds(_nodeId: number, questions: readonly EpochQuestion[]): Promise<readonly EpochEnd[]> {
    this.questions.push(...questions);
    await turn();
    return questions.map((question) => {
      const { topic, partition, leaderEpoch } = question;
      const all = { topic, partition, errorCode: 0, leaderEpoch, endOffset: 1_000_000n };
      return { ...all, ...this.epochEnd(question) };
    });
  }

  at(): Promise<never> {
    return Promise.reject(new Error('no offsets are scripted'));
  }

  /** A long poll: the broker holds the fetch until its time is over or the source is closed. */
  #wait(waitMs: number): Promise<void> {
    return pauseUnless(this.#signal, systemClock, waitMs);
  }
}
