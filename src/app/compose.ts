/**
 * Where adapters are picked. The one file, with the command line's entry, that reads the environment.
 */
import { existsSync } from 'node:fs';
import { homedir, hostname } from 'node:os';
import path from 'node:path';
import { noBuckets, timeBuckets, type BucketAssigner } from '../../actors/buckets/assigner.ts';
import { defaultRollingPolicy } from '../../actors/rolling/policy.ts';
import type { BackupFound, OnBackupProgress } from '../../journal/backup/check.ts';
import type { Journal } from '../../journal/port.ts';
import type { RunOptions } from './contract.ts';
import type { PresenceBoard } from '../../journal/presence.ts';
import { systemClock, systemRandom } from '../system/clock.ts';
import type { JobConfig, NatsJournalConfig } from '../config/jobConfig.ts';
import { effectiveConfig } from '../config/effectiveConfig.ts';
import { configFingerprint } from '../config/fingerprint.ts';
import { SNAPSHOTS, type JobSettings } from '../job/options.ts';
import { openJobMemory, type JobMemory } from './jobMemory.ts';
import { openFiles } from '../system/openFilesMax.ts';
import { noFailpoints, parseFailpoints, type Failpoints } from '../system/failpoints.ts';
import { composeSource, composeSourceSurveyor, type SourceOptions } from './composeSource.ts';
import type { Source } from '../sources/port.ts';
import type { SourceSurveyor } from '../sources/survey.ts';
import { createFileStore } from '../stores/local/store.ts';
import { JINDO_MEMORY_MIB_MAX } from '../stores/ossHdfs/settings.ts';
import { withFailpoints } from '../stores/failpointStore.ts';
import type { Store } from '../stores/port.ts';
import type { Log } from '../telemetry/log.ts';
import { VERSION } from '../system/version.ts';

/** How long a command that only looks waits for a journal server. */
const READER_WAIT_MS = 10_000;

const POOL_THREADS_DEFAULT = 4;
/** Threads of the pool that no call of JindoSDK takes: name look-ups and files of the process go on when the service hangs. */
const POOL_THREADS_KEPT = 4;

/** `TIDEMARK_FAILPOINTS=store.commit:before:3` kills the process at the third time that it gets there. */
export function composeFailpoints(): Failpoints {
  const text = process.env['TIDEMARK_FAILPOINTS'];
  if (text === undefined || text === '') return noFailpoints;
  return parseFailpoints(text, () => {
    process.kill(process.pid, 'SIGKILL');
  });
}

/** JindoSDK and what binds it are loaded only for a destination that needs them. */
export async function composeStore(config: JobConfig, failpoints: Failpoints, log: Log): Promise<Store> {
  const { sink } = config;
  if (sink.type === 'file') return withFailpoints(createFileStore(), failpoints);
  const [{ openOssHdfsStore }, { locateJindosdk }] = await Promise.all([
    import('../stores/ossHdfs/store.ts'),
    import('../stores/ossHdfs/locate.ts'),
  ]);
  const named = (name: string): string | null => {
    const value = process.env[name];
    return value === undefined || value === '' ? null : value;
  };
  const places = {
    configured: sink.jindosdkLibrary,
    fromEnvironment: named('TIDEMARK_JINDOSDK'),
    jindosdkHome: named('JINDOSDK_HOME'),
    cacheHome: named('XDG_CACHE_HOME') ?? homeCache(),
  };
  const store = await openOssHdfsStore({
    ...sink,
    library: locateJindosdk(places, existsSync),
    logFolder: path.join(config.baseDir, '.tidemark', '_jindosdk'),
    callsMax: Math.max(2, poolThreads() - POOL_THREADS_KEPT),
    log,
  });
  return withFailpoints(store, failpoints);
}

/** A container's user that /etc/passwd does not name has no home; then nothing was ever fetched into it. */
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

export function composeJobSource(config: JobConfig, options: Omit<SourceOptions, 'clock'>): Promise<Source> {
  return composeSource(config, { ...options, clock: systemClock });
}

export function composeSurveyor(config: JobConfig, log: Log): Promise<SourceSurveyor> {
  return composeSourceSurveyor(config, { log, clock: systemClock });
}

export type JournalAccess = 'create' | 'existing' | 'read';

/** Opens the job's journal. `create` makes a missing one; `read` never appends and waits only shortly for a server. */
export async function composeJournal(
  config: JobConfig,
  options: {
    readonly access: JournalAccess;
    readonly log: Log;
    readonly signal?: AbortSignal;
    /** Without it only a reader's wait for a server ends. */
    readonly waitForServerMs?: number;
  },
): Promise<Journal> {
  const { journal } = config;
  const { access, log, signal, waitForServerMs = access === 'read' ? READER_WAIT_MS : undefined } = options;
  if (journal.type === 'sqlite') {
    const { openSqliteJournal } = await import('../../journal/sqlite/journal.ts');
    return openSqliteJournal({
      path: journal.path,
      access: access === 'read' ? 'read' : 'own',
      createIfMissing: access === 'create',
    });
  }
  const { openJetstreamJournal } = await import('../../journal/jetstream/journal.ts');
  return openJetstreamJournal({
    ...natsConnection(journal),
    stream: journal.stream,
    replicas: journal.replicas,
    mode: access,
    onWarning: (message) => {
      log.warn({}, message);
    },
    ...(waitForServerMs === undefined ? {} : { waitForServerMs }),
    ...(signal === undefined ? {} : { signal }),
  });
}

export interface JournalFileOptions {
  /** Of the backup. */
  readonly file: string;
  readonly log: Log;
  readonly onProgress: OnBackupProgress;
}

/** Writes a backup of the job's journal, also while the job runs. */
export async function composeBackup(
  config: JobConfig,
  options: JournalFileOptions & { readonly force: boolean },
): Promise<BackupFound> {
  const { journal, job } = config;
  if (journal.type === 'sqlite') {
    const { backupSqlite } = await import('../../journal/sqlite/backup.ts');
    return backupSqlite({ ...options, path: journal.path, job });
  }
  const { backupPortable } = await import('../../journal/backup/portable.ts');
  const opened = await composeJournal(config, { access: 'read', log: options.log });
  try {
    return await backupPortable({ ...options, journal: opened, job });
  } finally {
    await opened.close();
  }
}

/** Puts a backup where the job's journal is looked for, and where none is. */
export async function composeRestore(config: JobConfig, options: JournalFileOptions): Promise<BackupFound> {
  const { journal, job } = config;
  if (journal.type === 'sqlite') {
    const { restoreSqlite } = await import('../../journal/sqlite/backup.ts');
    return restoreSqlite({ ...options, path: journal.path, job });
  }
  const { restoreJetstream } = await import('../../journal/jetstream/restore.ts');
  return restoreJetstream({
    ...natsConnection(journal),
    ...options,
    ...{ stream: journal.stream, replicas: journal.replicas, job, waitForServerMs: READER_WAIT_MS },
    onWarning: (message) => {
      options.log.warn({}, message);
    },
  });
}

/** Where the job's coordinators say that they live: beside its journal. What goes wrong there is only debugged. */
export async function composePresence({ journal }: JobConfig, log: Log): Promise<PresenceBoard> {
  if (journal.type === 'sqlite') {
    const { openFilePresence } = await import('../../journal/sqlite/presence.ts');
    return openFilePresence(journal.path);
  }
  const { openNatsPresence } = await import('../../journal/jetstream/presence.ts');
  return openNatsPresence({
    ...natsConnection(journal),
    stream: journal.stream,
    replicas: journal.replicas,
    onWarning: (message) => {
      log.debug({}, message);
    },
  });
}

function natsConnection(journal: NatsJournalConfig) {
  const { servers, credentialsFile, user, password, token, tls } = journal;
  const given = <T>(value: T | null): value is T => value !== null;
  return {
    servers,
    ...(given(credentialsFile) ? { credentials: credentialsFile } : {}),
    ...(given(user) ? { user } : {}),
    ...(given(password) ? { pass: password.reveal() } : {}),
    ...(given(token) ? { token: token.reveal() } : {}),
    ...(given(tls)
      ? {
          tls: {
            ...(given(tls.caFile) ? { caFile: tls.caFile } : {}),
            ...(given(tls.certFile) ? { certFile: tls.certFile } : {}),
            ...(given(tls.keyFile) ? { keyFile: tls.keyFile } : {}),
          },
        }
      : {}),
  };
}

export function composeSettings(
  config: JobConfig,
  { untilEnd, moves }: Pick<RunOptions, 'untilEnd' | 'moves'>,
): JobSettings {
  const { sink, roll } = config;
  return {
    job: config.job,
    fingerprint: configFingerprint(config),
    effectiveConfig: effectiveConfig(config),
    version: VERSION,
    naming: { sinkUri: sink.uri, prefix: sink.prefix, suffix: sink.suffix, entropy: sink.entropy },
    assigner: composeAssigner(config),
    rolling: defaultRollingPolicy(roll),
    checkpointIntervalMs: config.checkpoint.intervalMs,
    snapshots: SNAPSHOTS,
    startFrom: config.source.type === 'kafka' ? config.source.startFrom : { type: 'earliest' },
    untilEnd,
    moves,
    startupMs: config.startup.timeoutMs,
    shutdownMs: config.shutdown.timeoutMs,
  };
}

function composeAssigner({ bucket }: JobConfig): BucketAssigner {
  return bucket.by === 'none' ? noBuckets() : timeBuckets(bucket.by, bucket.pattern, bucket.timezone);
}

/** Measures what the program takes by now, and shares what is left of the job's memory. */
export function composeMemory({ memoryBytes, sink }: JobConfig, log: Log): JobMemory {
  const storeBytes = sink.type === 'oss-hdfs' ? JINDO_MEMORY_MIB_MAX * 1024 * 1024 : 0;
  return openJobMemory({ ceilingBytes: memoryBytes, storeBytes, log });
}

export function composeOpenFilesMax({ source }: JobConfig): number {
  return openFiles(source.type === 'file').partsMax;
}

export const thisProcess = { host: hostname(), pid: process.pid } as const;

export const systemPorts = {
  clock: systemClock,
  random: systemRandom,
} as const;
