/**
 * The record batches of one partition in one fetch: where they end, which are visible to a reader of
 * committed records, and whether they are whole. A cursor reads the records.
 */
import type { TidemarkError, Affected } from '../../../../journal/errors.ts';
import { SourceFailure } from '../../failure.ts';
import { FOR_GOOD, Lent } from '../../../system/lentMemory.ts';
import type { FetchedBatch, RecordCursor } from '../../port.ts';
import { NeverFits, NoRoomYet, UnpackRoom } from '../../unpackRoom.ts';
import { CODEC_MASK, unpack } from './codecs.ts';
import { crc32c } from '../../../../kernels/crc32c.ts';
import { DecodedCursor } from '../client/decodedCursor.ts';
import type { AbortedTransaction } from '../wire/fetch.ts';
import { DEFAULT_TUNING, type RecordDecoding } from '../options.ts';
import { BatchCursor } from './cursor.ts';
import { AT, AT_RECORDS, CONTROL, LOG_APPEND_TIME, TRANSACTIONAL } from './header.ts';
import type { RecordSegment } from './segmentCursor.ts';
import { spansOf } from './spans.ts';
import { PooledOutput } from './unpackOutput.ts';

/** Bytes before those that the batch's length includes. */
const BEFORE_LENGTH_COUNTS = 12;
/** A batch without records. */
export const BATCH_BYTES_MIN = AT_RECORDS;
const CURRENT_MAGIC = 2;
const NO_PRODUCER = -1n;
const NO_LEADER_EPOCH = -1;
/** A control record's key: version, type. */
const ABORT_TYPE = 0;

export interface PartitionRecords {
  readonly name: string;
  readonly fetchedOffset: bigint;
  readonly lastStableOffset: bigint;
  readonly abortedTransactions: readonly AbortedTransaction[];
  readonly records: Buffer;
  /** Releases the memory of `records`. */
  readonly release?: () => void;
}

export interface ScannedRecords {
  readonly name: string;
  readonly fetchedOffset: bigint;
  /** The offset after the last whole batch; fetchedOffset if there is none. */
  readonly nextOffset: bigint;
  /** The epoch of all these batches. Null if there are none, or if they have none. */
  readonly leaderEpoch: number | null;
  readonly batches: readonly { readonly bytes: Buffer; readonly visible: boolean }[];
  readonly sizeBytes: number;
  /** If no batch is whole: the bytes that the first one needs, as far as is known. */
  readonly neededBytes: number | null;
  readonly release?: (() => void) | undefined;
}

/**
 * Scans the batches. Each one's CRC is checked before its header is trusted. An aborted transaction hides its
 * producer's batches from its first offset to its abort marker; a batch belongs to one producer. Batches that
 * end below `fetchedOffset`, or are not below the last stable offset, are left out.
 * The scan ends before a damaged batch that is not the first: the next fetch begins with it and reports it.
 * It also ends where the leader epoch changes, so that one epoch applies to each offset of these batches.
 */
export function scanRecords({ name, records, release, ...fetch }: PartitionRecords): ScannedRecords {
  const { fetchedOffset, lastStableOffset } = fetch;
  const aborted = new AbortedProducers(fetch.abortedTransactions);
  const batches: { bytes: Buffer; visible: boolean }[] = [];
  let nextOffset = fetchedOffset;
  let leaderEpoch = NO_LEADER_EPOCH;
  let sizeBytes = 0;
  let neededBytes: number | null = null;
  for (let at = 0; at < records.length;) {
    const batch = wholeBatch(name, fetchedOffset, records, at, nextOffset > fetchedOffset);
    if (batch.type === 'damaged') break;
    if (batch.type === 'cut') {
      if (batches.length === 0) ({ neededBytes } = batch);
      break;
    }
    const { bytes } = batch;
    const batchEpoch = bytes.readInt32BE(AT.leaderEpoch);
    if (batchEpoch !== leaderEpoch && nextOffset > fetchedOffset) break;
    leaderEpoch = batchEpoch;
    const lastOffset = bytes.readBigInt64BE(0) + BigInt(bytes.readInt32BE(AT.lastOffsetDelta));
    if (lastStableOffset >= 0n && lastOffset >= lastStableOffset) break;
    const visible = aborted.allows(bytes, lastOffset) && lastOffset >= fetchedOffset;
    batches.push({ bytes, visible });
    if (visible) sizeBytes += bytes.length;
    if (lastOffset >= nextOffset) nextOffset = lastOffset + 1n;
    at += bytes.length;
  }
  const known = nextOffset === fetchedOffset || leaderEpoch < 0 ? null : leaderEpoch;
  return { name, fetchedOffset, nextOffset, leaderEpoch: known, batches, sizeBytes, neededBytes, release };
}

type BatchAt =
  | { readonly type: 'whole'; readonly bytes: Buffer }
  | { readonly type: 'cut'; readonly neededBytes: number }
  | { readonly type: 'damaged' };

/** Throws if the batch is damaged, unless that can wait. */
function wholeBatch(
  name: string,
  fetchedOffset: bigint,
  records: Buffer,
  at: number,
  canWait: boolean,
): BatchAt {
  const leftBytes = records.length - at;
  if (leftBytes < AT_RECORDS) return { type: 'cut', neededBytes: leftBytes * 2 };
  try {
    const length = wholeLength(name, records, at);
    if (length > leftBytes) return { type: 'cut', neededBytes: length };
    const bytes = records.subarray(at, at + length);
    if (!isIntact(bytes)) {
      const range = { fromOffset: fetchedOffset, toOffset: endOfDamaged(records, at, length) };
      throw corrupt(name, bytes.readBigInt64BE(0), 'fails its CRC-32C check', { range });
    }
    return { type: 'whole', bytes };
  } catch (error) {
    if (canWait) return { type: 'damaged' };
    throw error;
  }
}

function isIntact(batch: Buffer): boolean {
  return crc32c(batch, AT.attributes, batch.length) === batch.readUInt32BE(AT.crc);
}

/**
 * The offset at which the records after a damaged batch begin. The next batch is the best evidence, if it is
 * whole; else two fields of the damaged header that agree. Null if there is no certain evidence.
 */
function endOfDamaged(records: Buffer, at: number, length: number): bigint | null {
  const next = records.subarray(at + length);
  if (next.length >= AT_RECORDS) {
    const nextLength = BEFORE_LENGTH_COUNTS + next.readInt32BE(AT.length);
    const isWhole = nextLength >= AT_RECORDS && nextLength <= next.length;
    if (isWhole && isIntact(next.subarray(0, nextLength))) return next.readBigInt64BE(0);
  }
  const lastDelta = records.readInt32BE(at + AT.lastOffsetDelta);
  const agrees = records.readInt32BE(at + AT.count) === lastDelta + 1;
  return agrees ? records.readBigInt64BE(at) + BigInt(lastDelta) + 1n : null;
}

function wholeLength(name: string, records: Buffer, at: number): number {
  const length = BEFORE_LENGTH_COUNTS + records.readInt32BE(at + AT.length);
  const magic = records.readInt8(at + AT.magic);
  if (magic !== CURRENT_MAGIC) {
    const why = `has format ${magic}; only format 2 (Kafka 0.11 and later) is read`;
    throw corrupt(name, records.readBigInt64BE(at), why);
  }
  if (length < AT_RECORDS)
    throw corrupt(name, records.readBigInt64BE(at), `has the impossible length ${length}`);
  return length;
}

/**
 * A batch, and whether it holds records of producers. Control records are none; a damaged batch may hold any.
 */
export interface BatchFound {
  readonly baseOffset: bigint;
  readonly nextOffset: bigint;
  readonly holdsRecords: boolean;
}

/** The whole batches, up to and including the first damaged one. */
export function batchesIn(name: string, records: Buffer): BatchFound[] {
  const found: BatchFound[] = [];
  for (let at = 0; at < records.length;) {
    const batch = wholeBatch(name, 0n, records, at, true);
    if (batch.type === 'cut') break;
    const baseOffset = records.readBigInt64BE(at);
    if (batch.type === 'damaged') {
      found.push({ baseOffset, nextOffset: baseOffset + 1n, holdsRecords: true });
      break;
    }
    const { bytes } = batch;
    const isControl = (bytes.readInt16BE(AT.attributes) & CONTROL) !== 0;
    const nextOffset = baseOffset + BigInt(bytes.readInt32BE(AT.lastOffsetDelta)) + 1n;
    found.push({ baseOffset, nextOffset, holdsRecords: !isControl && bytes.readInt32BE(AT.count) > 0 });
    at += bytes.length;
  }
  return found;
}

class AbortedProducers {
  readonly #transactions: readonly AbortedTransaction[];
  readonly #producers = new Set<bigint>();
  #begun = 0;

  constructor(transactions: readonly AbortedTransaction[]) {
    this.#transactions = transactions.toSorted((a, b) => Number(a.firstOffset - b.firstOffset));
  }

  /** False for control batches and for batches of an aborted transaction. */
  allows(bytes: Buffer, lastOffset: bigint): boolean {
    const attributes = bytes.readInt16BE(AT.attributes);
    if (this.#transactions.length === 0) return (attributes & CONTROL) === 0;
    for (let next = this.#transactions[this.#begun]; next !== undefined && next.firstOffset <= lastOffset;) {
      this.#producers.add(next.producerId);
      this.#begun += 1;
      next = this.#transactions[this.#begun];
    }
    const producerId = bytes.readBigInt64BE(AT.producerId);
    if ((attributes & CONTROL) !== 0) {
      if (isAbortMarker(bytes)) this.#producers.delete(producerId);
      return false;
    }
    return (
      producerId === NO_PRODUCER || (attributes & TRANSACTIONAL) === 0 || !this.#producers.has(producerId)
    );
  }
}

function isAbortMarker(bytes: Buffer): boolean {
  if (bytes.readInt32BE(AT.count) < 1) return false;
  const baseOffset = bytes.readBigInt64BE(0);
  const cursor = new BatchCursor(baseOffset, new Lent([segmentOf(bytes, baseOffset)], FOR_GOOD));
  if (!cursor.next() || cursor.keyEnd - cursor.keyStart < 4) return false;
  return bytes.readInt16BE(cursor.keyStart + 2) === ABORT_TYPE;
}

/** Visible batches are unpacked one after the other, when the cursor reaches them. */
export function toFetchedBatch(
  scanned: ScannedRecords,
  decode: RecordDecoding = 'batches',
  room = new UnpackRoom(DEFAULT_TUNING.unpackBytesMax),
): FetchedBatch {
  const { name, fetchedOffset, nextOffset, leaderEpoch } = scanned;
  const segments: RecordSegment[] = [];
  let sizeBytes = 0;
  for (const { bytes, visible } of scanned.batches) {
    if (!visible) continue;
    segments.push(packed(name, bytes, fetchedOffset, room));
    sizeBytes += bytes.length;
  }
  const lent = new Lent<readonly RecordSegment[]>(segments, { takeBack: () => scanned.release?.() });
  const cursors: Record<RecordDecoding, () => RecordCursor> = {
    batches: () => new BatchCursor(fetchedOffset, lent),
    records: () => new DecodedCursor(fetchedOffset, lent),
  };
  return {
    fetchedOffset,
    nextOffset,
    leaderEpoch,
    sizeBytes,
    records: cursors[decode],
    spans: () => spansOf(scanned, lent),
    release: () => lent.giveBack(),
  };
}

function packed(name: string, bytes: Buffer, fetchedOffset: bigint, room: UnpackRoom): RecordSegment {
  const codec = bytes.readInt16BE(AT.attributes) & CODEC_MASK;
  const segment = segmentOf(bytes, fetchedOffset);
  if (codec === 0) return segment;
  const toOffset = fetchedOffset + BigInt(segment.lastDelta) + 1n;
  const batchOffset = bytes.readBigInt64BE(0);
  const range = { fromOffset: batchOffset > fetchedOffset ? batchOffset : fetchedOffset, toOffset };
  return { ...segment, unpack: () => unpacked({ name, bytes, codec, room, range }) };
}

interface Packed {
  readonly name: string;
  readonly bytes: Buffer;
  readonly codec: number;
  readonly room: UnpackRoom;
  readonly range: OffsetsInDoubt;
}

function unpacked({ name, bytes, codec, room, range }: Packed): Lent<Buffer> {
  const output = new PooledOutput(room);
  try {
    unpack(codec, bytes.subarray(AT_RECORDS), output);
  } catch (error) {
    output.release();
    if (error instanceof NoRoomYet) throw error;
    const offset = bytes.readBigInt64BE(0);
    throw error instanceof NeverFits
      ? tooLarge(name, offset, bytes.length, range, error)
      : corrupt(name, offset, 'cannot be decompressed', { range, cause: error });
  }
  return new Lent(output.bytes.subarray(0, output.length), { takeBack: () => output.release() });
}

function segmentOf(bytes: Buffer, baseOffset: bigint): RecordSegment {
  const byAppendTime = (bytes.readInt16BE(AT.attributes) & LOG_APPEND_TIME) !== 0;
  return {
    bytes,
    start: AT_RECORDS,
    end: bytes.length,
    count: bytes.readInt32BE(AT.count),
    baseDelta: Number(bytes.readBigInt64BE(0) - baseOffset),
    lastDelta: Number(bytes.readBigInt64BE(0) - baseOffset) + bytes.readInt32BE(AT.lastOffsetDelta),
    firstTimestampMs: Number(bytes.readBigInt64BE(AT.firstTimestamp)),
    appendTimestampMs: byAppendTime ? Number(bytes.readBigInt64BE(AT.maxTimestamp)) : null,
  };
}

/** [fromOffset, toOffset); toOffset is null if the end is not known for certain. */
interface OffsetsInDoubt {
  readonly fromOffset: bigint;
  readonly toOffset: bigint | null;
}

/** What the stop of the partition names. */
function affectedBy({ fromOffset, toOffset }: OffsetsInDoubt): Partial<Affected> {
  return toOffset !== null && toOffset > fromOffset ? { fromOffset, toOffset } : { fromOffset };
}

function corrupt(
  name: string,
  offset: bigint,
  why: string,
  { range, cause }: { readonly range?: OffsetsInDoubt; readonly cause?: unknown } = {},
): TidemarkError {
  return new SourceFailure(
    'batchCorrupt',
    `The record batch at offset ${offset.toString()} of ${name} ${why}. Repair the topic, or accept the ` +
      'loss of its offsets.',
    {
      fields: { partition: name, offset },
      ...(range === undefined ? {} : { affected: affectedBy(range) }),
      ...(cause === undefined ? {} : { cause }),
    },
  );
}

function tooLarge(
  name: string,
  offset: bigint,
  packedBytes: number,
  range: OffsetsInDoubt,
  { bytesMax }: NeverFits,
): TidemarkError {
  return new SourceFailure(
    'batchTooLarge',
    `The record batch at offset ${offset.toString()} of ${name} takes ${packedBytes} bytes, and unpacked ` +
      `more than the ${bytesMax} that the job's memory has for it. Raise memory in the job file, start ` +
      'again and resume; or accept the loss of its offsets.',
    { fields: { partition: name, offset, packedBytes, bytesMax }, affected: affectedBy(range) },
  );
}
