/** Carries out what the command line requests: run the coordinator, read the status, file a request. */
import type {
  Backend,
  FiledRequest,
  JobStatus,
  RequestOptions,
  RequestOrder,
  RunOptions,
  RunReport,
  StatusOptions,
} from './contract.ts';
import { audit } from './audit.ts';
import { explain, partitionEntries, replayJournal, verifyJournal } from './history.ts';
import { diffJournal, printedFold } from './journalDiff.ts';
import type { JobConfig } from '../config/jobConfig.ts';
import { awaitAnswers } from './awaitAnswers.ts';
import { ConditionBoard } from '../telemetry/conditions.ts';
import { Coordinator } from '../run/coordinator.ts';
import { openJournalForRun } from '../run/openJournal.ts';
import { fileOperatorRequest } from '../partition/requests.ts';
import { composeFailpoints, Composition, systemPorts, thisProcess } from './compose.ts';
import { importJournal } from './importJournal.ts';
import { kindOf, type JobKinds } from './registeredKinds.ts';
import { orAborted, within } from '../system/bounded.ts';
import { LagMeter } from './lag.ts';
import { NOTHING_DONE, progressOf, reportOfRun } from './runReport.ts';
import { tellOfOtherJobs } from './otherJobs.ts';
import { Patience } from '../telemetry/patience.ts';
import { tellStart } from '../presence/starting.ts';
import { readJobStatus, readJobStatusAt } from './status.ts';
import { VERSION } from '../system/version.ts';
import { markerFolderUri } from '../../actors/naming.ts';
import { partitionOf, jobPrefix } from '../../journal/subjects.ts';
import { TidemarkError } from '../../journal/errors.ts';
import { partitionName, type TopicPartition } from '../../journal/ids.ts';
import type { JournalAccess } from '../../journal/kind.ts';
import type { Journal } from '../../journal/port.ts';
import { noFailpoints } from '../system/failpoints.ts';
import type { Source } from '../sources/port.ts';
import type { Store } from '../stores/port.ts';

const PROGRESS_INTERVAL_MS = 100;
/** How much earlier than the limit a client gives up by itself. */
const OWN_ERROR_MS = 500;
/**
 * How long clients may take to close. After a signal the process must end soon; otherwise it must still end.
 */
const CLOSE_LIMIT_MS = { afterSignal: 150, else: 5_000 } as const;
const CLOSE_MS = 2_000;

async function runJob(composition: Composition, config: JobConfig, options: RunOptions): Promise<RunReport> {
  const { log, signal, untilEnd } = options;
  const failpoints = composeFailpoints();
  const store = await composition.store(config, failpoints, log);
  const memory = composition.memory(config, log);
  const board = await composition.presence(config, log);
  const conditions = new ConditionBoard({ clock: systemPorts.clock, log });
  const source = await composition.source(config, { log, choices: options, memory, conditions });
  const limitMs = untilEnd ? config.startup.timeoutMs : null;
  const patience = new Patience({ clock: systemPorts.clock, log, conditions, signal, limitMs });
  // So that the client's own error, which has the reason, is reported.
  const waits = limitMs === null ? {} : { waitForServerMs: Math.max(1, limitMs - OWN_ERROR_MS) };
  const open = (access: JournalAccess): Promise<Journal> =>
    composition.journal(config, { access, log, signal, ...waits });
  const close = (closing: Promise<unknown>): Promise<void> =>
    within(systemPorts.clock, CLOSE_LIMIT_MS[signal.aborted ? 'afterSignal' : 'else'], closing);
  const endStart = tellStart({
    ...{ board, conditions, log, clock: systemPorts.clock, self: thisProcess },
    ...{ id: systemPorts.random.hexId(), job: config.job, version: VERSION },
  });
  try {
    const opening = patience.until({
      ...{ what: journalText(config, composition.kinds), code: 'JOURNAL_UNAVAILABLE' },
      work: () => openJournalForRun({ config, source, store, open, wait: !untilEnd, signal, log }),
    });
    const journal = await orAborted(signal, opening).finally(endStart);
    try {
      const settings = composition.settings(config, options);
      const { budget, bufferArea } = memory;
      const presence = { board, self: thisProcess };
      const ports = {
        ...{ journal, source, store, failpoints, log, ...systemPorts },
        openFilesMax: composition.openFilesMax(config),
        ...{ memory: budget, bufferArea, conditions, presence },
      };
      // In parallel to the run, which it must never delay.
      const [report] = await Promise.all([
        runCoordinator(new Coordinator(ports, settings), source, options),
        tellOfOtherJobs(config, { store, clock: systemPorts.clock, conditions, log }),
      ]);
      return report;
    } finally {
      await close(journal.close());
    }
  } catch (error) {
    if (signal.aborted && isAbort(error)) return NOTHING_DONE;
    throw error;
  } finally {
    memory.end();
    conditions.end();
    await close(Promise.all([source.stop(), store.close(), board.close()]));
  }
}

/** What is needed to open a journal, as text for people. */
function journalText({ journal, sink }: JobConfig, { journals }: JobKinds): string {
  const { place } = kindOf(journals, journal).describe(journal);
  return `the journal ${place} and what remembers it (${sink.uri} and the source)`;
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

async function runCoordinator(
  coordinator: Coordinator,
  source: Source,
  options: RunOptions,
): Promise<RunReport> {
  const lag = new LagMeter(source);
  const progress = setInterval(() => {
    options.onProgress(progressOf(coordinator, lag));
  }, PROGRESS_INTERVAL_MS);
  try {
    const outcome = await coordinator.run(options.signal);
    options.onProgress(progressOf(coordinator, lag));
    return reportOfRun(outcome);
  } finally {
    clearInterval(progress);
  }
}

async function fileRequest(
  composition: Composition,
  config: JobConfig,
  order: RequestOrder,
  { log, waitMs, onNotice }: RequestOptions,
): Promise<readonly FiledRequest[]> {
  const journal = await composition.journal(config, { access: 'read', log });
  const presence = await composition.presence(config, log);
  try {
    const known = await partitionsOf(journal, config);
    const asked = order.partition;
    const name = asked === null ? null : partitionName(asked);
    const partitions = known.filter((partition) => name === null || partitionName(partition) === name);
    if (partitions.length === 0) {
      throw new TidemarkError(
        'REQUEST_REFUSED',
        name === null
          ? `The job "${config.job}" has no partition in its journal yet: run it first.`
          : `The journal of job "${config.job}" does not know partition ${name}; ` +
              `it knows ${known.map(partitionName).join(', ') || 'none'}.`,
      );
    }
    const filed: { readonly partition: TopicPartition; readonly requestId: number }[] = [];
    for (const partition of partitions) {
      const requestId = await fileOperatorRequest(
        { journal, failpoints: noFailpoints },
        config.job,
        partition,
        order.request,
      );
      filed.push({ partition, requestId });
    }
    if (waitMs === null) return filed.map((request) => ({ ...request, answer: null }));
    const { clock } = systemPorts;
    const awaiting = { journal, presence, job: config.job, waitMs, clock, onNotice };
    const answers = await awaitAnswers(awaiting, filed);
    return filed.map((request, index) => ({ ...request, answer: answers[index] ?? { type: 'none' } }));
  } finally {
    await Promise.all([journal.close(), presence.close()]);
  }
}

async function partitionsOf(journal: Journal, config: JobConfig): Promise<TopicPartition[]> {
  const subjects = await journal.subjects(jobPrefix(config.job));
  return subjects.map(partitionOf).filter((partition) => partition !== null);
}

async function readStatus(
  composition: Composition,
  config: JobConfig,
  { log, at }: StatusOptions,
): Promise<JobStatus> {
  const openJournal = (): Promise<Journal> => composition.journal(config, { access: 'read', log });
  if (at !== undefined) return readJobStatusAt({ config, kinds: composition.kinds, openJournal }, at);
  const presence = await composition.presence(config, log);
  const surveyor = await composition.surveyor(config, log);
  let store: Store | null = null;
  try {
    return await readJobStatus({
      ...{ config, kinds: composition.kinds, presence, surveyor, log },
      openJournal,
      probeDestination: async () => {
        store = await composition.store(config, noFailpoints, log);
        const { uri, entropy } = config.sink;
        await store.readMarker(markerFolderUri({ sinkUri: uri, entropy }), config.job);
      },
    });
  } finally {
    const closing = Promise.allSettled([
      surveyor.close(),
      presence.close(),
      (store as Store | null)?.close(),
    ]);
    // A read-only command does not wait for a close that hangs.
    await Promise.race([closing, systemPorts.clock.pause(CLOSE_MS)]);
  }
}

/** The application of a program with these kinds; with all kinds if none are given. */
export function createBackend(kinds?: JobKinds): Backend {
  const composition = new Composition(kinds);
  return {
    auditJob: (config, options) => audit(composition, config, options),
    verifyJournal: (config, options) => verifyJournal(composition, config, options),
    replayJournal: (config, options) => replayJournal(composition, config, options),
    partitionEntries: (config, options) => partitionEntries(composition, config, options),
    explain: (config, options) => explain(composition, config, options),
    diffJournal: (config, options) => diffJournal(composition, config, options),
    foldJournal: printedFold,
    runJob: (config, options) => runJob(composition, config, options),
    fileRequest: (config, order, options) => fileRequest(composition, config, order, options),
    backupJournal: (config, options) => composition.backup(config, options),
    exportJournal: (config, options) => composition.exportJournal(config, options),
    restoreJournal: (config, options) => composition.restore(config, options),
    importJournal: (config, options) => importJournal(composition, config, options),
    readStatus: (config, options) => readStatus(composition, config, options),
  };
}

export const backend: Backend = createBackend();
