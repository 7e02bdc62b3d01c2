/**
 * Exhaustive schedules: one short workload, and every single fault, every pair and every triple of faults at
 * its named failpoints. What a process passes depends on earlier faults, so each run reports where the next
 * fault can strike, and few are planned in vain. A crash is followed by a fault of the process that recovers
 * from it, a pause by a fault of the process that takes over meanwhile.
 */
import { isFailpoint, type Failpoint, type FailpointSide } from '../src/system/failpoints.ts';
import type { DrawOptions } from './draw/schedule.ts';
import type { Fault, LogItem, RunTrace, Schedule } from './schedule.ts';

export const STRIKE_TYPES = ['crash', 'pause'] as const;
export type StrikeType = (typeof STRIKE_TYPES)[number];

/** The first time that this process passes this point. */
export interface Site {
  readonly process: number;
  readonly life: number;
  readonly point: Failpoint;
  readonly side: FailpointSide;
}

export interface Strike extends Site {
  readonly type: StrikeType;
}

/** Longer than a session and its aftermath: another process takes over, then the sleeper continues. */
const PAUSE_MS = 4_000;
const WALL_START_MS = Date.UTC(2026, 0, 1);

/** Part of the workload: without them no process would roll, recover, or drain while faults may strike. */
const BASE_FAULTS: readonly Fault[] = [
  { type: 'roll', partition: 0, atMs: 30 },
  { type: 'crash', process: 0, life: 0, point: 'store.commit', side: 'before', nth: 2 },
  { type: 'leave', process: 1, atMs: 420 },
];

export interface ExhaustOptions extends DrawOptions {
  readonly seed: number;
}

/** The workload without strikes. It passes every failpoint that the store has. */
export function shortSchedule({ store, job, seed }: ExhaustOptions): Schedule {
  const at = (atMs: number): LogItem => ({
    ...{ type: 'records', atMs, records: 3, nullEvery: 0 },
    ...{ timestampMs: WALL_START_MS, stepMs: 400 },
  });
  return {
    seed,
    config: {
      ...{ store, processes: 2, checkpointIntervalMs: job?.checkpointIntervalMs ?? 100 },
      roll: job?.roll ?? { maxBytes: 16, maxAgeMs: 600, maxIdleMs: 200, atCheckpoint: false },
      buckets: job?.buckets ?? { by: 'record-time', pattern: 'ss', timezone: 'UTC' },
      ...{ entropy: false, wallStartMs: WALL_START_MS, latencyMsMax: 2, timeoutMs: 100 },
      ...{ sessionMs: 1_500, heartbeatMs: 300, restartMs: 20, dismissesDeadMember: true },
      ...{
        entryBytesMax: 100_000,
        readBatchEntries: 100,
        snapshotEntries: 4,
        fetchBatchesMax: 2,
        openFilesMax: null,
        memoryBytes: null,
        faultsUntilMs: 15_000,
      },
    },
    workload: {
      topic: 'numbers',
      partitions: [
        [at(0), at(90), at(180)],
        [at(0), at(240)],
      ],
    },
    faults: BASE_FAULTS,
  };
}

export function withStrikes(schedule: Schedule, strikes: readonly Strike[]): Schedule {
  const faults = strikes.map(({ type, ...site }): Fault => {
    const where = { ...site, nth: 1 };
    return type === 'crash' ? { type, ...where } : { type, ...where, forMs: PAUSE_MS };
  });
  return { ...schedule, faults: [...schedule.faults, ...faults] };
}

const PASSES = /^passes (before|after) (.+)$/;
const PROCESS = /^p(\d+)\.(\d+)$/;

/** All sites of a run after its last strike, ordered by time. The trace must hold everything. */
export function sitesBehind({ happenings }: RunTrace, strikes: readonly Strike[]): Site[] {
  const last = strikes.at(-1);
  const seen = new Set<string>();
  const sites: Site[] = [];
  let isBehind = last === undefined;
  for (const { process, what } of happenings) {
    const [, side, point = ''] = PASSES.exec(what) ?? [];
    const [, place, life] = PROCESS.exec(process) ?? [];
    const key = `${process} ${what}`;
    if (place === undefined || !isSide(side) || !isFailpoint(point) || seen.has(key)) continue;
    seen.add(key);
    const site: Site = { process: Number(place), life: Number(life), point, side };
    if (isBehind) sites.push(site);
    else isBehind = last !== undefined && textOfSite(site) === textOfSite(last);
  }
  return sites;
}

/**
 * One site for each failpoint and side: first of the process that must recover from the last strike, then of
 * the others.
 */
export function telling(sites: readonly Site[], strikes: readonly Strike[]): Site[] {
  const last = strikes.at(-1);
  const recovers = ({ process, life }: Site): boolean => {
    if (last === undefined) return false;
    return last.type === 'crash'
      ? process === last.process && life === last.life + 1
      : process !== last.process;
  };
  const chosen = new Map<string, Site>();
  for (const site of [...sites.filter(recovers), ...sites]) {
    const key = `${site.point}:${site.side}`;
    if (!chosen.has(key)) chosen.set(key, site);
  }
  return [...chosen.values()];
}

function textOfSite({ process, life, point, side }: Site): string {
  return `p${process}.${life}:${point}:${side}`;
}

function isSide(text: string | undefined): text is FailpointSide {
  return text === 'before' || text === 'after';
}
