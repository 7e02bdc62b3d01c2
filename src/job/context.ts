/** What the coordinator is given: its ports and its settings, independent of files and environment. */
import type { BucketAssigner } from '../../actors/buckets/rule.ts';
import type { NamingRule } from '../../actors/naming.ts';
import type { OnStep } from '../../actors/step.ts';
import type { RollingPolicy } from '../../actors/rolling/policy.ts';
import type { JsonValue } from '../../journal/events.ts';
import type { JobName, Subject, TopicPartition } from '../../journal/ids.ts';
import type { AppendOutcome, Journal, Revision } from '../../journal/port.ts';
import type { PresenceBoard } from '../../journal/presence.ts';
import type { Clock, Random } from '../system/clock.ts';
import type { Conditions } from '../telemetry/conditions.ts';
import type { Failpoints } from '../system/failpoints.ts';
import type { MemoryBudget } from '../system/memoryBudget.ts';
import type { Health } from '../presence/health.ts';
import type { Source } from '../sources/port.ts';
import type { StartFrom } from '../sources/port.ts';
import type { Store } from '../stores/port.ts';
import type { Log } from '../telemetry/log.ts';
import type { PartFormat } from '../formats/format.ts';
import type { BadRule } from '../config/jobConfig.ts';
import type { FileRoom } from '../writing/fileRoom.ts';
import type { RunStats } from '../writing/runStats.ts';
import type { WriteBuffers } from '../writing/writeBuffers.ts';

export interface Ports {
  readonly journal: Journal;
  readonly source: Source;
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly failpoints: Failpoints;
  readonly log: Log;
  /** Memory for write buffers, in which lines can be copied in bulk. Without it, buffers are on the heap. */
  readonly bufferArea?: Uint8Array;
  /** Maximum number of part files held open at once. Without it, there is no limit. */
  readonly openFilesMax?: number;
  /** Called at every step of the state machines. The simulation counts the steps that it reaches. */
  readonly onStep?: OnStep;
  /** The process's memory. Without it, there is no limit. */
  readonly memory?: MemoryBudget;
  /** Logs lasting conditions repeatedly. Without it, the coordinator has a board of its own. */
  readonly conditions?: Conditions;
  /** Told of every append of this coordinator. Nobody is told without it. */
  readonly onAppend?: AppendListener;
  /** Where this process announces that it is alive, and its identity. Without it, nothing is announced. */
  readonly presence?: {
    readonly board: PresenceBoard;
    readonly self: { readonly host: string; readonly pid: number };
  };
}

/** Learns of appends while they happen. Its calls must not throw. */
export interface AppendListener {
  /** @param after revision of the entry before it; 0 if it is the first. */
  begun(subject: Subject, after: Revision): void;
  /** @param outcome null: the call failed without one. */
  ended(append: OfferedEntry, outcome: AppendOutcome | null): void;
}

export interface OfferedEntry {
  readonly subject: Subject;
  readonly after: Revision;
  readonly bytes: Uint8Array;
}

export interface JobSettings {
  readonly job: JobName;
  /** Changes with the configuration. For readers of the journal. */
  readonly fingerprint: string;
  /** The effective configuration, without secrets. For readers of the journal. */
  readonly effectiveConfig: JsonValue;
  readonly version: string;
  readonly naming: NamingRule;
  /** Changes to the journaled job that the operator allows for this start. */
  readonly moves?: readonly ('sink' | 'group')[];
  /** What chooses the folders of a partition's records; each router has its own. */
  readonly assigner: (partition: TopicPartition) => BucketAssigner;
  readonly format: PartFormat;
  readonly bad: BadRule;
  readonly rolling: RollingPolicy;
  readonly checkpointIntervalMs: number;
  readonly snapshots: SnapshotPolicy;
  readonly startFrom: StartFrom;
  /** Reads up to the end offsets seen at the start, then ends. */
  readonly untilEnd: boolean;
  /** How long a bounded run waits for an unavailable service. */
  readonly startupMs: number;
  /** From the stop request to the end. The last second is reserved for leaving the group. */
  readonly shutdownMs: number;
}

/**
 * When to write a snapshot of a partition's state: after `everyEntries` entries, or after `everyMs` if at
 * least `entriesMin` entries were written.
 */
export interface SnapshotPolicy {
  readonly everyEntries: number;
  readonly everyMs: number;
  /** Replaying fewer entries than this is faster than reading a snapshot. */
  readonly entriesMin: number;
}

/** The policy of every job, and of the benchmarks. */
export const SNAPSHOTS: SnapshotPolicy = { everyEntries: 1_000, everyMs: 600_000, entriesMin: 50 };

/** Shared by all parts of one coordinator. */
export interface Context {
  readonly ports: Ports;
  readonly settings: JobSettings;
  readonly stats: RunStats;
  readonly buffers: WriteBuffers;
  readonly fileRoom: FileRoom;
  readonly health: Health;
}
