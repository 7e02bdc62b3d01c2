/**
 * The Source port: where records come from, and who owns which partition.
 *
 * Assignment is advice: the journal's claim decides who owns a partition. A source never resets an offset by
 * itself: if the requested offset cannot be read, that is an error. Records travel in one form only, the
 * cursor over a fetched batch. Failures are SourceFailures (failure.ts): their problem decides what follows.
 */
import type { EpochStart } from '../../journal/events.ts';
import type { TopicPartition } from '../../journal/ids.ts';
import type { RouteRun } from '../../kernels/lines.ts';

/**
 * A flyweight over the records of one fetched batch. `next()` moves it; the fields describe the current
 * record and are valid until the next call of `next()`. Nothing is allocated per record. offset = baseOffset
 * + BigInt(offsetDelta). Offsets may have gaps.
 */
export interface RecordCursor {
  readonly baseOffset: bigint;
  /** Moves to the next record; false if there is none. Throws NoRoomYet if memory is short: retry then. */
  next(): boolean;
  readonly offsetDelta: number;
  /** The record's time in milliseconds since the epoch. External data: may be negative or out of range. */
  readonly timestampMs: number;
  /** The key is keyBytes[keyStart, keyEnd); keyStart is -1 if the key is null. */
  readonly keyBytes: Buffer;
  readonly keyStart: number;
  readonly keyEnd: number;
  /** The value is valueBytes[valueStart, valueEnd); valueStart is -1 if the value is null. */
  readonly valueBytes: Buffer;
  readonly valueStart: number;
  readonly valueEnd: number;
  /**
   * Its headers, encoded as in a Kafka record (KIP-82), are [headersStart, headersEnd) of headersBytes, or of
   * valueBytes if that is absent; headersStart is -1 if the source has none.
   */
  readonly headersBytes?: Buffer | undefined;
  readonly headersStart: number;
  readonly headersEnd: number;
  /**
   * Routes the records after the current one in bulk (kernels/lines.ts), as `next()` would read them, and
   * moves past them. Afterwards only offsetDelta of the current record is valid. Returns the number of routed
   * records. It may stop at any record. It stops before a record that is not plain, has no route, or does not
   * fit its buffer. Absent if the source has no faster path than record by record.
   */
  routeRecords?(run: RouteRun): number;
  /**
   * Releases the memory used for unpacking. Whoever abandons a cursor before its end must call this: others
   * may wait for that memory. Afterwards `next()` throws INTERNAL.
   */
  release?(): void;
}

/**
 * Offsets [from, to) that the source's log holds as one piece, and what its header says of them. `records`
 * counts those that the piece still has: fewer than its offsets where a compaction has removed some.
 */
export interface LogSpan {
  readonly from: bigint;
  readonly to: bigint;
  /** `markers`: the ends of transactions. `aborted`: records of a transaction that was aborted. */
  readonly holds: 'records' | 'aborted' | 'markers';
  readonly records: number;
}

export interface FetchedBatch {
  /** The requested offset. The batch holds every visible record from there up to nextOffset. */
  readonly fetchedOffset: bigint;
  /**
   * Where to continue reading, even if all records were filtered (aborted, control, compacted). Greater than
   * fetchedOffset.
   */
  readonly nextOffset: bigint;
  /** Kafka's leader epoch of all the batch's offsets, filtered ones included. Null if there is none. */
  readonly leaderEpoch: number | null;
  /** Memory that the batch holds, for the budget. */
  readonly sizeBytes: number;
  /** A new cursor before the first record whose offset is at least fetchedOffset. */
  records(): RecordCursor;
  /**
   * What the log holds from fetchedOffset up to nextOffset, in order, for whoever asks why offsets have no
   * record. The first may begin before fetchedOffset. No span holds offsets that the log has nothing of.
   * Absent if the source knows no cause. Throws INTERNAL once the batch is released.
   */
  spans?(): readonly LogSpan[];
  /**
   * The reader has finished with the batch, whose memory is reused. Call it at most once. Afterwards a second
   * call throws INTERNAL, and so does a cursor of the batch, at the latest where it would enter other bytes.
   */
  release?(): void;
}

/** The leader epoch that was read last, and the first offset read in it. */
export interface ReadEpoch extends EpochStart {
  /** The epochs read before it, oldest first, without a gap, from the first known one or the kept maximum. */
  readonly earlier: readonly EpochStart[];
}

/** How far a log was read. */
export interface LogPosition {
  readonly offset: bigint;
  /** The epoch of the last batch below the offset. Null if unknown: then nothing is compared with the log. */
  readonly read: ReadEpoch | null;
}

/** Reads one owned partition from an offset on. Prefetches within its limit; the partition's runner pulls. */
export interface PartitionFeed {
  /**
   * The next batch, in order, without gaps. Waits while there is none. Transient failures are retried inside
   * and logged. Rejects with SOURCE_RANGE_LOST, SOURCE_BEYOND_END (both only if they last for a while),
   * SOURCE_TRUNCATED, SOURCE_REPLACED, SOURCE_BATCH_CORRUPT or SOURCE_BATCH_TOO_LARGE; after close() an
   * AbortError.
   */
  next(): Promise<FetchedBatch>;
  /**
   * Proves that the log still holds what was read up to the position, if anything has changed since the last
   * proof. Rejects with SOURCE_TRUNCATED, unless next() rejects with it: what was read before that belongs to
   * the former log. Absent if the source has no log that could be truncated unnoticed.
   */
  verify?(position: LogPosition): Promise<void>;
  close(): Promise<void>;
}

export interface TopicFacts {
  readonly topic: string;
  /** Changes if the topic is deleted and recreated. Null if the source cannot tell. */
  readonly topicId: string | null;
  readonly partitions: number;
  /** Found by a pattern; the job file does not name it. */
  readonly isMatched?: boolean;
}

export interface SourceFacts {
  /** Null for files. */
  readonly clusterId: string | null;
  readonly groupId: string | null;
  readonly topics: readonly TopicFacts[];
  /** The job's topics that do not exist. Each is announced (`topicAppeared`) when it does. */
  readonly missing?: readonly string[];
  /** The job's patterns, as in the job file, that match no topic. */
  readonly unmatched?: readonly string[];
}

/** Another living member of the group. */
export interface GroupMember {
  /** Client, host and member id, for people. */
  readonly name: string;
  /** Null if the member belongs to another program, or does not name its job. */
  readonly job: string | null;
  readonly topics: readonly string[];
  /** The member ends by itself. */
  readonly isBounded: boolean;
}

export interface SourceListener {
  /** The complete current assignment, at every (re)join; synchronous. All others are not assigned. */
  assigned(partitions: readonly TopicPartition[], unnamed?: readonly TopicPartition[]): void;
  /**
   * Partitions of the job with unfinished files and not in `assigned` (by name): the source assigns them to
   * nobody. It hands each, as `unnamed`, to one of the job's processes, which takes it over and reads
   * nothing. Rejects if the journal does not answer.
   */
  unfinished?(assigned: ReadonlySet<string>): Promise<readonly TopicPartition[]>;
  /** A topic has appeared (a new file of a glob, for example), or its id has become longer. */
  topicAppeared(facts: TopicFacts): void;
  /** The source cannot continue at all. */
  failed(error: unknown): void;
}

/**
 * earliest, latest, the group's committed offset (else earliest), the first record at or after a time, or an
 * offset for each partition, by topic and partition number.
 */
export type StartFrom =
  | { readonly type: 'earliest' | 'latest' | 'group' }
  | { readonly type: 'time'; readonly atMs: number }
  | {
      readonly type: 'offsets';
      readonly offsets: StartOffsets;
      /** Where partitions begin that have no offset. Absent: that is an error. */
      readonly unlisted?: 'earliest';
    };

export type StartOffsets = Readonly<Record<string, Readonly<Record<number, bigint>>>>;

/** The offsets that the partition holds now: [startOffset, endOffset). The end is the last stable offset. */
export interface OffsetRange {
  readonly startOffset: bigint;
  readonly endOffset: bigint;
}

/** What one run chooses, beside the job file. The source gets it as the command has it. */
export interface RunChoices {
  /** Read up to the ends seen at the start, then finish and commit every file. */
  readonly untilEnd: boolean;
}

export interface Source {
  readonly kind: 'kafka' | 'file';
  /**
   * Facts about the job's topics that exist; `missing` and `unmatched` name the others, and `onWaiting`
   * reports them. No topic is ever created. If brokers do not answer, waits for them and reports to
   * `onWaiting`, or rejects with SOURCE_UNAVAILABLE if `wait` is false. If no file matches, a file source
   * waits for one, or rejects with SOURCE_TOPIC_MISSING.
   */
  describe(options: {
    wait: boolean;
    onWaiting: (message: string) => void;
    signal: AbortSignal;
  }): Promise<SourceFacts>;
  /**
   * Start offset of every partition of the topic, by partition number. Rejects with SOURCE_START_INVALID if
   * the job's own offsets leave a partition out and `unlisted` is absent, or name an offset that the log does
   * not hold.
   */
  startOffsets(topic: string, startFrom: StartFrom): Promise<bigint[]>;
  /** Current range of every partition of the topic, by partition number. */
  ranges(topic: string): Promise<OffsetRange[]>;
  /**
   * Members of the group besides this process, without those of processes that were killed on this machine.
   * Absent if there is no group.
   * @param isToGo members that may be dead. The call waits for them until their session would have ended.
   */
  others?(isToGo?: (member: GroupMember) => boolean): Promise<readonly GroupMember[]>;
  /**
   * Whether the topic's log is compacted by its configuration of now. Null if this process may not ask.
   * Rejects with SOURCE_UNAVAILABLE if no broker answers. Absent if no log of the source can be compacted.
   */
  isCompacted?(topic: string): Promise<boolean | null>;
  /** Joins; the listener gets assignments until stop(). Never reads by itself. */
  start(listener: SourceListener): Promise<void>;
  /** @param read the leader epoch of the last batch below the offset. The log must still hold it. */
  open(
    partition: TopicPartition,
    offset: bigint,
    expectedTopicId: string | null,
    read?: ReadEpoch | null,
  ): PartitionFeed;
  /**
   * The leader epoch in which the log holds the offset before `offset`, for a reader that jumps to there.
   * Null if nothing is before it, or the log has no leader epochs. Rejects with SOURCE_TRUNCATED if the log
   * ends before `offset`, with SOURCE_UNAVAILABLE if no leader answers. Absent as is `verify` of a feed.
   */
  epochBelow?(partition: TopicPartition, offset: bigint): Promise<EpochStart | null>;
  /**
   * Proves that the topic is still the one it was at `open` (id and cluster). A checkpoint calls it before it
   * includes what was read. Rejects with SOURCE_REPLACED.
   */
  verifyIdentity(topic: string, expectedTopicId: string | null): Promise<void>;
  /**
   * Commits the partition's position to the group, with a witness of the journal as metadata. A no-op if
   * there is no group. Retries without limit. After the signal is aborted it retries no more, and rejects
   * with an AbortError if it has not succeeded.
   */
  commitOffset(
    partition: TopicPartition,
    nextOffset: bigint,
    witness: string,
    signal?: AbortSignal,
  ): Promise<void>;
  /** The metadata of the group's committed offset; null if there is none. */
  readWitness(partition: TopicPartition): Promise<string | null>;
  /**
   * The topic is not read for now. A service announces it again (`topicAppeared`) when it next looks for
   * topics and finds it. Absent if topics are never left out.
   */
  leaveOut?(topic: string): void;
  /** Leaves the group and closes the connections. */
  stop(): Promise<void>;
}
