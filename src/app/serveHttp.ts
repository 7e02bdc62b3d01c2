/** The HTTP interface of a run: made for a service alone, and loaded only for one. */
import { markerFolderUri } from '../../actors/naming.ts';
import { TidemarkError } from '../../journal/errors.ts';
import { partitionName, type TopicPartition } from '../../journal/ids.ts';
import type { PartitionLedger } from '../../actors/ledger.ts';
import type { Journal } from '../../journal/port.ts';
import type { PresenceBoard } from '../../journal/presence.ts';
import { jobSubject, partitionSubject } from '../../journal/subjects.ts';
import type { JobConfig } from '../config/jobConfig.ts';
import { HttpRun } from '../http/run.ts';
import { coordinatorSite } from '../http/routes.ts';
import { HttpServer } from '../http/server.ts';
import type { AppendListener } from '../job/context.ts';
import type { Coordinator } from '../run/coordinator.ts';
import type { Store } from '../stores/port.ts';
import type { MemoryBudget } from '../system/memoryBudget.ts';
import { VERSION } from '../system/version.ts';
import type { Conditions } from '../telemetry/conditions.ts';
import type { Log } from '../telemetry/log.ts';
import type { Composition } from './compose.ts';
import type { JobStatus } from './contract.ts';
import { fileInto } from './fileRequest.ts';
import type { LagMeter } from './lag.ts';
import { readJobStatus, type StatusJournal } from './status.ts';

export interface ServingOptions {
  readonly composition: Composition;
  readonly config: JobConfig;
  readonly conditions: Conditions;
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly onListening?: ((port: number) => void) | undefined;
}

/** What the run tells the interface, and how it ends it. */
export interface Serving {
  readonly onAppend: AppendListener;
  opened(parts: RunParts): void;
  end(): Promise<void>;
}

export interface RunParts {
  readonly coordinator: Coordinator;
  readonly journal: Journal;
  readonly store: Store;
  readonly board: PresenceBoard;
  readonly lag: LagMeter;
  readonly memory: MemoryBudget;
}

/** Null if no usual port is free. Rejects with HTTP_PORT_TAKEN or HTTP_UNAVAILABLE. */
export async function serveHttp(options: ServingOptions): Promise<Serving | null> {
  const { config, conditions, signal, log } = options;
  if (config.http === null) return null;
  const { roll, checkpoint } = config;
  const limits = {
    checkpointIntervalMs: checkpoint.intervalMs,
    rollMaxAgeMs: roll['maxAgeMs'] ?? null,
    rollMaxBytes: roll['maxBytes'] ?? null,
  };
  const run = new HttpRun({
    ...{ job: config.job, version: VERSION, limits, conditions, signal, log },
  });
  const server = await HttpServer.start({ config: config.http, site: coordinatorSite(run), log });
  if (server === null) return null;
  options.onListening?.(server.port);
  return {
    onAppend: run.events,
    opened: (parts) => attach(run, parts, options),
    end: () => server.end(),
  };
}

function attach(run: HttpRun, parts: RunParts, options: ServingOptions): void {
  const { coordinator, journal, board, lag, memory } = parts;
  const { job } = options.config;
  run.opened({
    ...{ coordinator, memory },
    status: async () => documentOf(await readStatus(parts, options)),
    file: async (partition, request, waitMs) => {
      const filing = { waitMs, onNotice: (notice: string) => options.log.debug({}, notice) };
      const [filed] = await fileInto({ journal, presence: board, job }, { partition, request }, filing);
      if (filed !== undefined) return filed;
      throw new TidemarkError('INTERNAL', `No request was filed for ${partitionName(partition)}.`);
    },
    endOffset: (partition) => lag.endOffset(partition),
  });
  run.events.history = {
    journal,
    subjects: () => [
      jobSubject(job),
      ...[...coordinator.runners()].map(({ task }) => partitionSubject(job, task.partition)),
    ],
  };
}

async function readStatus(
  { coordinator, journal, board, store }: RunParts,
  { composition, config, log }: ServingOptions,
): Promise<JobStatus> {
  const surveyor = await composition.surveyor(config, log);
  try {
    return await readJobStatus({
      ...{ config, kinds: composition.kinds, presence: board, surveyor, log },
      openJournal: () => Promise.resolve(lent(journal)),
      ledgerOf: (partition) => ledgerOf(coordinator, partition),
      probeDestination: async () => {
        const { uri, entropy } = config.sink;
        await store.readMarker(markerFolderUri({ sinkUri: uri, entropy }), config.job);
      },
    });
  } finally {
    await surveyor.close();
  }
}

/** The journal goes on when the status is read. */
function lent(journal: Journal): StatusJournal {
  return {
    id: journal.id,
    read: (subject, after) => journal.read(subject, after),
    requests: (subject, after) => journal.requests(subject, after),
    snapshots: (subject) => journal.snapshots(subject),
    subjects: (prefix) => journal.subjects(prefix),
    close: () => Promise.resolve(),
  };
}

/** Of a partition that this process owns; null for all others: their journal is replayed. */
function ledgerOf(coordinator: Coordinator, partition: TopicPartition): PartitionLedger | null {
  const name = partitionName(partition);
  for (const { task, state, epoch } of coordinator.runners())
    if (partitionName(task.partition) === name)
      return state === 'running' || state === 'stopped' ? (epoch?.claim.host.ledger ?? null) : null;
  return null;
}

/** A problem has the form that it has in `tidemark status --json`. */
function documentOf({ problem, ...status }: JobStatus): object {
  if (problem === null) return status;
  const { code, message, fields } = problem;
  return { ...status, error: { code, message, fields } };
}
