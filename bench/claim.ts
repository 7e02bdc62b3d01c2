/**
 * Measures how long it takes to claim a partition with a long journal: by full replay, and from its snapshot.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { jobName, type JobName } from '../journal/ids.ts';
import type { Journal } from '../journal/port.ts';
import { partitionSubject } from '../journal/subjects.ts';
import { systemClock, systemRandom } from '../src/system/clock.ts';
import { ConditionBoard } from '../src/telemetry/conditions.ts';
import { claimPartition } from '../src/partition/claim.ts';
import { SNAPSHOTS, type Context } from '../src/job/context.ts';
import { noFailpoints } from '../src/system/failpoints.ts';
import { Health } from '../src/presence/health.ts';
import { silentLog, type Log } from '../src/telemetry/log.ts';
import { dropStream, makeJournal, openJournal, type JournalKind, type JournalPlace } from './fillJournal.ts';
import { history } from './history.ts';

const partition = { topic: 'clicks', partition: 0 };

export interface ClaimOptions {
  readonly journal: JournalKind;
  /** Of the NATS server; only for JetStream. */
  readonly natsUrl: string;
  readonly entries: number;
  /** Number of claims from the snapshot; their median is reported. */
  readonly claims: number;
  readonly onProgress?: (message: string) => void;
}

export interface ClaimResult {
  readonly entries: number;
  readonly bytes: number;
  /** Both are measured from opening the journal to the acknowledged claim. */
  readonly replaySeconds: number;
  /** CPU time of this process, which other load on the machine barely affects. */
  readonly replayCpuSeconds: number;
  readonly snapshotSeconds: number;
}

export function measureClaims(options: ClaimOptions): Promise<ClaimResult> {
  const { entries, onProgress } = options;
  return withLongJournal(options, async ({ place, job, bytes }) => {
    onProgress?.('replaying all of it');
    const { result: replaySeconds, cpuSeconds } = await cpuOf(() => claimOnce(place, job, true));
    const seconds: number[] = [];
    for (let claim = 0; claim < options.claims; claim += 1) seconds.push(await claimOnce(place, job, false));
    seconds.sort((a, b) => a - b);
    const snapshotSeconds = seconds[seconds.length >> 1] ?? NaN;
    return { entries, bytes, replaySeconds, replayCpuSeconds: cpuSeconds, snapshotSeconds };
  });
}

/** CPU seconds of this process during the work. */
export async function cpuOf<T>(
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly cpuSeconds: number }> {
  const before = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  return { result, cpuSeconds: (user + system) / 1e6 };
}

export interface LongJournal {
  readonly place: JournalPlace;
  readonly job: JobName;
  /** Of all entries. */
  readonly bytes: number;
}

/** Makes a long journal of one partition for the work, and removes it. */
export async function withLongJournal<T>(
  options: Pick<ClaimOptions, 'journal' | 'natsUrl' | 'entries' | 'onProgress'>,
  work: (journal: LongJournal) => Promise<T>,
): Promise<T> {
  const { entries } = options;
  const name = `claim-${process.pid}-${Date.now()}`;
  const folder = mkdtempSync(path.join(tmpdir(), 'tidemark-claim-'));
  const stream = name.toUpperCase();
  const place: JournalPlace = {
    kind: options.journal,
    path: path.join(folder, 'journal.db'),
    ...{ natsUrl: options.natsUrl, stream },
  };
  const job = jobName(name);
  try {
    options.onProgress?.(`making a journal of ${entries} entries`);
    const made = history({ job, partition, entries, sinkUri: 'file:///lake' });
    const bytes = await makeJournal(place, new Map([[partitionSubject(job, partition), made]]));
    return await work({ place, job, bytes });
  } finally {
    await dropStream(place);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Seconds from opening the journal to the acknowledged claim. Then waits for the snapshot, if one is due. */
export async function claimOnce(place: JournalPlace, job: JobName, isSnapshotDue: boolean): Promise<number> {
  const written = Promise.withResolvers<undefined>();
  const log: Log = {
    ...silentLog,
    debug: (_fields, message) => {
      if (message === 'snapshot written') written.resolve(undefined);
    },
    warn: (fields, message) => {
      if (message === 'a snapshot was not written') written.reject(new Error(message, { cause: fields }));
    },
  };
  const startedAtMs = performance.now();
  const journal = await openJournal(place, 'existing');
  try {
    const { signal } = new AbortController();
    await claimPartition(contextOf(journal, job, log), partition, 0n, signal);
    const seconds = (performance.now() - startedAtMs) / 1_000;
    if (isSnapshotDue) await written.promise;
    return seconds;
  } finally {
    await journal.close();
  }
}

function contextOf(journal: Journal, job: JobName, log: Log): Context {
  const settings = { job, snapshots: SNAPSHOTS } as Context['settings'];
  const ports = { journal, clock: systemClock, random: systemRandom, failpoints: noFailpoints, log };
  // A claim does not use the source or the store, and writes no file.
  const health = new Health(systemClock, new ConditionBoard({ clock: systemClock, log }));
  const unused = { stats: null as never, buffers: null as never, fileRoom: null as never };
  return { ports: ports as Context['ports'], settings, ...unused, health };
}
