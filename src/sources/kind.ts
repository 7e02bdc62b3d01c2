/** Kinds of sources: all that the rest of the program knows of one. Each has a folder here, and a line in src/app/kinds.ts. */
import type { z } from 'zod';
import type { JobName } from '../../journal/ids.ts';
import type { SchemaContext } from '../../kernels/schema/outside.ts';
import type { SourceConfig } from '../config/jobConfig.ts';
import type { Clock } from '../system/clock.ts';
import type { MemoryBudget, MemoryShares } from '../system/memoryBudget.ts';
import type { Conditions } from '../telemetry/conditions.ts';
import type { Log } from '../telemetry/log.ts';
import type { Source, StartFrom } from './port.ts';
import type { SourceSurveyor } from './survey.ts';

/** Of the job, what a source is known by. */
export interface SourceOfJob {
  readonly job: JobName;
  /** The job file's folder, absolute. */
  readonly baseDir: string;
}

export interface SourceOpening extends SourceOfJob {
  readonly log: Log;
  readonly clock: Clock;
  readonly untilEnd: boolean;
  /** Absent for commands that read no records. */
  readonly memory?:
    { readonly shares: MemoryShares; readonly budget: Pick<MemoryBudget, 'room'> } | undefined;
  /** Where the source tells what it waits for; absent where nobody asks. */
  readonly conditions?: Conditions | undefined;
}

export interface SourceKind<Config extends SourceConfig = SourceConfig, Parsed = unknown> {
  /** Its key below `source`, and the type of its configuration. */
  readonly name: string;
  /** Of its keys, with a description. */
  schema(context: SchemaContext): z.ZodType<Parsed>;
  toConfig(parsed: Parsed, job: SourceOfJob): Config;
  /** Whether it holds files of this machine open, beside part files. */
  readonly holdsFiles: boolean;
  /** Loads only the client that is needed: starting takes a good part of a second less. */
  open(config: Config, opening: SourceOpening): Promise<Source>;
  /** For `status`: looks, and neither joins nor reads. */
  survey(config: Config, opening: SourceOpening): Promise<SourceSurveyor>;
  /** Used once, where the journal names no start offsets yet. */
  startFrom(config: Config): StartFrom;
  /** The consumer group; null where there is none. */
  group(config: Config): string | null;
  /** For the fingerprint: what decides which records there are. */
  meaning(config: Config): Readonly<Record<string, unknown>>;
  describe(config: Config): string;
}
