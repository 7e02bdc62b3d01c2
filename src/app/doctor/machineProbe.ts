/** What `tidemark doctor` checks of the machine: memory, CPUs, Node and its threads, the clock, its state. */
import { access, stat } from 'node:fs/promises';
import { constants } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { dirname } from 'node:path';
import { check, fail, pass, warn, type Finding, type Probe } from '../../../kernels/checks/check.ts';
import { bytesText, durationText } from '../../../kernels/checks/sizes.ts';
import type { JobConfig } from '../../config/jobConfig.ts';
import { cgroupLimits, type CgroupLimits } from '../../system/cgroup.ts';
import { leastCeilingBytes } from '../../system/memoryBudget.ts';
import { silentLog } from '../../telemetry/log.ts';
import type { Composition } from '../compose.ts';
import { ceilingOf } from '../jobMemory.ts';

const NODE_MAJOR = 24;
const CPUS_WANTED = 1;
/** Share of a limit that a job may plan with: the kernel counts file pages, too. */
const LIMIT_SHARE = 0.9;
const DRIFT_MS_MAX = 1_000;
const YEAR_LEAST = 2026;
/** Fewer threads of the pool than this, and file calls wait for one another. */
const THREADS_WANTED = 4;

export interface MachineFacts {
  readonly nodeVersion: string;
  readonly poolThreads: number;
  readonly cgroup: CgroupLimits;
  readonly cpus: number;
  readonly totalMemoryBytes: number;
  /** What the program and its store take, without the buffers of a job. */
  readonly takenBytes: number;
  /** What the job plans with (`memory`, or its default). */
  readonly ceilingBytes: number;
  readonly isCeilingSet: boolean;
  /** When this process started by the wall clock, and how long it has run by the monotonic one. */
  readonly startedWallMs: number;
  readonly ranMs: number;
  readonly wallMs: number;
}

export async function machineProbe(composition: Composition, config: JobConfig): Promise<Probe> {
  const { stateDir, poolThreads } = composition.storeOpening(config, silentLog);
  const facts = (): MachineFacts => {
    const { storeBytes, formatBytes } = composition.memoryNeeds(config);
    const takenBytes = process.memoryUsage.rss() + storeBytes;
    const wanted = { ceilingBytes: config.memoryBytes, storeBytes, formatBytes };
    return {
      nodeVersion: process.versions.node,
      poolThreads,
      cgroup: cgroupLimits(),
      cpus: availableParallelism(),
      totalMemoryBytes: totalmem(),
      takenBytes,
      ceilingBytes: ceilingOf(wanted, takenBytes),
      isCeilingSet: config.memoryBytes !== null,
      startedWallMs: performance.timeOrigin,
      ranMs: performance.now(),
      wallMs: Date.now(),
    };
  };
  return {
    checks: [
      check('machine-node', [], async () => nodeFinding(facts())),
      check('machine-memory', [], async () => memoryFinding(facts())),
      check('machine-cpu', [], async () => cpuFinding(facts())),
      check('machine-clock', [], async () => clockFinding(facts())),
      check('machine-state', [], () => stateFinding(stateDir)),
    ],
    isAway: () => false,
    close: async () => Promise.resolve(),
  };
}

export function nodeFinding({ nodeVersion, poolThreads }: MachineFacts): Finding {
  const found = `Node ${nodeVersion}, ${poolThreads} threads for files and name look-ups`;
  if (Number.parseInt(nodeVersion, 10) < NODE_MAJOR) return fail(found, `Install Node ${NODE_MAJOR}.`);
  return poolThreads >= THREADS_WANTED
    ? pass(found)
    : warn(found, 'Set UV_THREADPOOL_SIZE to 36, or leave it unset.');
}

export function memoryFinding(facts: MachineFacts): Finding {
  const { cgroup, totalMemoryBytes, takenBytes, ceilingBytes, isCeilingSet } = facts;
  const limits = [cgroup.memoryBytes, cgroup.memoryHighBytes].filter((bytes) => bytes !== null);
  const limitBytes = Math.min(totalMemoryBytes, ...limits);
  const whose = limitBytes === totalMemoryBytes ? 'the machine has' : 'the control group allows';
  const found =
    `memory ${bytesText(ceilingBytes)}${isCeilingSet ? '' : ' (by default)'}, of which the program itself ` +
    `takes ${bytesText(takenBytes)}; ${whose} ${bytesText(limitBytes)}`;
  const leastBytes = leastCeilingBytes(takenBytes);
  if (ceilingBytes < leastBytes) return fail(found, `Set memory to at least ${bytesText(leastBytes)}.`);
  const mostBytes = Math.floor(limitBytes * LIMIT_SHARE);
  const mend = `Set memory to at most ${bytesText(mostBytes)}, or raise the limit: above it comes a kill.`;
  if (ceilingBytes > limitBytes) return fail(found, mend);
  return ceilingBytes > mostBytes ? warn(found, mend) : pass(found);
}

export function cpuFinding({ cpus, cgroup }: MachineFacts): Finding {
  const allowed = Math.min(cpus, cgroup.cpus ?? Infinity);
  const found = `${Number(allowed.toFixed(2))} of ${cpus} CPUs`;
  return allowed >= CPUS_WANTED
    ? pass(found)
    : warn(
        found,
        'Allow at least one CPU: a process that is held up misses heartbeats, and loses partitions.',
      );
}

/** A clock that was set since this process began, or that nobody has ever set. */
export function clockFinding({ startedWallMs, ranMs, wallMs }: MachineFacts): Finding {
  const jumpMs = Math.abs(wallMs - startedWallMs - ranMs);
  const time = new Date(wallMs).toISOString();
  const mend = 'Let NTP keep the clock: folders by wall clock, and signatures, take its time.';
  if (new Date(wallMs).getUTCFullYear() < YEAR_LEAST) return fail(`the clock says ${time}`, mend);
  return jumpMs < DRIFT_MS_MAX
    ? pass(`the clock says ${time} and did not jump`)
    : warn(`the clock jumped by ${durationText(jumpMs)} since this command began`, mend);
}

/** Beside the job file: memberships of the group, what a library keeps, and often the journal. */
async function stateFinding(stateDir: string): Promise<Finding> {
  try {
    let folder = stateDir;
    while (!(await isThere(folder))) folder = dirname(folder);
    await access(folder, constants.W_OK | constants.X_OK);
    return pass(`${stateDir} may be ${folder === stateDir ? 'written' : 'made'}`);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return fail(
      `${stateDir} may not be written: ${reason}`,
      'Give the user that runs Tidemark the right to write there, or move the job file.',
    );
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
