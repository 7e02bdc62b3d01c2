/**
 * Exhausted schedules: one short workload, and every single fault, every pair and every triple of faults at its named failpoints.
 * What a process passes depends on the faults before; so each run tells where the next fault can strike, and none is planned in
 * vain. A crash is followed by faults of what recovers from it, a pause by faults of whoever takes over meanwhile.
 */
import { FAILPOINTS, type Failpoint, type FailpointSide } from '../failpoints.ts';
import type { Fault, LogItem, RunTrace, Schedule, StoreKind } from './schedule.ts';

/** Longer than a session and its aftermath: another process takes over, and then the sleeper goes on. */
const PAUSE_MS = 4_000;
const WALL_START_MS = Date.UTC(2026, 0, 1);
/** A fault that is part of the workload: without it nobody has to recover, or to roll on request. */
const KILLED_AT_MS = 290;
const ROLLED_AT_MS = 30;

/** Where a fault can strike: the first time that this process passes this point. */
export interface Site {
  readonly process: number;
  readonly life: number;
  readonly point: Failpoint;
  readonly side: FailpointSide;
}

export type StrikeType = 'crash' | 'pause';

/** The workload without any fault of its own. In it every failpoint is passed that the store has. */
export function shortSchedule(store: StoreKind): Schedule {
  const at = (atMs: number): LogItem => ({
    ...{ type: 'records', atMs, records: 3, nullEvery: 0 },
    ...{ timestampMs: WALL_START_MS, stepMs: 400 },
  });
  return {
    seed: 1,
    config: {
      ...{ store, processes: 2, checkpointIntervalMs: 100 },
      roll: { maxBytes: 16, maxAgeMs: 600, maxIdleMs: 200, atCheckpoint: false },
      buckets: { by: 'record-time', pattern: 'ss', timezone: 'UTC' },
      ...{ wallStartMs: WALL_START_MS, latencyMsMax: 2, timeoutMs: 100 },
      ...{ sessionMs: 1_500, heartbeatMs: 300, restartMs: 20, dismissesDeadMember: true },
      ...{ entryBytesMax: 100_000, readBatchEntries: 100, fetchBatchesMax: 2, faultsUntilMs: 15_000 },
    },
    workload: {
      topic: 'numbers',
      partitions: [
        [at(0), at(90), at(180)],
        [at(0), at(240)],
      ],
    },
    faults: [
      { type: 'roll', partition: 0, atMs: ROLLED_AT_MS },
      { type: 'kill', process: 0, atMs: KILLED_AT_MS },
    ],
  };
}

/** The schedule with one fault more. */
export function strikeAt(schedule: Schedule, type: StrikeType, site: Site): Schedule {
  const where = { ...site, nth: 1 };
  const fault: Fault = type === 'crash' ? { type, ...where } : { type, ...where, forMs: PAUSE_MS };
  return { ...schedule, faults: [...schedule.faults, fault] };
}

const PASSES = /^passes (before|after) ([A-Za-z.]+)$/;
const PROCESS = /^p(\d+)\.(\d+)$/;

/**
 * Where the next fault can strike, in the order of time: every site that the run came to behind its last strike. The trace must
 * hold everything.
 */
export function sitesOf({ happenings, schedule }: RunTrace): Site[] {
  const last = lastStrike(schedule);
  const sites: Site[] = [];
  const seen = new Set<string>();
  let isBehind = last === null;
  for (const { process, what } of happenings) {
    const [, side, point] = PASSES.exec(what) ?? [];
    const [, place, life] = PROCESS.exec(process) ?? [];
    if (side === undefined || point === undefined || place === undefined || life === undefined) continue;
    const key = `${process} ${side} ${point}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const site = {
      process: Number(place),
      life: Number(life),
      point: point as Failpoint,
      side: side as FailpointSide,
    };
    if (isBehind) sites.push(site);
    else isBehind = last !== null && isSame(site, last);
  }
  return sites;
}

function lastStrike({ faults }: Schedule): Site | null {
  return faults.findLast((fault) => fault.type === 'crash' || fault.type === 'pause') ?? null;
}

function isSame(a: Site, b: Site): boolean {
  return a.process === b.process && a.life === b.life && a.point === b.point && a.side === b.side;
}

/** Failpoints that a run of the workload passes on neither side; a store that resumes never finishes, and the reverse. */
export function neverPassed(hits: Readonly<Record<string, number>>): readonly string[] {
  return FAILPOINTS.flatMap((point) => [`${point}:before`, `${point}:after`]).filter(
    (key) => (hits[key] ?? 0) === 0,
  );
}
