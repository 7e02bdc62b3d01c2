/** A source in memory, for scenarios that need full control of what is read and when. */
import { SourceFailure } from '../../src/sources/failure.ts';
import type { TopicPartition } from '../../journal/ids.ts';
import { partitionName } from '../../journal/ids.ts';
import type {
  FetchedBatch,
  OffsetRange,
  PartitionFeed,
  RecordCursor,
  Source,
  SourceFacts,
  SourceListener,
  StartFrom,
} from '../../src/sources/port.ts';

export interface MemoryRecord {
  readonly value: string | null;
  readonly timestampMs: number;
}

const BATCH_RECORDS_MAX = 7;

class MemoryCursor implements RecordCursor {
  readonly headersStart = -1;
  readonly headersEnd = -1;
  readonly baseOffset: bigint;
  offsetDelta = -1;
  timestampMs = 0;
  readonly keyBytes = Buffer.alloc(0);
  readonly keyStart = -1;
  readonly keyEnd = 0;
  valueBytes = Buffer.alloc(0);
  valueStart = -1;
  valueEnd = 0;
  readonly #records: readonly MemoryRecord[];

  constructor(baseOffset: bigint, records: readonly MemoryRecord[]) {
    this.baseOffset = baseOffset;
    this.#records = records;
  }

  next(): boolean {
    const record = this.#records[this.offsetDelta + 1];
    if (record === undefined) return false;
    this.offsetDelta += 1;
    this.timestampMs = record.timestampMs;
    this.valueBytes = Buffer.from(record.value ?? '');
    this.valueStart = record.value === null ? -1 : 0;
    this.valueEnd = this.valueBytes.length;
    return true;
  }
}

export class MemorySource implements Source {
  readonly kind = 'kafka';
  readonly topic = 'numbers';
  readonly logs: MemoryRecord[][];
  /** What the group was told, the newest last. */
  readonly commits: { readonly partition: string; readonly nextOffset: bigint; readonly witness: string }[] =
    [];
  readonly #witnesses: Map<string, string>;
  #listener: SourceListener | null = null;
  #waiters: (() => void)[] = [];
  #failure: unknown = null;
  topicId = 'topic-1';

  /**
   * A number of empty partitions, or another process's view of the same cluster: the same logs and committed
   * offsets.
   */
  constructor(cluster: number | MemorySource) {
    const isNew = typeof cluster === 'number';
    this.logs = isNew ? Array.from({ length: cluster }, () => []) : cluster.logs;
    this.#witnesses = isNew ? new Map<string, string>() : cluster.#witnesses;
  }

  append(partition: number, ...records: MemoryRecord[]): void {
    this.logs[partition]?.push(...records);
    this.#wake();
  }

  /** The next read of any feed rejects with this. */
  breakFeeds(error: unknown): void {
    this.#failure = error;
    this.#wake();
  }

  assign(partitions: readonly number[]): void {
    this.#listener?.assigned(partitions.map((partition) => ({ topic: this.topic, partition })));
  }

  describe(): Promise<SourceFacts> {
    const topics = [{ topic: this.topic, topicId: this.topicId, partitions: this.logs.length }];
    return Promise.resolve({ clusterId: 'cluster-1', groupId: 'group-1', topics });
  }

  startOffsets(_topic: string, _startFrom: StartFrom): Promise<bigint[]> {
    return Promise.resolve(this.logs.map(() => 0n));
  }

  ranges(): Promise<OffsetRange[]> {
    return Promise.resolve(this.logs.map((log) => ({ startOffset: 0n, endOffset: BigInt(log.length) })));
  }

  start(listener: SourceListener): Promise<void> {
    this.#listener = listener;
    this.assign(this.logs.map((_, partition) => partition));
    return Promise.resolve();
  }

  open({ partition }: TopicPartition, offset: bigint): PartitionFeed {
    let next = Number(offset);
    let closed = false;
    const feed = {
      next: async (): Promise<FetchedBatch> => {
        const log = this.logs[partition] ?? [];
        while (!closed && this.#failure === null && log.length <= next) {
          await new Promise<void>((resolve) => this.#waiters.push(resolve));
        }
        if (closed) throw new DOMException('closed', 'AbortError');
        if (this.#failure !== null) throw this.#failure as Error;
        const fetchedOffset = BigInt(next);
        const records = log.slice(next, next + BATCH_RECORDS_MAX);
        next += records.length;
        return {
          fetchedOffset,
          nextOffset: BigInt(next),
          leaderEpoch: null,
          sizeBytes: 0,
          records: () => new MemoryCursor(fetchedOffset, records),
        };
      },
      close: (): Promise<void> => {
        closed = true;
        this.#wake();
        return Promise.resolve();
      },
    };
    return feed;
  }

  verifyIdentity(_topic: string, expectedTopicId: string | null): Promise<void> {
    if (expectedTopicId === this.topicId) return Promise.resolve();
    return Promise.reject(new SourceFailure('replaced', `the topic is ${this.topicId} now`));
  }

  commitOffset(
    partition: TopicPartition,
    nextOffset: bigint,
    witness: string,
    _signal?: AbortSignal,
  ): Promise<void> {
    this.#witnesses.set(partitionName(partition), witness);
    this.commits.push({ partition: partitionName(partition), nextOffset, witness });
    return Promise.resolve();
  }

  readWitness(partition: TopicPartition): Promise<string | null> {
    return Promise.resolve(this.#witnesses.get(partitionName(partition)) ?? null);
  }

  stop(): Promise<void> {
    this.#listener = null;
    return Promise.resolve();
  }

  #wake(): void {
    for (const waiter of this.#waiters.splice(0)) waiter();
  }
}
