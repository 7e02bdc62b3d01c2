/** One owned partition, pulled by its runner: fetched ahead by the fetcher, unpacked when pulled. */
import { isSourceFailure } from '../failure.ts';
import { partitionName, type TopicPartition } from '../../../journal/ids.ts';
import { readEpochBehind } from '../readEpoch.ts';
import type { FetchedBatch, LogPosition, PartitionFeed, ReadEpoch } from '../port.ts';
import type { UnpackRoom } from '../unpackRoom.ts';
import { abortError } from './errors.ts';
import type { KafkaTuning } from './options.ts';
import { type ScannedRecords, toFetchedBatch } from './records/batches.ts';

type FeedTuning = Pick<KafkaTuning, 'prefetchFetches' | 'decode'>;

/** What the feed reports to the fetcher. */
export interface FeedOwner {
  /** There is room for another fetch. */
  wanted(): void;
  closed(feed: Feed): void;
  verify(feed: Feed, position: LogPosition): Promise<void>;
}

export class Feed implements PartitionFeed {
  readonly name: string;
  readonly topic: string;
  readonly partition: number;
  readonly expectedTopicId: string | null;
  /** Node id of the leader; null while it is searched for. */
  leader: number | null = null;
  /** Consecutive failures to find or reach the leader. */
  failures = 0;
  /** The monotonic time, in milliseconds, before which the leader is not searched for again. */
  retryAtMs = 0;
  /** The offset is outside the log or the topic is missing; the range guard examines it. */
  suspended = false;
  /** From the metadata; -1 if the metadata has none. */
  leaderEpoch = -1;
  /** The leader epoch of the last batch below fetchOffset. */
  readEpoch: ReadEpoch | null;
  /** The highest epoch of any leader found and of anything read. A later leader's epoch is not lower. */
  highestEpoch: number;
  /** The leader, leader epoch and connection through which the log was proved to hold what was read. */
  provenBy: string | null = null;
  /** Since when every leader has had an epoch below `highestEpoch`. */
  olderSinceMs: number | null = null;
  /** The next fetch requests only this partition, so that no other can fill the answer. */
  alone = false;
  /** Consecutive empty answers, although requested alone and although there are records. */
  emptyAnswers = 0;
  fetchOffset: bigint;
  /** The least number of bytes that the next batch needs if a fetch has cut it off, else 0. */
  neededBytes = 0;
  /**
   * Consecutive cut answers for a batch that was requested alone and with all the bytes that it announces.
   */
  cutAnswers = 0;

  readonly #tuning: FeedTuning;
  readonly #room: UnpackRoom;
  readonly #owner: FeedOwner;
  readonly #fetched: ScannedRecords[] = [];
  #failure: { readonly error: unknown } | null = null;
  #closed = false;
  #waiting: { resolve: (batch: FetchedBatch) => void; reject: (error: unknown) => void } | null = null;

  constructor(
    at: TopicPartition,
    offset: bigint,
    { expectedTopicId, read }: { readonly expectedTopicId: string | null; readonly read: ReadEpoch | null },
    tuning: FeedTuning,
    room: UnpackRoom,
    owner: FeedOwner,
  ) {
    this.name = partitionName(at);
    this.topic = at.topic;
    this.partition = at.partition;
    this.expectedTopicId = expectedTopicId;
    this.fetchOffset = offset;
    this.readEpoch = read;
    this.highestEpoch = read?.epoch ?? -1;
    this.#tuning = tuning;
    this.#room = room;
    this.#owner = owner;
  }

  get open(): boolean {
    return !this.#closed && this.#failure === null;
  }

  get full(): boolean {
    return this.#fetched.length >= this.#tuning.prefetchFetches;
  }

  next(): Promise<FetchedBatch> {
    if (this.#waiting !== null) return Promise.reject(new Error(`next() of ${this.name} is already waiting`));
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#serve();
    });
  }

  verify(position: LogPosition): Promise<void> {
    // What was read before the log was truncated belongs to the former log.
    if (isSourceFailure(this.#failure?.error, 'truncated')) return Promise.resolve();
    return this.#owner.verify(this, position);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#fetched.length = 0;
    this.#owner.closed(this);
    this.#serve();
  }

  /** Accepts what a fetch returned. Its nextOffset is greater than fetchOffset. */
  push(scanned: ScannedRecords): void {
    if (!this.open) return;
    this.fetchOffset = scanned.nextOffset;
    this.readEpoch = readEpochBehind(this.readEpoch, scanned);
    this.highestEpoch = Math.max(this.highestEpoch, scanned.leaderEpoch ?? -1);
    this.neededBytes = 0;
    this.cutAnswers = 0;
    this.alone = false;
    this.#fetched.push(scanned);
    // In a later turn: by then the next fetch is under way, so the broker and the router work in parallel.
    setImmediate(() => {
      this.#serve();
    });
  }

  /** Ends the feed: next() rejects with the error after everything fetched before it has been pulled. */
  fail(error: unknown): void {
    if (!this.open) return;
    this.#failure = { error };
    this.#owner.closed(this);
    this.#serve();
  }

  #serve(): void {
    const waiting = this.#waiting;
    if (waiting === null) return;
    const scanned = this.#fetched.shift();
    if (!this.#closed && scanned === undefined && this.#failure === null) return;
    this.#waiting = null;
    if (this.#closed) {
      waiting.reject(abortError(`The feed of ${this.name}`));
    } else if (scanned === undefined) {
      waiting.reject(this.#failure?.error);
    } else {
      this.#owner.wanted();
      this.#unpack(scanned, waiting);
    }
  }

  #unpack(
    scanned: ScannedRecords,
    waiting: { resolve: (batch: FetchedBatch) => void; reject: (error: unknown) => void },
  ): void {
    try {
      waiting.resolve(toFetchedBatch(scanned, this.#tuning.decode, this.#room));
    } catch (error) {
      this.#fetched.length = 0;
      this.fail(error);
      waiting.reject(error);
    }
  }
}
