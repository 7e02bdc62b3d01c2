/** What the command line asks of the rest of Tidemark; src/backend.ts provides it. */
import type { BackupFound, OnBackupProgress } from '../../journal/backupCheck.ts';
import type { OperatorRequest } from '../../journal/events.ts';
import type { TopicPartition } from '../../journal/ids.ts';
import type { JobConfig } from '../config/jobConfig.ts';
import type { Log } from '../telemetry/log.ts';

/** Totals of this process since it started, for the progress display. */
export interface RunProgress {
  readonly recordsRead: number;
  readonly bytesWritten: number;
  /** Owned now. */
  readonly partitions: number;
  readonly openFiles: number;
  readonly pendingFiles: number;
  readonly committedFiles: number;
  /** Records between the cursors and the ends of the owned partitions; null where the source does not say. */
  readonly lag: bigint | null;
}

export interface CommittedFile {
  readonly uri: string;
  readonly records: number;
  readonly bytes: number;
}

export interface StoppedPartition {
  /** `topic/partition`. */
  readonly partition: string;
  readonly code: string;
  readonly message: string;
}

export interface RunReport {
  /** What this run committed, also what an earlier one had left pending. */
  readonly committed: readonly CommittedFile[];
  /** Records in those files. */
  readonly recordsCommitted: number;
  readonly stoppedPartitions: readonly StoppedPartition[];
  readonly reason: 'signal' | 'end';
}

export interface RunOptions {
  /** Read up to the ends seen at the start, finish and commit every file. */
  readonly untilEnd: boolean;
  /** What the operator lets this run change of the job that the journal knows. */
  readonly moves: readonly ('sink' | 'group')[];
  /** Aborted: last checkpoint, leave the group, keep files in progress resumable. */
  readonly signal: AbortSignal;
  readonly log: Log;
  /** May be called as often as it likes: the display takes what it needs. */
  onProgress(progress: RunProgress): void;
}

export interface PartStatus {
  readonly partId: string;
  readonly state: string;
  /** What the last completed checkpoint counted: bytes, records, and their first and last offset (null where none). */
  readonly length: number;
  readonly records: number;
  readonly firstOffset: bigint | null;
  readonly lastOffset: bigint | null;
  readonly finalUri: string;
  readonly temporaryUri: string;
}

export interface BucketStatus {
  /** Folder below the sink; empty for the sink itself. */
  readonly bucket: string;
  readonly state: string;
  readonly parts: readonly PartStatus[];
}

export interface PartitionStop {
  readonly code: string;
  readonly message: string;
  /** The offsets in doubt, [from, to); null where the cause is no range. */
  readonly fromOffset: bigint | null;
  readonly toOffset: bigint | null;
  /** Where the source's log went back to, and the leader epoch before it; null for every other cause. */
  readonly truncation: { readonly divergedAt: bigint; readonly leaderEpoch: number | null } | null;
}

export interface PartitionStatus {
  readonly topic: string;
  readonly partition: number;
  readonly state: string;
  readonly epoch: number;
  readonly nextOffset: bigint;
  /** Null where the source does not answer. */
  readonly lag: bigint | null;
  readonly recordsRead: number;
  readonly recordsSkipped: number;
  readonly stop: PartitionStop | null;
  readonly buckets: readonly BucketStatus[];
  readonly committedFiles: number;
}

export interface JobStatus {
  readonly job: string;
  readonly journal: { readonly kind: 'sqlite' | 'nats'; readonly id: string; readonly location: string };
  readonly partitions: readonly PartitionStatus[];
}

export interface FiledRequest {
  readonly partition: TopicPartition;
  readonly requestId: number;
}

/** A partition, or null for every partition of the job; and what is asked of its owner. */
export interface RequestOrder {
  readonly partition: TopicPartition | null;
  readonly request: OperatorRequest;
}

export interface BackupOptions {
  /** Of the backup. */
  readonly file: string;
  readonly log: Log;
  readonly onProgress: OnBackupProgress;
}

export interface Backend {
  /** Resolves when the checked backup has its name. Rejects with REQUEST_REFUSED where that is taken, and may not be replaced. */
  readonly backupJournal: (
    config: JobConfig,
    options: BackupOptions & { readonly force: boolean },
  ) => Promise<BackupFound>;
  /** Rejects with REQUEST_REFUSED where the job has a journal. */
  readonly restoreJournal: (config: JobConfig, options: BackupOptions) => Promise<BackupFound>;
  /** Rejects with a TidemarkError where the job cannot run at all; a stopped partition is in the report instead. */
  readonly runJob: (config: JobConfig, options: RunOptions) => Promise<RunReport>;
  /** Reads the journal, also while the job runs. */
  readonly readStatus: (config: JobConfig, options: { readonly log: Log }) => Promise<JobStatus>;
  /** Files the request for the owner; resolves when it is filed, not when it is carried out. */
  readonly fileRequest: (
    config: JobConfig,
    order: RequestOrder,
    options: { readonly log: Log },
  ) => Promise<readonly FiledRequest[]>;
}
