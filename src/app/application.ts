/**
 * Carries out what the command line asks for. Each command has a file of its own, which is loaded when it is
 * called: to start a job takes less time and memory than all of them would.
 */
import type { Backend } from './contract.ts';
import { Composition } from './compose.ts';
import type { JobKinds } from './registeredKinds.ts';

/** The application of a program with these kinds; with all kinds if none are given. */
export function createBackend(kinds?: JobKinds): Backend {
  const composition = new Composition(kinds);
  const history = async () => import('./history.ts');
  const diff = async () => import('./journalDiff.ts');
  return {
    auditJob: async (config, options) => (await import('./audit.ts')).audit(composition, config, options),
    verifyJournal: async (config, options) => (await history()).verifyJournal(composition, config, options),
    replayJournal: async function* (config, options) {
      yield* (await history()).replayJournal(composition, config, options);
    },
    partitionEntries: async function* (config, options) {
      yield* (await history()).partitionEntries(composition, config, options);
    },
    explain: async (config, options) => (await history()).explain(composition, config, options),
    diffJournal: async (config, options) => (await diff()).diffJournal(composition, config, options),
    foldJournal: async function* (job, file) {
      yield* (await diff()).printedFold(job, file);
    },
    runJob: async (config, options) => (await import('./runJob.ts')).runJob(composition, config, options),
    fileRequest: async (config, order, options) =>
      (await import('./fileRequest.ts')).fileRequest(composition, config, order, options),
    backupJournal: (config, options) => composition.backup(config, options),
    exportJournal: (config, options) => composition.exportJournal(config, options),
    restoreJournal: (config, options) => composition.restore(config, options),
    importJournal: async (config, options) =>
      (await import('./importJournal.ts')).importJournal(composition, config, options),
    planJob: async (config, options) => (await import('./plan.ts')).plan(composition, config, options),
    examineJob: async (config, options) =>
      (await import('./doctor/doctor.ts')).doctor(composition, config, options),
    orphans: async (config, options) => (await import('./orphans.ts')).orphans(composition, config, options),
    readStatus: async (config, options) =>
      (await import('./readStatus.ts')).readStatus(composition, config, options),
  };
}

export const backend: Backend = createBackend();
