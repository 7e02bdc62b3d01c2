/**
 * What was read in a stretch, as its checkpoints tell: how many records between which two of them, into which
 * buckets, and how many offsets held none.
 */
import { checkpointChanges } from '../../src/audit/checkpointChanges.ts';
import type { EventOf, PartChange } from '../../journal/events.ts';
import type { PartId } from '../../journal/ids.ts';
import { nextOffsetAfter, type Stretch } from './stretch.ts';

/** What one checkpoint was the first to count; or what none counts yet at the end of the stretch. */
export interface Read {
  /**
   * Index of the checkpoint's entry or of the last one, and of that of the checkpoint before; null for the
   * first one.
   */
  readonly index: number;
  readonly after: number | null;
  readonly fromOffset: bigint;
  readonly toOffset: bigint;
  /** Records with a value, by bucket. */
  readonly records: ReadonlyMap<string, number>;
  readonly nullValues: number;
  /** Offsets without a record: of transactions, or compacted away. */
  readonly holes: number;
}

/** Files of the stretch, as far as settings follow from them. */
export interface FilesSeen {
  /** Buckets, in the order in which files were opened for them, with the wall clock of the first one. */
  readonly buckets: ReadonlyMap<string, number>;
  /** Records of each file that was closed because of its size. */
  readonly rolledBySize: readonly number[];
  readonly rolledByCheckpoint: boolean;
  /** Most records of one file. */
  readonly recordsMost: number;
}

export interface Reads {
  readonly reads: readonly Read[];
  readonly files: FilesSeen;
}

export function readsOf({ entries }: Stretch): Reads {
  const reader = new Reader();
  let nextOffset = entries[0]?.nextOffset ?? null;
  for (const [index, { entry }] of entries.entries()) {
    for (const event of entry.events) {
      if (event.type === 'partOpened') reader.opened(event);
      else if (event.type === 'partDiscarded') reader.discarded(event);
      else if (event.type === 'checkpointPart') reader.pieces.push(...event.parts);
      else if (event.type === 'checkpointCompleted') reader.completed(index, event, nextOffset ?? 0n);
      nextOffset = nextOffsetAfter(event, nextOffset);
    }
  }
  return reader.readsUpTo(entries.length - 1, nextOffset ?? 0n);
}

class Reader {
  readonly #reads: Read[] = [];
  readonly #bucketOf = new Map<PartId, string>();
  readonly #recordsOf = new Map<PartId, number>();
  readonly #buckets = new Map<string, number>();
  readonly #rolledBySize: number[] = [];
  #rolledByCheckpoint = false;
  #recordsMost = 0;
  #after: number | null = null;
  readonly pieces: PartChange[] = [];

  opened({ partId, bucket, openedAtMs }: EventOf<'partOpened'>): void {
    this.#bucketOf.set(partId, bucket);
    this.#recordsOf.set(partId, 0);
    if (!this.#buckets.has(bucket)) this.#buckets.set(bucket, openedAtMs);
  }

  discarded({ partId }: EventOf<'partDiscarded'>): void {
    this.#recordsOf.delete(partId);
  }

  completed(index: number, event: EventOf<'checkpointCompleted'>, fromOffset: bigint): void {
    const { recordsRead, recordsSkipped, nextOffset } = event;
    const changes = checkpointChanges(event, this.pieces.splice(0));
    const toOffset = nextOffset > fromOffset ? nextOffset : fromOffset;
    const { nullValue: nullValues } = recordsSkipped;
    this.#reads.push({
      ...{ index, after: this.#after, fromOffset, toOffset, nullValues },
      records: this.#byBucket(changes, Math.max(0, recordsRead - nullValues)),
      holes: Math.max(0, Number(toOffset - fromOffset) - recordsRead),
    });
    this.#after = index;
  }

  /** A file of before the stretch gets what no other file accounts for. */
  #byBucket(changes: readonly PartChange[], records: number): Map<string, number> {
    const byBucket = new Map<string, number>();
    let left = records;
    const add = (bucket: string, count: number): void => {
      const most = Math.min(left, count);
      left -= most;
      if (most > 0) byBucket.set(bucket, (byBucket.get(bucket) ?? 0) + most);
    };
    const inOrder = [...changes].sort((one, other) => (one.firstOffset < other.firstOffset ? -1 : 1));
    for (const { partId, records: now, roll } of inOrder) {
      const before = this.#recordsOf.get(partId);
      if (before !== undefined) add(this.#bucketOf.get(partId) ?? '', now - before);
      this.#recordsOf.set(partId, now);
      this.#recordsMost = Math.max(this.#recordsMost, now);
      if (roll?.reason === 'size') this.#rolledBySize.push(now);
      if (roll?.reason === 'checkpoint') this.#rolledByCheckpoint = true;
    }
    add(inOrder.map(({ partId }) => this.#bucketOf.get(partId)).at(-1) ?? '', left);
    return byBucket;
  }

  /** Each file that no checkpoint of the stretch holds was opened for a record at least. */
  #uncounted(index: number, nextOffset: bigint): Read[] {
    const empty = [...this.#recordsOf].filter(([, records]) => records === 0);
    if (empty.length === 0) return [];
    const records = new Map(empty.map(([partId]) => [this.#bucketOf.get(partId) ?? '', 1]));
    const toOffset = nextOffset + BigInt(records.size);
    return [
      { index, after: this.#after, fromOffset: nextOffset, toOffset, records, nullValues: 0, holes: 0 },
    ];
  }

  readsUpTo(index: number, nextOffset: bigint): Reads {
    return {
      reads: [...this.#reads, ...this.#uncounted(index, nextOffset)],
      files: {
        ...{ buckets: this.#buckets, rolledBySize: this.#rolledBySize },
        ...{ rolledByCheckpoint: this.#rolledByCheckpoint, recordsMost: this.#recordsMost },
      },
    };
  }
}
