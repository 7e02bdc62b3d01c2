/** Runs the coordinator of a job until it ends or is told to. */
import type { RunOptions, RunReport } from './contract.ts';
import type { JobConfig } from '../config/jobConfig.ts';
import { ConditionBoard } from '../telemetry/conditions.ts';
import { Coordinator } from '../run/coordinator.ts';
import { openJournalForRun } from '../run/openJournal.ts';
import { composeFailpoints, systemPorts, thisProcess, type Composition } from './compose.ts';
import { kindOf, type JobKinds } from './registeredKinds.ts';
import { orAborted, within } from '../system/bounded.ts';
import { LagMeter } from './lag.ts';
import { NOTHING_DONE, progressOf, reportOfRun } from './runReport.ts';
import { tellOfOtherJobs } from './otherJobs.ts';
import { Patience } from '../telemetry/patience.ts';
import { tellStart } from '../presence/starting.ts';
import { VERSION } from '../system/version.ts';
import type { JournalAccess } from '../../journal/kind.ts';
import type { Journal } from '../../journal/port.ts';
import type { Conditions } from '../telemetry/conditions.ts';
import type { Serving } from './serveHttp.ts';

const PROGRESS_INTERVAL_MS = 100;
/** How much earlier than the limit a client gives up by itself. */
const OWN_ERROR_MS = 500;
/**
 * How long clients may take to close. After a signal the process must end soon; otherwise it must still end.
 */
const CLOSE_LIMIT_MS = { afterSignal: 150, else: 5_000 } as const;

export async function runJob(
  composition: Composition,
  config: JobConfig,
  options: RunOptions,
): Promise<RunReport> {
  const conditions = new ConditionBoard({ clock: systemPorts.clock, log: options.log });
  // First of all: whoever asks sees what the start waits for, and a port that is taken ends it.
  const http = await serving(composition, config, { ...options, conditions });
  try {
    return await runServed(composition, config, options, { conditions, http });
  } finally {
    conditions.end();
    await http?.end();
  }
}

async function runServed(
  composition: Composition,
  config: JobConfig,
  options: RunOptions,
  { conditions, http }: { readonly conditions: Conditions; readonly http: Serving | null },
): Promise<RunReport> {
  const { log, signal, untilEnd } = options;
  const failpoints = composeFailpoints();
  const store = await composition.store(config, failpoints, log, conditions);
  const memory = composition.memory(config, log);
  const board = await composition.presence(config, log);
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
        ...(http === null ? {} : { onAppend: http.onAppend }),
      };
      const coordinator = new Coordinator(ports, settings);
      const lag = new LagMeter(coordinator.source);
      http?.opened({ coordinator, journal, store, board, lag, memory: budget });
      // In parallel to the run, which it must never delay.
      const [report] = await Promise.all([
        runCoordinator(coordinator, lag, options),
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
    await close(Promise.all([source.stop(), store.close(), board.close()]));
  }
}

/** A bounded run ends by itself: nobody asks it anything. */
async function serving(
  composition: Composition,
  config: JobConfig,
  options: RunOptions & { readonly conditions: Conditions },
): Promise<Serving | null> {
  if (config.http === null || options.untilEnd) return null;
  const { serveHttp } = await import('./serveHttp.ts');
  return serveHttp({ composition, config, ...options });
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
  lag: LagMeter,
  options: RunOptions,
): Promise<RunReport> {
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
