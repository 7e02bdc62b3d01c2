/**
 * What a run counts for its metrics. Nothing here is touched per record: a batch, a checkpoint, a commit, a
 * claim or a call of a port adds to it.
 */
import type { RollReason } from '../../journal/events.ts';
import { partitionName, type TopicPartition } from '../../journal/ids.ts';
import { systemClock } from '../system/clock.ts';
import { BYTES_BOUNDS, Histogram, RECORDS_BOUNDS, SECONDS_BOUNDS } from './histogram.ts';

/** A committed file, for people. */
export interface RecentFile extends TopicPartition {
  readonly uri: string;
  readonly bucket: string;
  readonly records: number;
  readonly bytes: number;
  readonly firstOffset: bigint;
  readonly lastOffset: bigint;
  readonly rollReason: RollReason | null;
  /** Wall clock, milliseconds. */
  readonly committedAtMs: number;
}

const RECENT_FILES_KEPT = 1_000;

/** What completed checkpoints have counted of one partition, and what else happened to it here. */
export class PartitionCounts {
  readonly partition: TopicPartition;
  recordsRead = 0;
  recordsSkippedNull = 0;
  recordsSkippedBad = 0;
  readonly recordsBad = new Map<string, number>();
  /** As they were fetched. */
  bytesRead = 0;
  readonly filesCommitted = new Map<RollReason, number>();
  claims = 0;
  /** How often another owner ended an epoch. */
  fenced = 0;
  /** Wall clock: when all that was read was last checkpointed, also if that was nothing. Null before. */
  checkpointAtMs: number | null = null;

  constructor(partition: TopicPartition) {
    this.partition = partition;
  }

  /** In files, those of bad records included. */
  get recordsWritten(): number {
    return this.recordsRead - this.recordsSkippedNull - this.recordsSkippedBad;
  }
}

export class RunCounts {
  readonly fileBytes = new Histogram(BYTES_BOUNDS);
  readonly fileRecords = new Histogram(RECORDS_BOUNDS);
  readonly checkpointSeconds = new Histogram(SECONDS_BOUNDS);
  /** From pending to committed. */
  readonly publishSeconds = new Histogram(SECONDS_BOUNDS);
  readonly appendSeconds = new Histogram(SECONDS_BOUNDS);
  /** Of the destination's calls, by operation and whether they succeeded. */
  readonly storeSeconds = new Map<string, { readonly ok: Histogram; readonly error: Histogram }>();
  rebalances = 0;
  /** Files rolled early because the process had no room for them. */
  readonly forcedRolls = { memory: 0, openFiles: 0 };
  readonly #partitions = new Map<string, PartitionCounts>();
  readonly #recentFiles: RecentFile[] = [];

  /** Kept when a partition is given away: a counter never goes back. */
  of(partition: TopicPartition): PartitionCounts {
    const name = partitionName(partition);
    const known = this.#partitions.get(name);
    if (known !== undefined) return known;
    const made = new PartitionCounts(partition);
    this.#partitions.set(name, made);
    return made;
  }

  partitions(): Iterable<PartitionCounts> {
    return this.#partitions.values();
  }

  /** Monotonic milliseconds, for `took`. */
  nowMs(): number {
    return systemClock.nowMs();
  }

  took(histogram: Histogram, startedMs: number): void {
    histogram.observe((this.nowMs() - startedMs) / 1_000);
  }

  storeCall(operation: string, startedMs: number, outcome: 'ok' | 'error'): void {
    let histograms = this.storeSeconds.get(operation);
    if (histograms === undefined) {
      histograms = { ok: new Histogram(SECONDS_BOUNDS), error: new Histogram(SECONDS_BOUNDS) };
      this.storeSeconds.set(operation, histograms);
    }
    this.took(histograms[outcome], startedMs);
  }

  fileCommitted(file: RecentFile): void {
    this.fileBytes.observe(file.bytes);
    this.fileRecords.observe(file.records);
    const { filesCommitted } = this.of(file);
    const reason = file.rollReason ?? 'recovery';
    filesCommitted.set(reason, (filesCommitted.get(reason) ?? 0) + 1);
    this.#recentFiles.push(file);
    if (this.#recentFiles.length > RECENT_FILES_KEPT) this.#recentFiles.shift();
  }

  /** The last files that this process committed, oldest first. */
  get recentFiles(): readonly RecentFile[] {
    return this.#recentFiles;
  }
}
