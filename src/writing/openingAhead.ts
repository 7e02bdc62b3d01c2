/**
 * Opens the file that a record waits for, together with those for the rest of its batch: one journal entry
 * covers many.
 */
import type { BucketAssigner } from '../../actors/buckets/rule.ts';
import type { FetchedBatch } from '../sources/port.ts';
import { forEachBounded } from '../system/concurrency.ts';
import type { RecordFormat, Tombstones } from '../formats/format.ts';
import { findBuckets } from './bucketsAhead.ts';
import { bucketOfSlot } from './takingFiles.ts';
import type { FileRoom, Opening } from './fileRoom.ts';
import type { PartWriter } from './partWriter.ts';

/** New files of one batch: how many are journaled in one entry, and how many are created at once. */
const OPENED_TOGETHER_MAX = 1_000;
const OPEN_CONCURRENCY = 64;

export interface OpeningOptions {
  readonly assigner: BucketAssigner;
  readonly records: RecordFormat;
  readonly tombstones: Tombstones;
  /** Journals and creates a part file for the bucket; the router waits for it. */
  readonly openPart: (bucket: string, firstOffset: bigint) => Promise<PartWriter>;
  /** Room for the files that the whole process holds open. */
  readonly fileRoom: FileRoom;
  /** Resolves when there is memory for more files. */
  readonly roomForFiles?: () => Promise<void>;
}

/** A record whose bucket has no file, and the batch that it is in. */
export interface Missing {
  readonly batch: FetchedBatch;
  readonly slot: number;
  /** Offset of the record, and where reading ends. */
  readonly nextOffset: bigint;
  readonly endOffset: bigint | null;
  /** When the batch's records are written. */
  readonly wallMs: number;
  /** Most records that follow need no file: none is opened for them in advance. */
  readonly isAlone?: boolean;
}

/** @param opened called for each file, at once when it is open. */
export async function openAhead(
  options: OpeningOptions,
  missing: Missing,
  hasFile: (bucket: string) => boolean,
  opened: (writer: PartWriter) => void,
): Promise<Opening> {
  const { openPart, fileRoom, roomForFiles } = options;
  await roomForFiles?.();
  let wanted: ReadonlyMap<string, bigint> = new Map();
  const opening = await fileRoom.reserve((left) => {
    wanted = wantedFiles(options, missing, Math.min(OPENED_TOGETHER_MAX, left), hasFile);
    return wanted.size;
  });
  try {
    await forEachBounded(wanted, OPEN_CONCURRENCY, async ([bucket, firstOffset]) => {
      opened(await openPart(bucket, firstOffset));
      opening.opened();
    });
    return opening;
  } catch (error) {
    opening.written();
    throw error;
  } finally {
    opening.ended();
  }
}

/** At most `room` buckets, the missing one first, each with the offset of its first record. */
function wantedFiles(
  { assigner, records, tombstones }: OpeningOptions,
  { batch, slot, isAlone = false, ...range }: Missing,
  room: number,
  hasFile: (bucket: string) => boolean,
): ReadonlyMap<string, bigint> {
  const wanted = new Map([[bucketOfSlot(assigner, slot), range.nextOffset]]);
  if (!assigner.looksAtRecords || isAlone || room <= 1) return wanted;
  const ahead = batch.records();
  try {
    findBuckets(ahead, { assigner, records, tombstones, ...range, room }, wanted, hasFile);
  } finally {
    ahead.release?.();
  }
  return wanted;
}
