/**
 * A long journal of one partition, like that of a job that has run for months. Part files are opened,
 * checkpointed a few times, rolled and committed; sometimes another owner claims. Entries are made lazily, so
 * a million of them need no memory.
 */
import { encodeEntry, hashEntry } from '../journal/entry.ts';
import { FORMAT_OF_MOST } from '../journal/entryFormats.ts';
import type { PartChange, PartitionEvent } from '../journal/events.ts';
import {
  claimId,
  crc64Hex,
  NO_HASH,
  partId,
  type ClaimId,
  type JobName,
  type PartId,
  type TopicPartition,
} from '../journal/ids.ts';

/** Entries in the life of one part file. */
const CYCLE = 8;
/** Part files between two claims. */
const CYCLES_PER_EPOCH = 500;
const RECORDS_PER_CHECKPOINT = 10_000;
const BYTES_PER_RECORD = 160;

export interface HistoryOptions {
  readonly job: JobName;
  readonly partition: TopicPartition;
  /** The minimum; the last part file is committed. */
  readonly entries: number;
  /** Where the journaled part files lie. */
  readonly sinkUri: string;
  /** 0 leaves nextOffset at the partition's begin, for a topic that is still empty. */
  readonly recordsPerCheckpoint?: number;
}

/** The stored bytes of each entry, in order. */
export function* history(options: HistoryOptions): Generator<Uint8Array> {
  const { job, partition, entries } = options;
  const writer = new Historian(options);
  let prevHash = NO_HASH;
  for (let seq = 1; seq <= entries || !writer.isSettled; seq += 1) {
    const events = writer.next();
    const { epoch, claim } = writer;
    const at = new Date(1_767_225_600_000 + seq * 5_000).toISOString();
    const entry = {
      v: FORMAT_OF_MOST,
      minReader: FORMAT_OF_MOST,
      job,
      ...partition,
      epoch,
      claimId: claim,
      seq,
      at,
      prevHash,
      events,
    };
    const bytes = encodeEntry(entry);
    prevHash = hashEntry(bytes);
    yield bytes;
  }
}

class Historian {
  epoch = 0;
  claim: ClaimId = idOf('c', 0, claimId);
  readonly #options: HistoryOptions;
  readonly #recordsPerCheckpoint: number;
  #cycles = 0;
  #step = 0;
  #checkpoint = 0;
  #nextOffset = 0n;
  #firstOffset = 0n;
  #records = 0;

  constructor(options: HistoryOptions) {
    this.#options = options;
    this.#recordsPerCheckpoint = options.recordsPerCheckpoint ?? RECORDS_PER_CHECKPOINT;
  }

  /** True if no part file is open or pending. */
  get isSettled(): boolean {
    return this.#step === 0;
  }

  next(): PartitionEvent[] {
    if (
      this.#step === 0 &&
      this.#cycles % CYCLES_PER_EPOCH === 0 &&
      this.epoch * CYCLES_PER_EPOCH <= this.#cycles
    )
      return this.#claimed();
    const events = this.#eventsOfStep();
    this.#step = (this.#step + 1) % CYCLE;
    if (this.#step === 0) this.#cycles += 1;
    return events;
  }

  #claimed(): PartitionEvent[] {
    this.epoch += 1;
    this.claim = idOf('c', this.epoch, claimId);
    return [{ type: 'epochClaimed', epoch: this.epoch, claimId: this.claim, startOffset: 0n }];
  }

  #eventsOfStep(): PartitionEvent[] {
    const id: PartId = idOf('a', this.#cycles, partId);
    if (this.#step === 0) return [this.#opened(id)];
    if (this.#step === CYCLE - 1) return [{ type: 'partCommitted', partId: id }];
    this.#checkpoint += 1;
    this.#records += this.#recordsPerCheckpoint;
    this.#nextOffset += BigInt(this.#recordsPerCheckpoint);
    const isRolled = this.#step === CYCLE - 2;
    return [
      {
        type: 'checkpointCompleted',
        checkpoint: this.#checkpoint,
        nextOffset: this.#nextOffset,
        leaderEpoch: null,
        leaderEpochStart: null,
        recordsRead: this.#recordsPerCheckpoint,
        recordsSkipped: { nullValue: 0 },
        checkpointParts: 0,
        parts: [this.#change(id, isRolled)],
      },
    ];
  }

  #opened(id: PartId): PartitionEvent {
    this.#firstOffset = this.#nextOffset;
    this.#records = 0;
    const { sinkUri, partition } = this.#options;
    const bucket = `2026-01-01--${String(this.#cycles % 24).padStart(2, '0')}`;
    const offset = String(this.#firstOffset).padStart(20, '0');
    return {
      type: 'partOpened',
      partId: id,
      bucket,
      finalUri: `${sinkUri}/${bucket}/part-${partition.topic}-${partition.partition}-${offset}.ndjson`,
      temporaryUri: `${sinkUri}/${bucket}/.tidemark-${id}`,
      format: 'text',
      firstOffset: this.#firstOffset,
      generation: 1,
      openedAtMs: 1_767_225_600_000,
    };
  }

  #change(id: PartId, isRolled: boolean): PartChange {
    return {
      partId: id,
      state: isRolled ? 'pending' : 'inProgress',
      length: this.#records * BYTES_PER_RECORD,
      records: this.#records,
      firstOffset: this.#firstOffset,
      lastOffset: this.#nextOffset - (this.#records === 0 ? 0n : 1n),
      crc64: crc64Hex('995dc9bbdf1939fa'),
      handle: null,
      roll: isRolled ? { reason: 'size', atMs: 1_767_225_600_000 } : null,
    };
  }
}

/** A 32-digit id derived from this number. */
function idOf<T>(first: string, number: number, make: (text: string) => T): T {
  return make(first + number.toString(16).padStart(31, '0'));
}
