/**
 * The Source port: where records come from, and who owns which partition.
 *
 * Assignment is advice: the journal's claim decides who owns. A source never resets an offset by itself: what cannot be read at
 * the asked offset is an error. Records travel in one shape only, the cursor over a fetched batch.
 */
import type { EpochStart } from '../../journal/events.ts';
import type { TopicPartition } from '../../journal/ids.ts';
import type { RouteRun } from '../../kernels/lines.ts';

/**
 * A flyweight over the records of one fetched batch: `next()` moves it on; the fields describe the record it stands on.
 * Nothing is allocated per record; the fields are valid until the next call of `next()`.
 * offset = baseOffset + BigInt(offsetDelta). Offsets have holes.
 */
export interface RecordCursor {
  readonly baseOffset: bigint;
  /** Moves to the next record; false when there is none. Throws NoRoomYet where memory is short; it may then be tried again. */
  next(): boolean;
  readonly offsetDelta: number;
  /** The record's time in milliseconds since the epoch; may be negative or out of range: it comes from outside. */
  readonly timestampMs: number;
  /** The key is keyBytes[keyStart, keyEnd); keyStart is -1 where it is null. */
  readonly keyBytes: Buffer;
  readonly keyStart: number;
  readonly keyEnd: number;
  /** The value is valueBytes[valueStart, valueEnd); valueStart is -1 where it is null. */
  readonly valueBytes: Buffer;
  readonly valueStart: number;
  readonly valueEnd: number;
  /**
   * Routes the records after the current one in bulk (kernels/lines.ts), as `next()` would read them, and moves past them: of the current
   * record only offsetDelta is valid afterwards. Returns how many were routed. It may stop at any record, and stops before one that is not
   * plain, that has no route, or that its buffer has no room for. Absent if the source has no faster path than record by record.
   */
  routeRecords?(run: RouteRun): number;
  /**
   * Lets go of the memory that it unpacks into; it may not be moved any more. To be called by whoever leaves it before its end: others
   * may wait for that memory.
   */
  release?(): void;
}

export interface FetchedBatch {
  /** The offset that was asked for: every visible record from there up to nextOffset is in the batch. */
  readonly fetchedOffset: bigint;
  /** Where to read on, also when every record was filtered (aborted, control, compacted). Greater than fetchedOffset. */
  readonly nextOffset: bigint;
  /**
   * Kafka's leader epoch of the batch's last records, and of every offset in it, those that were filtered included; null where the source
   * knows none.
   */
  readonly leaderEpoch: number | null;
  /** Memory that the batch holds, for the budget. */
  readonly sizeBytes: number;
  /** A fresh cursor before the first record whose offset is at least fetchedOffset. */
  records(): RecordCursor;
  /**
   * Its reader is through with it: neither the batch nor a cursor of it may be used any more, since its memory is used again. It
   * need not be called.
   */
  release?(): void;
}

/** The leader epoch that was read last, and the first offset that was read of it. */
export interface ReadEpoch extends EpochStart {
  /** Those that were read before it, oldest first, without a gap: up to the first that is known, or to the most that are kept. */
  readonly earlier: readonly EpochStart[];
}

/** How far a log was read. */
export interface LogPosition {
  readonly offset: bigint;
  /** Of the last batch below the offset; null where it is not known: then nothing is compared with the log. */
  readonly read: ReadEpoch | null;
}

/** Reading one owned partition from an offset on. Prefetches within its limit; pulled by the partition's runner. */
export interface PartitionFeed {
  /**
   * The next batch, in order, without gaps; waits while there is none. Transient failures are retried inside and logged.
   * Rejects with SOURCE_RANGE_LOST, SOURCE_BEYOND_END (both only after being stable for a while), SOURCE_TRUNCATED, SOURCE_REPLACED,
   * KAFKA_BATCH_CORRUPT, KAFKA_BATCH_TOO_LARGE; with an AbortError after close().
   */
  next(): Promise<FetchedBatch>;
  /**
   * Proves that the log still holds what was read up to the position, where anything has changed since that was last proven. Rejects with
   * SOURCE_TRUNCATED, but not where next() does: what was read before that is of the log that there was. Absent where the source has no log that could go back unseen.
   */
  verify?(position: LogPosition): Promise<void>;
  close(): Promise<void>;
}

export interface TopicFacts {
  readonly topic: string;
  /** Changes when the topic is deleted and made again; null where the source cannot tell. */
  readonly topicId: string | null;
  readonly partitions: number;
}

export interface SourceFacts {
  /** Null for files. */
  readonly clusterId: string | null;
  readonly groupId: string | null;
  readonly topics: readonly TopicFacts[];
  /** Topics of the job that do not exist: each is announced (`topicAppeared`) once it does. */
  readonly missing?: readonly string[];
}

/** Another living member of the group. */
export interface GroupMember {
  /** Client, host and member id, for people. */
  readonly name: string;
  /** Null where it is another program's, or does not say. */
  readonly job: string | null;
  readonly topics: readonly string[];
  /** It ends by itself. */
  readonly isBounded: boolean;
}

export interface SourceListener {
  /** The whole current assignment, at every (re)join; synchronous. What is not named is no longer assigned. */
  assigned(partitions: readonly TopicPartition[], unnamed?: readonly TopicPartition[]): void;
  /**
   * The job's partitions with unfinished files, of those whose names are not in `assigned`: the source names them to nobody. It hands
   * each to one of the job's processes, as `unnamed`, which settles it and reads nothing. Rejects where the journal does not answer.
   */
  unfinished?(assigned: ReadonlySet<string>): Promise<readonly TopicPartition[]>;
  /** A topic that had not been described before exists now (a new file of a glob, for example), or more is known of it: a longer id. */
  topicAppeared(facts: TopicFacts): void;
  /** The source cannot go on at all. */
  failed(error: unknown): void;
}

/** earliest and latest, the group's committed offset (earliest where there is none), or the first record at or after a time. */
export type StartFrom =
  { readonly type: 'earliest' | 'latest' | 'group' } | { readonly type: 'time'; readonly atMs: number };

/** Range of offsets that the partition holds now: [startOffset, endOffset), the end being the last stable offset. */
export interface OffsetRange {
  readonly startOffset: bigint;
  readonly endOffset: bigint;
}

export interface Source {
  readonly kind: 'kafka' | 'file';
  /**
   * Facts about the job's topics that exist; `missing` names the others, and `onWaiting` is told of them. None is ever created.
   * Waits for brokers and tells `onWaiting`, or rejects with KAFKA_UNAVAILABLE when `wait` is false. A file source without any file
   * waits for one, or rejects with SOURCE_TOPIC_MISSING.
   */
  describe(options: {
    wait: boolean;
    onWaiting: (message: string) => void;
    signal: AbortSignal;
  }): Promise<SourceFacts>;
  /** Start offset of every partition of the topic, by partition number. */
  startOffsets(topic: string, startFrom: StartFrom): Promise<bigint[]>;
  /** Current range of every partition of the topic, by partition number. */
  ranges(topic: string): Promise<OffsetRange[]>;
  /**
   * Members of the group besides this process, without those of processes that were killed here. Absent where there is no group.
   * @param isToGo members that may be dead: they are waited for until their session would have ended.
   */
  others?(isToGo?: (member: GroupMember) => boolean): Promise<readonly GroupMember[]>;
  /** Joins; the listener is told of assignments until stop(). Never reads by itself. */
  start(listener: SourceListener): Promise<void>;
  /** @param read the leader epoch of the last batch below the offset: the log must still hold it. */
  open(
    partition: TopicPartition,
    offset: bigint,
    expectedTopicId: string | null,
    read?: ReadEpoch | null,
  ): PartitionFeed;
  /**
   * Proves that the topic is still the one it was at `open` (id and cluster); a checkpoint asks before it counts what was read.
   * Rejects with SOURCE_REPLACED.
   */
  verifyIdentity(topic: string, expectedTopicId: string | null): Promise<void>;
  /**
   * Tells the group how far the partition is, with a witness of the journal as metadata. A no-op where there is no group. Tries for as long
   * as it takes; once the signal is aborted it tries no more, and rejects with an AbortError where it has to.
   */
  commitOffset(
    partition: TopicPartition,
    nextOffset: bigint,
    witness: string,
    signal?: AbortSignal,
  ): Promise<void>;
  /** The metadata of the group's committed offset; null where there is none. */
  readWitness(partition: TopicPartition): Promise<string | null>;
  /** Leaves the group and closes the connections. */
  stop(): Promise<void>;
}
