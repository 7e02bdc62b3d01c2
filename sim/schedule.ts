/**
 * What a run of the world is made from, and what it leaves. Both are plain JSON, so that a schedule can be
 * drawn, shrunk, printed and replayed, and a trace compared byte for byte. All times are virtual milliseconds
 * since the world's start.
 */
import type { Buckets } from './job/buckets.ts';
import type { ContentConfig } from './job/content.ts';
import type { RecordsRule } from './job/records.ts';
import type { Roll } from './job/roll.ts';
import type { Failpoint, FailpointSide } from '../src/system/failpoints.ts';
import type { Damage } from './faults/damage.ts';
import type { Harm } from './faults/kind.ts';
import type { JobChange, Life } from './job/change.ts';
import type { Reached } from './reachedByRun.ts';
import type { TracedSweeps } from './sweeping.ts';

export interface Schedule {
  readonly seed: number;
  readonly config: WorldConfig;
  readonly workload: Workload;
  readonly faults: readonly Fault[];
}

export type StoreKind = 'file' | 'oss' | 'oss-hdfs';

export interface WorldConfig {
  readonly store: StoreKind;
  /** Places 0..processes-1 start at the beginning. */
  readonly processes: number;
  readonly checkpointIntervalMs: number;
  readonly roll: Roll;
  readonly buckets: Buckets;
  /** What part files hold; absent: lines of text. */
  readonly content?: ContentConfig | undefined;
  /** Where records without a value go, and bad ones; absent: nowhere, and to files of their own. */
  readonly records?: RecordsRule | undefined;
  /** Whether each part file has a folder drawn for it. */
  readonly entropy: boolean;
  /** Wall clock at the world's start, milliseconds since the epoch. */
  readonly wallStartMs: number;
  /** Each direction of a call takes 0 to this long. */
  readonly latencyMsMax: number;
  /** How long a client waits for a reply that does not come. */
  readonly timeoutMs: number;
  /** A member without a heartbeat for this long is expelled from the group. */
  readonly sessionMs: number;
  readonly heartbeatMs: number;
  /** A killed process restarts after this time. */
  readonly restartMs: number;
  /**
   * A restarted process knows the group member of its predecessor and makes it leave; otherwise its session
   * has to expire.
   */
  readonly dismissesDeadMember: boolean;
  /** Largest journal entry in bytes: a small one splits checkpoints. */
  readonly entryBytesMax: number;
  /** Maximum entries of one read of the journal. */
  readonly readBatchEntries: number;
  /** Entries between two snapshots of a partition's state: few, so that most claims begin at one. */
  readonly snapshotEntries: number;
  /** Maximum record batches of one fetch. */
  readonly fetchBatchesMax: number;
  /** Part files that a process may hold open; null: unlimited. */
  readonly openFilesMax: number | null;
  /** Memory for the part files and buffers of a process; null: unlimited. */
  readonly memoryBytes: number | null;
  /** At this time all remaining faults end. */
  readonly faultsUntilMs: number;
}

/** What producers do: for each partition its batches, ordered by time. */
export interface Workload {
  readonly topic: string;
  readonly partitions: readonly (readonly LogItem[])[];
  /**
   * How many of the last partitions are of a second topic; absent: none. The first topic keeps at least one.
   */
  readonly second?: number | undefined;
}

/**
 * - `records`: one record batch. Every `nullEvery`-th value is null (0: none).
 * - `transaction`: a batch that is open until `endsAtMs`, when its control record takes the next offset. The
 *   records of an aborted one are never visible. The last stable offset waits for it.
 * - `hole`: offsets that compaction removed.
 */
export type LogItem =
  | ({ readonly type: 'records'; readonly atMs: number } & RecordShape)
  | ({
      readonly type: 'transaction';
      readonly atMs: number;
      readonly endsAtMs: number;
      readonly committed: boolean;
    } & RecordShape)
  | { readonly type: 'hole'; readonly atMs: number; readonly offsets: number };

export interface RecordShape {
  readonly records: number;
  readonly nullEvery: number;
  /** Time of the first record, and the difference to each next one. */
  readonly timestampMs: number;
  readonly stepMs: number;
}

/** A count per process: the `nth` time (from 1) in the `life`-th process (from 0) of a place. */
export interface Nth {
  readonly process: number;
  readonly life: number;
  readonly nth: number;
}

/**
 * The fault of one journal call.
 * - `lostReply`: the append takes effect; the caller gets `unknown` after the time-out.
 * - `lostRequest`: the append takes no effect; the caller gets `unknown` after the time-out.
 * - `late`: the caller gets `unknown`; the append arrives later and takes effect if its expectation still
 *   holds.
 * - `refused`: nothing is written, and the caller gets the error; it may retry.
 * - `staleRead`: a read ends before the last `entries` entries of the subject.
 * - `brokenRead`: a read fails after `entries` entries.
 * - `lostSnapshot`: a snapshot is not kept, although it is acknowledged; or none is found.
 * - `staleSnapshot`: a snapshot arrives after a later one; or the newest one is not seen.
 * - `damagedSnapshot`: a bit of a snapshot is flipped, in storage or on the way back.
 */
export type JournalFault =
  | { readonly type: SnapshotFault }
  | { readonly type: 'lostReply' | 'lostRequest' | 'late' | 'refused' }
  | { readonly type: 'staleRead' | 'brokenRead'; readonly entries: number };

export type SnapshotFault = 'lostSnapshot' | 'staleSnapshot' | 'damagedSnapshot';

/**
 * The fault of one store call.
 * - `lostReply`: it takes effect; the caller gets STORE_OUTCOME_UNKNOWN.
 * - `lostRequest`: it takes no effect; the caller gets STORE_OUTCOME_UNKNOWN.
 * - `late`: the caller gets STORE_OUTCOME_UNKNOWN; it arrives later, and takes effect if the store still
 *   allows it. It never arrives if its result would belong to nobody (a creation, say).
 * - `slow`: it takes effect after half of the client's time-out.
 * - `refused`: it takes no effect; the caller gets STORE_UNAVAILABLE.
 * - `powerCut`: it takes effect, and at that moment the power fails, before anything that follows.
 * - `asleep`: it takes effect, and the process sleeps for longer than its session before it continues.
 */
export type StoreFault = 'lostReply' | 'lostRequest' | 'late' | 'slow' | 'refused' | 'powerCut' | 'asleep';

export type Service = 'journal' | 'kafka' | 'store';

export type Fault =
  /** The process stops at the failpoint; another replaces it after a while. */
  | (Nth & { readonly type: 'crash'; readonly point: Failpoint; readonly side: FailpointSide })
  /** The process does nothing for a while, then continues as if no time had passed. */
  | (Nth & {
      readonly type: 'pause';
      readonly point: Failpoint;
      readonly side: FailpointSide;
      readonly forMs: number;
    })
  /** The same two, at a time instead of a failpoint. */
  | { readonly type: 'kill'; readonly process: number; readonly atMs: number }
  | { readonly type: 'freeze'; readonly process: number; readonly atMs: number; readonly forMs: number }
  /** The n-th append (or request, or read, depending on the fault) of that process. */
  | (Nth & { readonly type: 'journal'; readonly fault: JournalFault })
  | (Nth & { readonly type: 'store'; readonly point: Failpoint; readonly fault: StoreFault })
  /** The n-th offset commit of that process: the client sends it again after the time-out. */
  | (Nth & { readonly type: 'offsetCommit'; readonly fault: 'lostReply' | 'lostRequest' })
  /** A process starts in an empty place; one is asked to stop, and drains. */
  | { readonly type: 'join' | 'leave'; readonly process: number; readonly atMs: number }
  /** The n-th time that this process asks whether the topic is still the same: no answer comes. */
  | (Nth & { readonly type: 'identity' })
  /** An operator asks the owner of the partition to roll its files. */
  | { readonly type: 'roll'; readonly partition: number; readonly atMs: number }
  /** An operator requests something else, right or not: `skew` is the error of the offsets that it names. */
  | {
      readonly type: 'request';
      readonly partition: number;
      readonly atMs: number;
      readonly asks: 'resume' | 'acceptLoss' | 'acceptTruncation' | 'garbage' | 'fromJournal' | 'fromWitness';
      readonly skew: number;
    }
  /** The group reassigns its partitions. */
  | { readonly type: 'rebalance'; readonly atMs: number }
  /** The topic is recreated, or the brokers are of another cluster: other records at the same offsets. */
  | { readonly type: 'replaceTopic'; readonly atMs: number; readonly cluster: boolean }
  /** The process in the place drains and restarts, with or without the second topic in its configuration. */
  | { readonly type: 'deploy'; readonly process: number; readonly atMs: number; readonly second: boolean }
  /**
   * The job file of the place is edited. `drained`: its process is asked to end, and restarts; `killed`: it
   * is killed first; `edited`: the next process uses it, whenever that starts.
   */
  | {
      readonly type: 'reconfigure';
      readonly process: number;
      readonly atMs: number;
      readonly how: 'drained' | 'killed' | 'edited';
      readonly change: JobChange;
    }
  /** The second topic is deleted. */
  | { readonly type: 'deleteTopic'; readonly atMs: number }
  /** Another leader takes over the partition, and has everything. */
  | {
      readonly type: 'election';
      readonly partition: number;
      readonly atMs: number;
      /** Its replica was rebuilt after compaction. */
      readonly rebuilt?: boolean | undefined;
    }
  /**
   * A leader takes over that lacks the newest `batches`; `grown` other records take their offsets at once.
   * `unseen`: those are of an earlier leader epoch, in which no replica had copied them.
   */
  | {
      readonly type: 'logTruncated';
      readonly partition: number;
      readonly atMs: number;
      readonly batches: number;
      readonly grown: number;
      readonly unseen: boolean;
    }
  /** Retention removes all but the newest batches of the partition, read or not. */
  | { readonly type: 'expire'; readonly partition: number; readonly atMs: number; readonly keep: number }
  | { readonly type: 'away'; readonly service: Service; readonly atMs: number; readonly forMs: number }
  /**
   * The destination's disk has room for only that many bytes more, until room is freed; perhaps also the
   * journal's.
   */
  | {
      readonly type: 'full';
      readonly atMs: number;
      readonly forMs: number;
      readonly freeBytes: number;
      readonly withJournal: boolean;
    }
  /**
   * For a time a reader takes away the files that it sees, at an interval. `reader` takes what the journal
   * calls committed, as it may; `hastyReader` does not wait for that.
   */
  | {
      readonly type: 'reader' | 'hastyReader';
      readonly atMs: number;
      readonly forMs: number;
      readonly everyMs: number;
    }
  /**
   * For a time backups of hard links are taken of the destination, each replacing the previous one; then the
   * last is deleted.
   */
  | { readonly type: 'backup'; readonly atMs: number; readonly forMs: number; readonly everyMs: number }
  /** Requests to the journal take effect, and its replies are lost. */
  | { readonly type: 'mute'; readonly atMs: number; readonly forMs: number }
  /** The journal loses its newest entries. Its owners keep running, or all processes stop and restart. */
  | {
      readonly type: 'journalBack';
      readonly atMs: number;
      readonly entries: number;
      readonly running: boolean;
    }
  /** For a time an operator looks for partitions whose journal went back, and gives this answer. */
  | {
      readonly type: 'answer';
      readonly atMs: number;
      readonly forMs: number;
      readonly from: 'journal' | 'witness';
      readonly acceptLoss: boolean;
    }
  /** An operator's `orphans --delete` of any age, which waits so long before its first removal. */
  | { readonly type: 'orphans'; readonly atMs: number; readonly waitMs: number }
  | Damage
  /** A digit changes in an entry that is not the last. */
  | { readonly type: 'journalDamage'; readonly partition: number; readonly atMs: number }
  /** Every process dies, and data that the destination's disk had not synced may be lost. */
  | { readonly type: 'powerCut'; readonly atMs: number };

export type Invariant = 'P1' | 'P2' | 'P3' | 'P4' | 'P5' | 'P6' | 'P7' | 'P8';

export interface Violation {
  readonly invariant: Invariant;
  /** What is wrong, in words. */
  readonly message: string;
  /** Offsets concerned, in decimal, and the partition they belong to. */
  readonly partition: number | null;
  readonly offsets: readonly string[];
  readonly files: readonly string[];
}

export interface TracedEntry {
  readonly subject: string;
  readonly revision: number;
  readonly atMs: number;
  /** The stored bytes as text. */
  readonly text: string;
}

/** A change of what readers see under a committed name. */
export interface VisibleChange {
  readonly atMs: number;
  readonly uri: string;
  /**
   * `changed`: the bytes under a name that was visible already; `undone`: a power cut removed a name that had
   * not been made durable; `taken`: a reader has moved it away, and keeps it; `putAway`: an operator has,
   * because its records are to be read again.
   */
  readonly type: 'appeared' | 'changed' | 'gone' | 'undone' | 'taken' | 'putAway';
  /** The values in it afterwards, as lines; null if the file is gone. */
  readonly content: string | null;
  /** Of the file; absent if it has the length of `content`. */
  readonly lengthBytes?: number | undefined;
}

/** An event in the world, for people: one line each. */
export interface Happening {
  readonly atMs: number;
  /** `p<place>.<life>`; empty for the world itself. */
  readonly process: string;
  readonly what: string;
}

export interface ProcessExit {
  readonly process: string;
  readonly atMs: number;
  /** Null if it drained and ended in order. */
  readonly error: { readonly code: string | null; readonly message: string } | null;
}

/** Why a partition stopped in some process, as its report says. */
export interface TracedStop {
  readonly process: string;
  readonly partition: string;
  readonly code: string;
  readonly message: string;
}

/** A line that a process logged as an error. */
export interface Alarm {
  readonly process: string;
  readonly message: string;
  readonly code: string | null;
  readonly detail: string;
}

/** A visible record that a complete run has to commit. */
export interface ExpectedRecord {
  readonly offset: string;
  /** What tells it apart: its value, or its key if it has none. */
  readonly value: string;
  /** Absent: it has one. */
  readonly hasValue?: boolean | undefined;
}

/** A log as it was until it was cut. */
export interface EarlierLog {
  readonly untilMs: number;
  /** From this offset on its records were lost. */
  readonly cutAt: number;
  /** What readers could have seen of it. */
  readonly records: readonly ExpectedRecord[];
}

export interface RunTrace {
  readonly schedule: Schedule;
  readonly violations: readonly Violation[];
  /** When the last fault was over, and when everything was committed (null: never). */
  readonly healedAtMs: number;
  readonly completeAtMs: number | null;
  readonly endedAtMs: number;
  readonly tasks: number;
  readonly journal: readonly TracedEntry[];
  readonly visible: readonly VisibleChange[];
  /** Permanent losses by faults, ordered by time. */
  readonly harms: readonly Harm[];
  /** What the destination finally holds besides committed files. */
  readonly leftovers: readonly string[];
  /** By partition number; of the final log. */
  readonly expected: readonly (readonly ExpectedRecord[])[];
  /** By partition number: the logs before that, the oldest first; empty if the log was never cut. */
  readonly earlier: readonly (readonly EarlierLog[])[];
  readonly happenings: readonly Happening[];
  /** Every process, with its configuration, in the order of their starts. */
  readonly lives: readonly Life[];
  /** The process that wrote the journal entries of each claim, by the claim's id. */
  readonly claimants: Readonly<Record<string, string>>;
  /** Times of the records of each final log, by partition number and offset. */
  readonly recordTimes: readonly (readonly (readonly [offset: number, timestampMs: number])[])[];
  readonly exits: readonly ProcessExit[];
  readonly stopped: readonly TracedStop[];
  /** What the processes logged as errors. */
  readonly alarms: readonly Alarm[];
  /** How often each failpoint was passed, by `point:side`. */
  readonly failpointHits: Readonly<Record<string, number>>;
  /** What a process that ended in order had borrowed and not returned, in words. */
  readonly lent: readonly { readonly process: string; readonly what: readonly string[] }[];
  /** Files that each process held open: at the end, and at most. */
  readonly held: readonly { readonly process: string; readonly left: number; readonly most: number }[];
  /** Whether each fault of the schedule took place, by its index. */
  readonly fired: readonly boolean[];
  readonly reached: Reached;
  /** What operators' `orphans --delete` removed. */
  readonly sweeps: TracedSweeps;
  /** Promise rejections that nobody handled. */
  readonly unhandled: readonly string[];
}
