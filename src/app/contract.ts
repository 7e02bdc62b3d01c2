/** The interface between the command line and the rest of Tidemark; src/app/application.ts implements it. */
import type { RunChoices } from '../sources/port.ts';
import type { BadCount } from '../../actors/partition.ts';
import type { BackupFound, OnBackupProgress } from '../../journal/backup/check.ts';
import type { ImportFound } from '../../journal/importing.ts';
import type { TidemarkError } from '../../journal/errors.ts';
import type { Entry } from '../../journal/entry.ts';
import type { OperatorRequest } from '../../journal/events.ts';
import type { JobName, TopicPartition } from '../../journal/ids.ts';
import type { AuditReport, JournalReport } from '../audit/auditReport.ts';
import type { Moment } from '../audit/replayJob.ts';
import type { TimelineStep } from '../audit/timeline.ts';
import type { JobConfig } from '../config/jobConfig.ts';
import type { PlanReport } from '../plan/planReport.ts';
import type { Log } from '../telemetry/log.ts';
import type { CommittedFile } from '../writing/runStats.ts';
import type { AuditCommandOptions } from './audit.ts';
import type { DoctorOptions, DoctorReport } from './doctor/doctorReport.ts';
import type {
  EntriesOptions,
  ExplainOptions,
  Explained,
  ReplayCommandOptions,
  VerifyOptions,
} from './history.ts';
import type { DiffOptions, DiffReport } from './journalDiff.ts';
import type { PlanOptions } from './plan.ts';
import type { OrphansCommandOptions, OrphansOutcome } from './orphans.ts';

/** Totals of this process since it started, for the progress display. */
export interface RunProgress {
  readonly recordsRead: number;
  readonly bytesWritten: number;
  /** Currently owned. */
  readonly partitions: number;
  readonly openFiles: number;
  readonly pendingFiles: number;
  readonly committedFiles: number;
  /**
   * Records between the cursors and the ends of the owned partitions; null if the source does not report it.
   */
  readonly lag: bigint | null;
}

export interface StoppedPartition {
  /** `topic/partition`. */
  readonly partition: string;
  readonly code: string;
  readonly message: string;
}

export interface RunReport {
  /** Files that this run committed, including those that an earlier run had left pending. */
  readonly committed: readonly CommittedFile[];
  /** Records in those files. */
  readonly recordsCommitted: number;
  readonly stoppedPartitions: readonly StoppedPartition[];
  readonly reason: 'signal' | 'end';
}

export interface RunOptions extends RunChoices {
  /** What this run may change of the job that the journal knows. */
  readonly moves: readonly ('sink' | 'group')[];
  /** On abort: last checkpoint, leave the group, keep files in progress resumable. */
  readonly signal: AbortSignal;
  readonly log: Log;
  /** Called with the port of the HTTP interface, if there is one. */
  readonly onListening?: (port: number) => void;
  /** May be called at any rate: the display takes what it needs. */
  onProgress(progress: RunProgress): void;
}

export interface PartStatus {
  readonly partId: string;
  readonly state: string;
  /** In the last completed checkpoint: bytes, records, first and last offset (null if there is none). */
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
  /** The offsets in doubt, [from, to); null if the cause is not a range. */
  readonly fromOffset: bigint | null;
  readonly toOffset: bigint | null;
  /**
   * The offset to which the source's log was truncated, and the leader epoch before that; null for any other
   * cause.
   */
  readonly truncation: { readonly divergedAt: bigint; readonly leaderEpoch: number | null } | null;
}

/** What the consumer group has committed of a partition. */
export interface GroupStatus {
  readonly offset: bigint;
  /** Whether Tidemark committed it: its commits carry a witness of the journal. */
  readonly hasWitness: boolean;
}

export interface PartitionStatus {
  readonly topic: string;
  readonly partition: number;
  /**
   * From the journal: active, settled, stopped or unclaimed. Halted if the cause cannot be journaled,
   * unreadable if the journal is damaged.
   */
  readonly state: string;
  readonly epoch: number;
  readonly nextOffset: bigint;
  /** Up to the last stable offset; null if the source does not answer. */
  readonly lag: bigint | null;
  /**
   * Offsets from the last stable one on, which wait for an open transaction; null if the source does not
   * answer.
   */
  readonly heldBack: bigint | null;
  readonly recordsRead: number;
  /** Records that are in no file: without a value, or bad. */
  readonly recordsSkipped: number;
  /** Bad records by reason: skipped ones, and those in files of bad records. */
  readonly recordsBad: readonly BadCount[];
  /** `host:pid` of the live coordinator that owns it; null if none does. */
  readonly owner: string | null;
  readonly stop: PartitionStop | null;
  /** Requests that its owner would accept, best first. */
  readonly proposals: readonly OperatorRequest[];
  /** The last request, if it was refused. */
  readonly refusal: { readonly requestId: number; readonly reason: string } | null;
  /** Null if there is no group, it has committed nothing, or it does not answer. */
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

/** What a coordinator last reported about itself. */
export interface CoordinatorStatus {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly version: string;
  readonly startedAt: string;
  readonly seenMsAgo: number;
  /** It has reported within the last 30 s. */
  readonly isLive: boolean;
  readonly partitions: readonly { readonly name: string; readonly state: string }[];
  /** The last answer of each to that process. */
  readonly dependencies: readonly {
    readonly name: string;
    readonly state: string;
    readonly code: string | null;
    readonly message: string | null;
    readonly since: string;
  }[];
  /** Lasting conditions: stopped, halted, refused, waited for, retried. */
  readonly conditions: readonly {
    readonly kind: string;
    readonly about: string;
    readonly code: string;
    readonly message: string;
    readonly help: string;
    readonly since: string;
    readonly times: number;
  }[];
  /** How many more there are, for which its record had no room. */
  readonly omitted: { readonly partitions: number; readonly conditions: number };
}

export interface JobStatus {
  readonly job: string;
  /** The moment whose state this is, as it was asked for; null for now. */
  readonly asOf: Moment | null;
  /** Its id is null if it does not answer. */
  readonly journal: {
    /** Key below `journal` in the job file. */
    readonly kind: string;
    readonly id: string | null;
    readonly location: string;
  };
  readonly coordinators: readonly CoordinatorStatus[];
  /** Their answers to this command. */
  readonly dependencies: readonly DependencyStatus[];
  readonly partitions: readonly PartitionStatus[];
  /** Why the journal cannot be read and its partitions are unknown; null if it can be read. */
  readonly problem: TidemarkError | null;
}

/** The answer to a request; null while it is only filed. */
export type RequestAnswer =
  | { readonly type: 'accepted' }
  | { readonly type: 'refused'; readonly reason: string }
  /** Nobody answered in time; the request stays filed. */
  | { readonly type: 'none' };

export interface FiledRequest {
  readonly partition: TopicPartition;
  readonly requestId: number;
  /** Null if nobody waited for it. */
  readonly answer: RequestAnswer | null;
}

export interface RequestOptions {
  readonly log: Log;
  /** How long the owners may take to answer; null: do not wait. */
  readonly waitMs: number | null;
  /** Called with the reason if the answer may not come. */
  readonly onNotice: (notice: string) => void;
}

/** A partition, or null for every partition of the job; and the request to its owner. */
export interface RequestOrder {
  readonly partition: TopicPartition | null;
  readonly request: OperatorRequest;
}

export interface BackupOptions {
  /** Path of the backup. */
  readonly file: string;
  readonly log: Log;
  readonly onProgress: OnBackupProgress;
}

/** `verifying` and `checking` read the file; `importing` writes the journal. */
export interface ImportProgress {
  readonly phase: 'verifying' | 'checking' | 'importing';
  /** Done in this phase. */
  readonly entries: number;
}

export interface ImportOptions {
  /** Path of the export. */
  readonly file: string;
  readonly log: Log;
  /** May be called at any rate. */
  readonly onProgress: (progress: ImportProgress) => void;
  /** Ends the import early, in a state that its error describes. */
  readonly signal: AbortSignal;
}

export interface StatusOptions {
  /** The journal's state as of then; without it, today's. */
  readonly at?: Moment;
  readonly log: Log;
}

export interface Backend {
  /** The journal as a timeline. Rejects at an entry that cannot be replayed. */
  readonly replayJournal: (config: JobConfig, options: ReplayCommandOptions) => AsyncIterable<TimelineStep>;
  /**
   * Entries of the job's own life, then of the partition, each checked. Rejects with REQUEST_REFUSED if the
   * journal holds nothing of the partition.
   */
  readonly partitionEntries: (config: JobConfig, options: EntriesOptions) => AsyncIterable<Entry>;
  /** Rejects with REQUEST_REFUSED if the journal does not know the file or the partition. */
  readonly explain: (config: JobConfig, options: ExplainOptions) => Promise<Explained>;
  /**
   * Replays the journal and compares it with the destination and the group. Writes nothing; the job may be
   * running. Rejects if the journal cannot be read.
   */
  readonly auditJob: (config: JobConfig, options: AuditCommandOptions) => Promise<AuditReport>;
  /** Replays the journal, and asks nothing else. Writes nothing; the job may be running. */
  readonly verifyJournal: (config: JobConfig, options: VerifyOptions) => Promise<JournalReport>;
  /** Replays the journal by this version and by another installed one. Writes nothing to it. */
  readonly diffJournal: (config: JobConfig, options: DiffOptions) => Promise<DiffReport>;
  /**
   * What this version makes of each entry of a portable file, as lines for `diffJournal` of another version.
   */
  readonly foldJournal: (job: JobName, file: string) => AsyncIterable<string>;
  /**
   * Resolves when the checked backup has its final name. Rejects with REQUEST_REFUSED if that name is taken
   * and may not be replaced.
   */
  readonly backupJournal: (
    config: JobConfig,
    options: BackupOptions & { readonly force: boolean },
  ) => Promise<BackupFound>;
  /**
   * Writes the journal, of any kind, to a portable file, and resolves when it has its final name. Rejects as
   * `backupJournal` does.
   */
  readonly exportJournal: (
    config: JobConfig,
    options: BackupOptions & { readonly force: boolean },
  ) => Promise<BackupFound>;
  /** Rejects with REQUEST_REFUSED if the job has a journal. */
  readonly restoreJournal: (config: JobConfig, options: BackupOptions) => Promise<BackupFound>;
  /**
   * Puts an export, of any kind of journal, where the job has its journal. Rejects with REQUEST_REFUSED if
   * there is one, if a coordinator lives, or if the file does not verify: then nothing was written.
   */
  readonly importJournal: (config: JobConfig, options: ImportOptions) => Promise<ImportFound>;
  /**
   * Rejects with a TidemarkError if the job cannot run at all; a stopped partition is in the report instead.
   */
  readonly runJob: (config: JobConfig, options: RunOptions) => Promise<RunReport>;
  /**
   * What the job would do, by one look at its source and its journal. Writes nothing; the job may be running.
   * Rejects if the source cannot be asked, or in time.
   */
  readonly planJob: (config: JobConfig, options: PlanOptions) => Promise<PlanReport>;
  /**
   * Finds what no entry of the journal needs at the destination, and removes it if asked to; the job may be
   * running. Rejects if the journal cannot be read at all, or if the destination cannot be listed.
   */
  readonly orphans: (config: JobConfig, options: OrphansCommandOptions) => Promise<OrphansOutcome>;
  /** Reads the journal and, unless a moment is given, asks every dependency; the job may be running. */
  readonly readStatus: (config: JobConfig, options: StatusOptions) => Promise<JobStatus>;
  /** Checks all that the job needs, and removes what was made for it. Never rejects for a finding. */
  readonly examineJob: (config: JobConfig, options: DoctorOptions) => Promise<DoctorReport>;
  /** Files the request for the owners and waits for their answers. */
  readonly fileRequest: (
    config: JobConfig,
    order: RequestOrder,
    options: RequestOptions,
  ) => Promise<readonly FiledRequest[]>;
}
