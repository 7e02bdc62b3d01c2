/** One owned partition as its runner pulls it: fetched ahead by the fetcher, unpacked when pulled. */
import { hasCode } from '../../../journal/errors.ts';
import { partitionName, type TopicPartition } from '../../../journal/ids.ts';
import { readEpochBehind } from '../readEpoch.ts';
import type { FetchedBatch, LogPosition, PartitionFeed, ReadEpoch } from '../port.ts';
import type { UnpackRoom } from '../unpackRoom.ts';
import { abortError } from './errors.ts';
import type { KafkaTuning } from './options.ts';
import { type ScannedRecords, toFetchedBatch } from './records/batches.ts';

type FeedTuning = Pick<KafkaTuning, 'prefetchFetches' | 'decode'>;

/** What the feed tells the fetcher. */
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
  /** Node id of the leader; null while it is looked for. */
  leader: number | null = null;
  /** Failures in a row to find or reach the leader. */
  failures = 0;
  /** Not before this monotonic time is the leader looked for again. */
  retryAtMs = 0;
  /** Its offset is outside the log, or its topic is missing: the range guard looks into it. */
  suspended = false;
  /** As the metadata told it; -1 where they told none. */
  leaderEpoch = -1;
  /** The leader epoch of the last batch below fetchOffset. */
  readEpoch: ReadEpoch | null;
  /** Of the leaders that were found, and of what was read: a later leader's is not lower. */
  highestEpoch: number;
  /** The leader, leader epoch and connection by which the log has proved to hold what was read. */
  provenBy: string | null = null;
  /** Since then every leader is behind `highestEpoch`. */
  olderSinceMs: number | null = null;
  /** The next fetch asks for this partition alone, so that no other can fill the answer. */
  alone = false;
  /** In a row, although asked alone and although there are records. */
  emptyAnswers = 0;
  fetchOffset: bigint;
  /** What the next batch needs at least, where a fetch has cut it off; else 0. */
  neededBytes = 0;
  /** In a row, of a batch that was asked for alone and with all the bytes that it announces. */
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
    // What was read before the log went back is of the log that there was.
    if (hasCode(this.#failure?.error, 'SOURCE_TRUNCATED')) return Promise.resolve();
    return this.#owner.verify(this, position);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#fetched.length = 0;
    this.#owner.closed(this);
    this.#serve();
  }

  /** Takes what a fetch brought; its nextOffset is beyond fetchOffset. */
  push(scanned: ScannedRecords): void {
    if (!this.open) return;
    this.fetchOffset = scanned.nextOffset;
    this.readEpoch = readEpochBehind(this.readEpoch, scanned);
    this.highestEpoch = Math.max(this.highestEpoch, scanned.leaderEpoch ?? -1);
    this.neededBytes = 0;
    this.cutAnswers = 0;
    this.alone = false;
    this.#fetched.push(scanned);
    // In a later turn: by then the next fetch is on its way, and the broker works while the router does.
    setImmediate(() => {
      this.#serve();
    });
  }

  /** Ends the feed: next() rejects with the error once what was fetched before it has been pulled. */
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
