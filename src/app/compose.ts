/**
 * Puts the parts of a job together, each by its kind. Besides the command line's entry, the only file that
 * reads the environment.
 */
import { homedir, hostname } from 'node:os';
import path from 'node:path';
import { hasRowsFile, type NamingRule } from '../../actors/naming.ts';
import { rollingPolicy } from '../../actors/rolling/policy.ts';
import type { BackupFound, OnBackupProgress } from '../../journal/backup/check.ts';
import { backupPortable } from '../../journal/backup/portable.ts';
import type { ImportFound, JournalImporting } from '../../journal/importing.ts';
import type { JournalAccess } from '../../journal/kind.ts';
import type { Journal } from '../../journal/port.ts';
import type { PresenceBoard } from '../../journal/presence.ts';
import { effectiveConfig } from '../config/effectiveConfig.ts';
import type { JobConfig } from '../config/jobConfig.ts';
import { SNAPSHOTS, type JobSettings } from '../job/context.ts';
import type { SourceOpening } from '../sources/kind.ts';
import type { Source } from '../sources/port.ts';
import type { SourceSurveyor } from '../sources/survey.ts';
import { withFailpoints } from '../stores/failpointStore.ts';
import type { StoreOpening } from '../stores/kind.ts';
import type { Store } from '../stores/port.ts';
import { processMarks } from '../system/processMarks.ts';
import { systemClock, systemRandom } from '../system/clock.ts';
import { noFailpoints, parseFailpoints, type Failpoints } from '../system/failpoints.ts';
import { openFiles } from '../system/openFilesMax.ts';
import { VERSION } from '../system/version.ts';
import { noConditions, type Conditions } from '../telemetry/conditions.ts';
import type { Log } from '../telemetry/log.ts';
import type { RunOptions } from './contract.ts';
import { partFormatOf } from './content.ts';
import { configFingerprint } from './fingerprint.ts';
import { openJobMemory, type JobMemory, type MemoryNeeds } from './jobMemory.ts';
import { openJournalCopy, refuseJournalAt } from './journalCopy.ts';
import { bucketRuleOf, formatKindOf, JOB_KINDS, kindOf, type JobKinds } from './registeredKinds.ts';

/** Next to the job file: state that concerns this machine only. */
const STATE_FOLDER = '.tidemark';
const POOL_THREADS_DEFAULT = 4;

/**
 * `TIDEMARK_FAILPOINTS=store.commit:before:3` kills the process when it reaches that point for the third
 * time.
 */
export function composeFailpoints(): Failpoints {
  const text = process.env['TIDEMARK_FAILPOINTS'];
  if (text === undefined || text === '') return noFailpoints;
  return parseFailpoints(text, () => {
    process.kill(process.pid, 'SIGKILL');
  });
}

export interface JournalFileOptions {
  /** Path of the backup. */
  readonly file: string;
  readonly log: Log;
  readonly onProgress: OnBackupProgress;
}

export interface JournalOptions {
  readonly access: JournalAccess;
  readonly log: Log;
  readonly signal?: AbortSignal;
  /** If not given, only readers stop waiting for a server. */
  readonly waitForServerMs?: number;
}

/** Opens the parts of jobs, by the kinds that their configurations name. */
export class Composition {
  readonly kinds: JobKinds;

  constructor(kinds: JobKinds = JOB_KINDS) {
    this.kinds = kinds;
  }

  /** Without `conditions` a command that ends soon opens it: what lasts is only logged. */
  async store(
    config: JobConfig,
    failpoints: Failpoints,
    log: Log,
    conditions: Conditions = noConditions,
  ): Promise<Store> {
    const { sink } = config;
    const opening = this.storeOpening(config, log, conditions);
    return withFailpoints(await kindOf(this.kinds.stores, sink).open(sink, opening), failpoints);
  }

  storeOpening({ baseDir }: JobConfig, log: Log, conditions: Conditions = noConditions): StoreOpening {
    return {
      ...{ log, conditions, clock: systemClock },
      stateDir: stateDirOf(baseDir),
      env: process.env,
      cacheHome: cacheHome(),
      poolThreads: poolThreads(),
    };
  }

  source(
    { source, job, baseDir }: JobConfig,
    options: Pick<SourceOpening, 'log' | 'choices' | 'memory' | 'conditions'>,
  ): Promise<Source> {
    const own = { job, baseDir, stateDir: stateDirOf(baseDir), clock: systemClock };
    return kindOf(this.kinds.sources, source).open(source, { ...options, ...own });
  }

  surveyor(config: JobConfig, log: Log): Promise<SourceSurveyor> {
    const { source } = config;
    return kindOf(this.kinds.sources, source).survey(source, this.sourceOpening(config, log));
  }

  /** For commands that read no records. */
  sourceOpening({ job, baseDir }: JobConfig, log: Log): SourceOpening {
    const stateDir = stateDirOf(baseDir);
    return { job, baseDir, stateDir, log, clock: systemClock, choices: { untilEnd: false } };
  }

  journal({ journal }: JobConfig, { log, ...options }: JournalOptions): Promise<Journal> {
    return kindOf(this.kinds.journals, journal).open(journal, {
      ...options,
      onWarning: warner(log),
    });
  }

  /** Writes a backup of the job's journal; the job may be running. */
  backup(
    { journal, job }: JobConfig,
    options: JournalFileOptions & { readonly force: boolean },
  ): Promise<BackupFound> {
    return kindOf(this.kinds.journals, journal).backup(journal, {
      ...options,
      job,
      marks: processMarks(),
      onWarning: warner(options.log),
    });
  }

  /** Writes the job's journal to a portable file, whatever its kind; the job may be running. */
  async exportJournal(
    config: JobConfig,
    { log, ...options }: JournalFileOptions & { readonly force: boolean },
  ): Promise<BackupFound> {
    await refuseJournalAt(this.kinds, options.file);
    const journal = await this.journal(config, { access: 'read', log });
    try {
      return await backupPortable({ ...options, journal, job: config.job, marks: processMarks() });
    } finally {
      await journal.close();
    }
  }

  /** The job's journal, or the copy of it in a file. Only to be read. */
  async journalOrCopy(config: JobConfig, file: string | null, log: Log): Promise<Journal> {
    if (file === null) return this.journal(config, { access: 'read', log });
    return openJournalCopy(this.kinds, { file, job: config.job, onProgress: () => undefined });
  }

  /** Restores a backup to the place of the job's journal; there must be none. */
  restore({ journal, job }: JobConfig, options: JournalFileOptions): Promise<BackupFound> {
    return kindOf(this.kinds.journals, journal).restore(journal, {
      ...options,
      job,
      onWarning: warner(options.log),
    });
  }

  /** Puts a checked copy to the place of the job's journal; there must be none. */
  importCopy(
    { journal }: JobConfig,
    { log, ...importing }: Omit<JournalImporting, 'onWarning'> & { readonly log: Log },
  ): Promise<ImportFound> {
    return kindOf(this.kinds.journals, journal).importCopy(journal, { ...importing, onWarning: warner(log) });
  }

  /** Where the job's coordinators report that they are alive. Its problems are only logged at debug level. */
  presence({ journal }: JobConfig, log: Log): Promise<PresenceBoard> {
    return kindOf(this.kinds.journals, journal).openPresence(journal, (message) => {
      log.debug({}, message);
    });
  }

  settings(config: JobConfig, { untilEnd, moves }: Pick<RunOptions, 'untilEnd' | 'moves'>): JobSettings {
    const { source, bucket, roll } = config;
    const { kinds } = this;
    return {
      job: config.job,
      fingerprint: configFingerprint(config, kinds),
      effectiveConfig: effectiveConfig(config),
      version: VERSION,
      naming: namingOf(config),
      assigner: (partition) => bucketRuleOf(kinds, bucket).assigner(bucket, partition),
      format: partFormatOf(config, kinds),
      bad: config.bad,
      rolling: rollingPolicy(
        kinds.rollRules.map((rule) => ({ rule, limit: roll[rule.configKey] ?? Infinity })),
      ),
      checkpointIntervalMs: config.checkpoint.intervalMs,
      snapshots: SNAPSHOTS,
      startFrom: kindOf(kinds.sources, source).startFrom(source),
      untilEnd,
      moves,
      startupMs: config.startup.timeoutMs,
      shutdownMs: config.shutdown.timeoutMs,
    };
  }

  /** Measures the memory that the program uses so far and divides the rest of the job's memory. */
  memory(config: JobConfig, log: Log): JobMemory {
    const { memoryBytes: ceilingBytes, processes } = config;
    return openJobMemory({ ceilingBytes, processes, ...this.memoryNeeds(config), log });
  }

  memoryNeeds({ sink }: JobConfig): MemoryNeeds {
    return {
      storeBytes: kindOf(this.kinds.stores, sink).memoryBytes(sink),
      formatBytes: formatKindOf(this.kinds, sink).memoryBytes,
    };
  }

  openFilesMax(config: JobConfig): number {
    const { holdsFiles } = kindOf(this.kinds.sources, config.source);
    const { partsMax } = openFiles(holdsFiles, hasRowsFile(partFormatOf(config, this.kinds).id));
    return Math.min(partsMax, config.openFilesMax ?? Infinity);
  }
}

/** How the job names its files today. */
export const namingOf = ({
  sink: { uri, prefix, suffix, entropy },
}: Pick<JobConfig, 'sink'>): NamingRule => ({
  ...{ sinkUri: uri, prefix, suffix, entropy },
});

const stateDirOf = (baseDir: string): string => path.join(baseDir, STATE_FOLDER);

const warner =
  (log: Log) =>
  (message: string): void => {
    log.warn({}, message);
  };

function cacheHome(): string | null {
  const named = process.env['XDG_CACHE_HOME'];
  return named === undefined || named === '' ? homeCache() : named;
}

/** A container's user that /etc/passwd does not list has no home; then nothing was ever fetched into it. */
function homeCache(): string | null {
  try {
    return path.join(homedir(), '.cache');
  } catch {
    return null;
  }
}

/** Size of the libuv pool: bin/tidemark.js sets it before anything uses the pool. */
function poolThreads(): number {
  const threads = Number(process.env['UV_THREADPOOL_SIZE']);
  return Number.isInteger(threads) && threads > 0 ? threads : POOL_THREADS_DEFAULT;
}

export const thisProcess = { host: hostname(), pid: process.pid } as const;

export const systemPorts = {
  clock: systemClock,
  random: systemRandom,
} as const;
