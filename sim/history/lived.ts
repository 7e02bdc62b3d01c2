/**
 * What a run of the world has journaled of its partition, and which failpoints its processes passed
 * meanwhile.
 */
import { isFailpoint, type Failpoint, type FailpointSide } from '../../src/system/failpoints.ts';
import type { RunTrace } from '../schedule.ts';

export interface LivedEntry {
  readonly atMs: number;
  readonly claimId: string;
  readonly types: readonly string[];
}

/** The `nth` time (from 1) that the process passed the point. */
export interface Passed {
  readonly atMs: number;
  readonly process: number;
  readonly life: number;
  readonly point: Failpoint;
  readonly side: FailpointSide;
  readonly nth: number;
}

const SUBJECT = '.partition.numbers.0';
const PASSES = /^passes (before|after) (.+)$/;
const PROCESS = /^p(\d+)\.(\d+)$/;

interface RawEntry {
  readonly claimId: string;
  readonly events: readonly { readonly type: string }[];
}

export function livedEntries({ journal }: Pick<RunTrace, 'journal'>): readonly LivedEntry[] {
  return journal
    .filter(({ subject }) => subject.endsWith(SUBJECT))
    .map(({ atMs, text }) => {
      const { claimId, events } = JSON.parse(text) as RawEntry;
      return { atMs, claimId, types: events.map(({ type }) => type) };
    });
}

/** Ordered by time. The trace must hold everything. */
export function passesOf({ happenings }: Pick<RunTrace, 'happenings'>): readonly Passed[] {
  const counts = new Map<string, number>();
  return happenings.flatMap(({ atMs, process, what }) => {
    const [, side, point = ''] = PASSES.exec(what) ?? [];
    const [, place, life] = PROCESS.exec(process) ?? [];
    if (place === undefined || (side !== 'before' && side !== 'after') || !isFailpoint(point)) return [];
    const key = `${process} ${side} ${point}`;
    const nth = (counts.get(key) ?? 0) + 1;
    counts.set(key, nth);
    return [{ atMs, process: Number(place), life: Number(life), point, side, nth }];
  });
}
