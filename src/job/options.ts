/** What the coordinator is given: its ports and its settings, free of files and environment. */
import type { BucketAssigner } from '../../actors/buckets/rule.ts';
import type { NamingRule } from '../../actors/naming.ts';
import type { OnStep } from '../../actors/step.ts';
import type { RollingPolicy } from '../../actors/rolling/policy.ts';
import type { JsonValue } from '../../journal/events.ts';
import type { JobName } from '../../journal/ids.ts';
import type { Journal } from '../../journal/port.ts';
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
import type { FileRoom } from '../writing/fileRoom.ts';
import type { RunStats } from '../writing/stats.ts';
import type { WriteBuffers } from '../writing/writeBuffers.ts';

export interface Ports {
  readonly journal: Journal;
  readonly source: Source;
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly failpoints: Failpoints;
  readonly log: Log;
  /** Where write buffers are made, in memory where lines can be copied in bulk; from the heap where none is given. */
  readonly bufferArea?: Uint8Array;
  /** How many part files may be held open at once; without it there is no limit. */
  readonly openFilesMax?: number;
  /** Told of every step of the machines: the simulated world counts what it reaches. */
  readonly onStep?: OnStep;
  /** The process's memory; without it there is no limit. */
  readonly memory?: MemoryBudget;
  /** Where what lasts is told again; without it the coordinator has a board of its own. */
  readonly conditions?: Conditions;
  /** Where this process says that it lives, and who it is; without it nobody is told. */
  readonly presence?: {
    readonly board: PresenceBoard;
    readonly self: { readonly host: string; readonly pid: number };
  };
}

export interface JobSettings {
  readonly job: JobName;
  /** Changes with the configuration; for the journal's readers. */
  readonly fingerprint: string;
  /** The configuration as it takes effect, without secrets; for the journal's readers. */
  readonly effectiveConfig: JsonValue;
  readonly version: string;
  readonly naming: NamingRule;
  /** What the operator lets this start change of the job that the journal knows. */
  readonly moves?: readonly ('sink' | 'group')[];
  readonly assigner: BucketAssigner;
  readonly rolling: RollingPolicy;
  readonly checkpointIntervalMs: number;
  readonly snapshots: SnapshotPolicy;
  readonly startFrom: StartFrom;
  /** Reads up to the end offsets seen at the start, then ends. */
  readonly untilEnd: boolean;
  /** For how long a bounded run bears that something is away. */
  readonly startupMs: number;
  /** From the request to end to the end; the last second is for leaving the group. */
  readonly shutdownMs: number;
}

/** When a partition's state is kept beside its journal: after so many entries, or after a time in which some were written. */
export interface SnapshotPolicy {
  readonly everyEntries: number;
  readonly everyMs: number;
  /** Fewer entries than these are replayed faster than a snapshot is read. */
  readonly entriesMin: number;
}

/** The policy of every job; benches measure with it. */
export const SNAPSHOTS: SnapshotPolicy = { everyEntries: 1_000, everyMs: 600_000, entriesMin: 50 };

/** What everything that belongs to one coordinator shares. */
export interface Context {
  readonly ports: Ports;
  readonly settings: JobSettings;
  readonly stats: RunStats;
  readonly buffers: WriteBuffers;
  readonly fileRoom: FileRoom;
  readonly health: Health;
}
