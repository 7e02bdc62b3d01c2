/** What the command line asks of the rest of Tidemark; src/app/application.ts provides it. */
import type { BackupFound, OnBackupProgress } from '../../journal/backup/check.ts';
import type { TidemarkError } from '../../journal/errors.ts';
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

/** What the consumer group has committed of a partition. */
export interface GroupStatus {
  readonly offset: bigint;
  /** Whether it was Tidemark that committed it: its commits carry a witness of the journal. */
  readonly hasWitness: boolean;
}

export interface PartitionStatus {
  readonly topic: string;
  readonly partition: number;
  /** As the journal has it: active, settled, stopped, unclaimed; halted by what it cannot hold; unreadable where it is damaged. */
  readonly state: string;
  readonly epoch: number;
  readonly nextOffset: bigint;
  /** Up to the last stable offset; null where the source does not answer. */
  readonly lag: bigint | null;
  /** Offsets behind the last stable one, which wait for an open transaction; null where the source does not answer. */
  readonly heldBack: bigint | null;
  readonly recordsRead: number;
  readonly recordsSkipped: number;
  /** `host:pid` of the live coordinator that has it; null where none has. */
  readonly owner: string | null;
  readonly stop: PartitionStop | null;
  /** Requests that its owner would accept, the best first. */
  readonly proposals: readonly OperatorRequest[];
  /** The last request, where that was refused. */
  readonly refusal: { readonly requestId: number; readonly reason: string } | null;
  /** Null where there is no group, it has committed nothing, or does not answer. */
  readonly group: GroupStatus | null;
  readonly buckets: readonly BucketStatus[];
  readonly committedFiles: number;
}

export interface DependencyStatus {
  readonly name: 'source' | 'journal' | 'destination';
  readonly state: 'ok' | 'error';
  readonly code: string | null;
  readonly message: string | null;
  readonly tookMs: number;
}

/** What a coordinator said of itself last. */
export interface CoordinatorStatus {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly version: string;
  readonly startedAt: string;
  readonly seenMsAgo: number;
  /** Not for long: it has said nothing for less than 30 s. */
  readonly isLive: boolean;
  readonly partitions: readonly { readonly name: string; readonly state: string }[];
  /** What each answered last to that process. */
  readonly dependencies: readonly {
    readonly name: string;
    readonly state: string;
    readonly code: string | null;
    readonly message: string | null;
    readonly since: string;
  }[];
  /** What lasts: stopped, halted, refused, waited for, tried again. */
  readonly conditions: readonly {
    readonly kind: string;
    readonly about: string;
    readonly code: string;
    readonly message: string;
    readonly help: string;
    readonly since: string;
    readonly times: number;
  }[];
  /** How many more there are, which it had no room to tell of. */
  readonly omitted: { readonly partitions: number; readonly conditions: number };
}

export interface JobStatus {
  readonly job: string;
  /** Its id is null where it does not answer. */
  readonly journal: {
    /** Key below `journal` in the job file. */
    readonly kind: string;
    readonly id: string | null;
    readonly location: string;
  };
  readonly coordinators: readonly CoordinatorStatus[];
  /** As they answered to this command. */
  readonly dependencies: readonly DependencyStatus[];
  readonly partitions: readonly PartitionStatus[];
  /** Why the journal cannot be read, so that its partitions are not known; null where it can. */
  readonly problem: TidemarkError | null;
}

/** What became of a request: null while it only lies there. */
export type RequestAnswer =
  | { readonly type: 'accepted' }
  | { readonly type: 'refused'; readonly reason: string }
  /** Nobody answered in time; the request stays filed. */
  | { readonly type: 'none' };

export interface FiledRequest {
  readonly partition: TopicPartition;
  readonly requestId: number;
  /** Null where nobody waited for it. */
  readonly answer: RequestAnswer | null;
}

export interface RequestOptions {
  readonly log: Log;
  /** How long the owners have for their answers; null: nobody waits. */
  readonly waitMs: number | null;
  /** Told that the answer may not come, and why. */
  readonly onNotice: (notice: string) => void;
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
  /** Reads the journal and asks every dependency, also while the job runs. */
  readonly readStatus: (config: JobConfig, options: { readonly log: Log }) => Promise<JobStatus>;
  /** Files the request for the owners, and waits for what they say to it. */
  readonly fileRequest: (
    config: JobConfig,
    order: RequestOrder,
    options: RequestOptions,
  ) => Promise<readonly FiledRequest[]>;
}
