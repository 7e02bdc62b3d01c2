/** The command line with its world replaced: what it writes is kept, its backend answers as told. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import type { Backend, JobStatus, RunReport } from '../../../src/app/contract.ts';
import type { DoctorReport } from '../../../src/app/doctor/doctorReport.ts';
import type { DiffReport } from '../../../src/app/journalDiff.ts';
import type { OrphansOutcome } from '../../../src/app/orphans.ts';
import { jobName, journalId } from '../../../journal/ids.ts';
import type { AuditReport } from '../../../src/audit/auditReport.ts';
import type { CliIo, StopSignal } from '../../../src/cli/io.ts';
import { runCli } from '../../../src/cli/main.ts';
import { MINIMAL } from '../app/jobFiles.ts';

export const NOTHING: RunReport = {
  committed: [],
  recordsCommitted: 0,
  stoppedPartitions: [],
  reason: 'end',
};
export const NO_STATUS: JobStatus = {
  job: 'clicks',
  journal: { kind: 'sqlite', id: 'journal-1', location: '/x/journal.db' },
  asOf: null,
  coordinators: [],
  dependencies: [],
  problem: null,
  partitions: [],
};

export interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const NO_BACKUP = { journalId: 'the-journal', entries: 0, partitions: 0, bytes: 0 };
const NO_IMPORT = { ...NO_BACKUP, entriesThere: 0, requestsLeftOut: 0 };

export interface FakeCli {
  readonly dir: string;
  /** Runs one command in the folder that holds `job.yaml`. */
  run(...args: string[]): Promise<Answer>;
  /** Delivers a signal to the command that runs. */
  signal(signal: StopSignal): void;
  /** Codes of immediate ends. */
  readonly exits: readonly number[];
  /** What the process would be ended with after a time. */
  readonly ends: readonly { readonly limitMs: number; readonly code: () => number }[];
  readonly isListening: boolean;
}

const NO_AUDIT: AuditReport = {
  job: jobName('clicks'),
  journalId: journalId('00000000-0000-4000-8000-000000000000'),
  ...{ verdict: 'clean', partitions: [], findings: [], findingsTotal: 0, unchecked: [], deep: null },
  files: { compared: 0, comparedBytes: 0, moved: 0, hidden: 0, others: 0, leftovers: 0 },
};

const NO_CHECKS: DoctorReport = {
  job: 'clicks',
  checks: [],
  counts: { pass: 0, warn: 0, fail: 0, notDone: 0 },
  leftovers: [],
};

export const NO_ORPHANS: OrphansOutcome = {
  job: jobName('clicks'),
  journalId: journalId('00000000-0000-4000-8000-000000000000'),
  ...{ orphans: [], refusals: [], withheld: [], others: 0, notListed: [] },
  needed: { count: 0, bytes: 0 },
  unknown: { count: 0, bytes: 0 },
};

const NO_DIFF: DiffReport = {
  ...{ job: 'clicks', journalId: 'journal-1', version: '1', otherVersion: '2', otherPackage: '/other' },
  ...{ entries: 0, verdict: 'same', difference: null, problem: null },
};

export function fakeCli(backend: Partial<Backend> = {}, options: { isTerminal?: boolean } = {}): FakeCli {
  const dir = mkdtempSync(path.join(tmpdir(), 'tidemark-cli-'));
  onTestFinished(() => {
    rmSync(dir, { recursive: true });
  });
  writeFileSync(path.join(dir, 'job.yaml'), MINIMAL);
  const listeners = new Set<(signal: StopSignal) => void>();
  const exits: number[] = [];
  const ends: { limitMs: number; code: () => number }[] = [];
  const whole: Backend = {
    runJob: async () => NOTHING,
    readStatus: async () => NO_STATUS,
    fileRequest: async () => [],
    backupJournal: async () => NO_BACKUP,
    exportJournal: async () => NO_BACKUP,
    restoreJournal: async () => NO_BACKUP,
    importJournal: async () => NO_IMPORT,
    planJob: () => Promise.reject(new Error('no plan')),
    auditJob: async () => NO_AUDIT,
    verifyJournal: async () => NO_AUDIT,
    diffJournal: async () => NO_DIFF,
    foldJournal: async function* () {},
    orphans: async () => NO_ORPHANS,
    replayJournal: async function* () {},
    partitionEntries: async function* () {},
    explain: async () => ({ record: null, files: [] }),
    examineJob: async () => NO_CHECKS,
    ...backend,
  };
  return {
    dir,
    exits,
    ends,
    get isListening() {
      return listeners.size > 0;
    },
    signal(signal) {
      for (const listener of listeners) listener(signal);
    },
    async run(...args) {
      const written = { stdout: '', stderr: '' };
      const output = (name: 'stdout' | 'stderr') => ({
        isTTY: options.isTerminal ?? false,
        columns: 100,
        write: (text: string) => (written[name] += text),
      });
      const io: CliIo = {
        stdout: output('stdout'),
        stderr: output('stderr'),
        env: {},
        cwd: dir,
        nowMs: () => 0,
        onSignal(listener) {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
        exitNow: (code) => exits.push(code),
        endWithin: (limitMs, code) => ends.push({ limitMs, code }),
        loadBackend: async () => whole,
      };
      const code = await runCli(args, io);
      return { code, ...written };
    },
  };
}
