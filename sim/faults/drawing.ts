/** Draws that several kinds of faults share. */
import { z } from 'zod';
import { FAILPOINTS, type Failpoint, type FailpointSide } from '../../src/system/failpoints.ts';
import type { Nth, StoreKind } from '../schedule.ts';
import { OPERATOR_PLACE, PLACES_MAX, type DrawContext } from './kind.ts';

/** Below any limit; beyond a time-out; beyond a session; beyond a session and its aftermath. */
export const PAUSES_MS = [50, 400, 2_500, 5_000] as const;
export const AWAY_MS = [100, 1_000, 4_000] as const;
/** By then most of a workload is done; recoveries continue after it. */
const STRIKES_UNTIL_MS = 2_500;
const LIVES = [0, 0, 0, 0, 1, 1, 2] as const;
const NTHS = [1, 1, 1, 2, 2, 3, 4, 6] as const;

/** Only recoveries pass them, in few processes: drawn twice as often. */
export const RECOVERY_POINTS: readonly Failpoint[] = [
  'store.resume',
  'store.finish',
  'store.commitAfterRecovery',
  'store.discard',
];

/**
 * Whether processes pass the point with a store of this kind; otherwise a fault there would never take place.
 */
export function isReachable(point: Failpoint, store: StoreKind): boolean {
  return point !== (store === 'oss-hdfs' ? 'store.finish' : 'store.resume');
}

export function pointsOf(store: StoreKind): readonly Failpoint[] {
  const reachable = FAILPOINTS.filter((point) => isReachable(point, store));
  return [...reachable, ...reachable.filter((point) => RECOVERY_POINTS.includes(point))];
}

export const SIDES = ['before', 'after'] as const satisfies readonly FailpointSide[];

/** A count of an existing process; of an operator for the operator's failpoint. */
export function drawNth({ random, processes }: DrawContext, point?: Failpoint): Nth {
  const process = random.below(processes);
  const [life, nth] = [random.pick(LIVES), random.pick(NTHS)];
  return { process: point === 'journal.fileRequest' ? OPERATOR_PLACE : process, life, nth };
}

/** A place that has a process, or one more that another process may join. */
export function drawPlace({ random, processes }: DrawContext): number {
  return random.below(Math.min(PLACES_MAX, processes + 1));
}

export function drawTimeMs({ random }: DrawContext): number {
  return random.below(STRIKES_UNTIL_MS + 1);
}

/** Schedules from a file are not trusted. */
export const counted = z.number().int().min(0).max(1_000_000);
export const placed = z.number().int().min(0).max(OPERATOR_PLACE);
export const nthFields = { process: placed, life: counted, nth: z.number().int().min(1).max(1_000_000) };
export const pointFields = { point: z.enum(FAILPOINTS), side: z.enum(SIDES) };

export function processWords({ process, life }: { readonly process: number; readonly life: number }): string {
  return `p${process}.${life} (the ${ordinal(life + 1)} process in place ${process})`;
}

export function ordinal(number: number): string {
  const tens = number % 100;
  const suffix = tens >= 11 && tens <= 13 ? 'th' : (['th', 'st', 'nd', 'rd'][number % 10] ?? 'th');
  return `${number}${suffix}`;
}

/** What an effect does, and what would have followed. */
const POINT_WORDS: Readonly<Record<Failpoint, readonly [done: string, next: string]>> = {
  'journal.append': ['the entry was journaled', 'its acknowledgement was acted on'],
  'journal.claim': ['the claim was journaled', 'it was settled'],
  'journal.jobStarted': ['jobStarted was journaled', 'the group was joined'],
  'journal.markerMade': ['markerMade was journaled', 'the group was joined'],
  'journal.jobStopped': ['jobStopped was journaled', 'the process ended'],
  'journal.fileRequest': ['the request was filed', 'the operator was told'],
  'source.commitOffset': ['the group was told the offset', 'the pending files were committed'],
  'store.claimMarker': ['the marker was there', 'markerMade was journaled'],
  'store.writeWitness': ['the witness of the journal stood', 'the pending files were published'],
  'store.listWitnesses': ['the witnesses of the journal were listed', 'they were judged'],
  'store.removeWitnesses': ['older witnesses were removed', 'the next files were published'],
  'store.create': ['the temporary file was created', 'a record was written to it'],
  'store.write': ['bytes were written', 'they were made durable'],
  'store.persist': ['bytes were made durable', 'the checkpoint was journaled'],
  'store.closeForCommit': ['the file was closed', 'the checkpoint was journaled'],
  'store.resume': ['the file was taken over', 'the takeover was journaled'],
  'store.finish': ['the file was finished at its durable length', 'the takeover was journaled'],
  'store.commit': ['the file was published', 'partCommitted was journaled'],
  'store.commitAfterRecovery': ['the inherited file was published', 'partCommitted was journaled'],
  'store.discard': ['the temporary names were removed', 'that was journaled'],
};

export function pointWords(fault: {
  readonly point: Failpoint;
  readonly side: FailpointSide;
  readonly nth: number;
}): string {
  const { point, side, nth } = fault;
  const [done, next] = POINT_WORDS[point];
  const time = nth === 1 ? '' : `, the ${ordinal(nth)} time`;
  return side === 'before'
    ? `before ${point} took effect${time} (before ${done})`
    : `after ${point} took effect${time} (after ${done}, before ${next})`;
}
