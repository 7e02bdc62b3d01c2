/**
 * The part files of one partition that are neither committed nor discarded, with the checks that need no more
 * than these: the growth of each in a checkpoint, and the offsets that it may hold. Kept apart from the
 * ledger, which decides the same facts: one is the other's second opinion.
 */
import type { EventOf, PartChange } from '../../journal/events.ts';
import type { PartId } from '../../journal/ids.ts';

export interface OpenPart {
  readonly partId: PartId;
  readonly bucket: string;
  readonly finalUri: string;
  readonly format: string;
  readonly generation: number;
  /** First offset that it may hold: nextOffset when it was opened. */
  readonly fromOffset: bigint;
  /** In the last completed checkpoint; null before the first one that includes it. */
  readonly durable: PartChange | null;
}

/** A contradiction, in words. */
export type Contradiction = { readonly part: OpenPart; readonly message: string };

/** What a completed checkpoint says of the reading that led to it. */
export interface ReadRange {
  /** nextOffset of the checkpoint before, and of this one. */
  readonly from: bigint;
  readonly to: bigint;
}

export class OpenParts {
  readonly #parts = new Map<PartId, OpenPart>();
  readonly #byBucket = new Map<string, Set<PartId>>();

  get size(): number {
    return this.#parts.size;
  }

  *[Symbol.iterator](): IterableIterator<OpenPart> {
    yield* this.#parts.values();
  }

  get(id: PartId): OpenPart | undefined {
    return this.#parts.get(id);
  }

  opened({ partId, bucket, finalUri, format, generation }: EventOf<'partOpened'>, fromOffset: bigint): void {
    this.#parts.set(partId, { partId, bucket, finalUri, format, generation, fromOffset, durable: null });
    const ids = this.#byBucket.get(bucket);
    if (ids === undefined) this.#byBucket.set(bucket, new Set([partId]));
    else ids.add(partId);
  }

  /** A repair gives it up: it holds nothing any more, and is to be discarded. Returns what it held. */
  lost(id: PartId): PartChange | null {
    const part = this.#parts.get(id);
    if (part !== undefined) this.#parts.set(id, { ...part, durable: null });
    return part?.durable ?? null;
  }

  /** Removes it, because it was committed or discarded. */
  gone(id: PartId): OpenPart | undefined {
    const part = this.#parts.get(id);
    if (part === undefined) return undefined;
    this.#parts.delete(id);
    const ids = this.#byBucket.get(part.bucket);
    ids?.delete(id);
    if (ids?.size === 0) this.#byBucket.delete(part.bucket);
    return part;
  }

  /**
   * Adopts a file's change in a completed checkpoint. Returns the records by which it grew; `contradicts` is
   * called for each fact that cannot be.
   */
  checkpointed(change: PartChange, read: ReadRange, contradicts: (found: Contradiction) => void): number {
    const part = this.#parts.get(change.partId);
    // The ledger has refused the event.
    if (part === undefined) return 0;
    const before = part.durable;
    const growth = change.records - (before?.records ?? 0);
    for (const message of contradictionsOf(part, change, growth, read)) contradicts({ part, message });
    this.#parts.set(change.partId, { ...part, durable: change });
    if (growth > 0) this.#compareWithBucket(part, change, contradicts);
    return growth;
  }

  /**
   * A bucket has one file at a time. Files that are gone ended before the checkpoint that this one's growth
   * begins at, so only those that are still here can overlap it.
   */
  #compareWithBucket(part: OpenPart, change: PartChange, contradicts: (found: Contradiction) => void): void {
    for (const id of this.#byBucket.get(part.bucket) ?? []) {
      const other = this.#parts.get(id);
      if (other === undefined || id === part.partId || other.generation !== part.generation) continue;
      const { durable } = other;
      if (durable === null || durable.records === 0) continue;
      if (durable.lastOffset < change.firstOffset || durable.firstOffset > change.lastOffset) continue;
      contradicts({
        part,
        message:
          `holds offsets ${rangeOf(change)}, and ${other.finalUri} of the same bucket holds ` +
          rangeOf(durable),
      });
    }
  }
}

const rangeOf = ({ firstOffset, lastOffset }: PartChange): string => `${firstOffset} to ${lastOffset}`;

function* contradictionsOf(
  part: OpenPart,
  change: PartChange,
  growth: number,
  read: ReadRange,
): Generator<string> {
  const { durable: before } = part;
  const { firstOffset, lastOffset, records, length } = change;
  if (before !== null && growth < 0) yield `shrank from ${before.records} records to ${records}`;
  if (before !== null && length < before.length) yield `shrank from ${before.length} bytes to ${length}`;
  if (records === 0) return;
  if (BigInt(records) > lastOffset - firstOffset + 1n)
    yield `holds ${records} records, more than offsets ${rangeOf(change)} can have`;
  if (before !== null && before.records > 0) {
    if (firstOffset !== before.firstOffset)
      yield `began at offset ${before.firstOffset}, and now at ${firstOffset}`;
    if (growth === 0 && lastOffset !== before.lastOffset)
      yield `did not grow, and its last offset changed from ${before.lastOffset} to ${lastOffset}`;
  }
  yield* outOfRange(part, change, growth, read);
}

/** Offsets that the file cannot hold by what was read when. */
function* outOfRange(
  { fromOffset }: OpenPart,
  { firstOffset, lastOffset, records }: PartChange,
  growth: number,
  { from, to }: ReadRange,
): Generator<string> {
  if (firstOffset < fromOffset)
    yield (
      `holds offset ${firstOffset}, and was opened when everything below ${fromOffset} was in ` +
      `other files`
    );
  else if (growth === records && firstOffset < from)
    yield (
      `holds offset ${firstOffset} since this checkpoint, and everything below ${from} was ` +
      `counted before`
    );
  if (growth > 0 && lastOffset >= to)
    yield `holds offset ${lastOffset}, and its checkpoint has read up to ${to}`;
  if (growth > 0 && lastOffset < from)
    yield (
      `grew by ${growth} records, and ends at offset ${lastOffset}, below ${from}, where the ` +
      `checkpoint began`
    );
}
