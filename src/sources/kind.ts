/**
 * Kinds of sources, as the rest of the program sees them. Each has a folder, and a line in
 * src/app/registeredKinds.ts.
 */
import type { z } from 'zod';
import type { Probe } from '../../kernels/checks/check.ts';
import type { JobName } from '../../journal/ids.ts';
import type { SchemaContext } from '../../kernels/schema/outside.ts';
import type { SourceConfig } from '../config/jobConfig.ts';
import type { Clock } from '../system/clock.ts';
import type { MemoryBudget, MemoryShares } from '../system/memoryBudget.ts';
import type { Conditions } from '../telemetry/conditions.ts';
import type { Log } from '../telemetry/log.ts';
import type { RunChoices, Source, StartFrom } from './port.ts';
import type { SourceSurveyor } from './survey.ts';

/** The parts of a job that identify its source. */
export interface SourceOfJob {
  readonly job: JobName;
  /** The job file's folder, absolute. */
  readonly baseDir: string;
}

export interface SourceOpening extends SourceOfJob {
  /** Next to the job file, absolute: state that concerns this machine only. */
  readonly stateDir: string;
  readonly log: Log;
  readonly clock: Clock;
  readonly choices: RunChoices;
  /** Absent for commands that read no records. */
  readonly memory?:
    { readonly shares: MemoryShares; readonly budget: Pick<MemoryBudget, 'room'> } | undefined;
  /** Receives what the source waits for; absent if nobody asks. */
  readonly conditions?: Conditions | undefined;
}

export interface SourceProbing extends SourceOpening {
  readonly checkpointIntervalMs: number;
  /** Longest time from a record's arrival to its published file. Null: no limit. */
  readonly publishedWithinMs: number | null;
}

export interface SourceProbe extends Probe {
  /** Partitions that the checks have found. Null if they have found out nothing. */
  partitions(): number | null;
}

export interface SourceKind<Config extends SourceConfig = SourceConfig, Parsed = unknown> {
  /** Its key below `source`, and the type of its configuration. */
  readonly name: string;
  /** Schema of its keys, with a description. */
  schema(context: SchemaContext): z.ZodType<Parsed>;
  toConfig(parsed: Parsed, job: SourceOfJob): Config;
  /** Whether it divides its partitions between the coordinators of a job. */
  readonly isShared: boolean;
  /** Whether it keeps local files open, besides part files. */
  readonly holdsFiles: boolean;
  /** Loads only the client that is needed: this saves a good part of a second at start. */
  open(config: Config, opening: SourceOpening): Promise<Source>;
  /** For `status`: neither joins the group nor reads records. */
  survey(config: Config, opening: SourceOpening): Promise<SourceSurveyor>;
  /** What `tidemark doctor` checks. Disturbs no group. Absent if there is nothing to check. */
  probe?(config: Config, probing: SourceProbing): Promise<SourceProbe>;
  /** Used once, while the journal has no start offsets. */
  startFrom(config: Config): StartFrom;
  /** For one of several processes of this host, numbered from 0. Absent if it is the same for all. */
  ofProcess?(config: Config, index: number): Config;
  /** What decides which records there are, for the fingerprint. */
  meaning(config: Config): Readonly<Record<string, unknown>>;
  describe(config: Config): string;
}
