/**
 * Drawn faults, swarm style: each schedule first draws which kinds there may be at all, so that a kind that hides another one
 * does not do so in every schedule.
 */
import fc from 'fast-check';
import { FAILPOINTS, type Failpoint, type FailpointSide } from '../../failpoints.ts';
import type { Fault, JournalFault, StoreFault, StoreKind } from '../schedule.ts';
import { PARTITIONS_MAX } from './workload.ts';

const PLACES = 4;
/** The place of commands that operators run. */
const OPERATOR = 4;
const DRAWN_MAX = 20;
/** Shorter than anything, longer than a time-out, longer than a session, longer than a session and its aftermath. */
const PAUSES_MS = [50, 400, 2_500, 5_000] as const;
const AWAY_MS = [100, 1_000, 4_000] as const;
/** Most of what a workload asks for is done by then; recoveries go on behind it. */
const STRIKES_UNTIL_MS = 2_500;

/** Passed by recoveries, and by few processes: drawn twice as often. */
const RECOVERY_POINTS: readonly Failpoint[] = [
  'store.recover',
  'store.finish',
  'store.commitAfterRecovery',
  'store.discard',
];

/** Where an owner falls asleep that is to become a zombie: at what it would still do to files and journal. */
const ZOMBIE_POINTS: readonly Failpoint[] = [
  ...(['store.create', 'store.write', 'store.persist', 'store.closeForCommit'] as const),
  ...(['store.commit', 'journal.append', 'store.finish', 'store.recover'] as const),
];
/** What those pass who take over from it. */
const TAKEOVER_POINTS: readonly Failpoint[] = [...RECOVERY_POINTS, 'journal.claim', 'journal.append'];

/** Faults that wait for the number of processes and of partitions. */
export type DrawnFaults = (counts: Counts) => readonly Fault[];

interface Counts {
  readonly processes: number;
  readonly partitions: number;
}

export function faultsArbitrary(store: StoreKind): fc.Arbitrary<DrawnFaults> {
  const kinds = faultKinds(store);
  return fc
    .record({
      drawn: fc.array(fc.oneof(...Object.values(kinds)), { maxLength: DRAWN_MAX, size: 'max' }),
      enabled: fc.subarray(Object.keys(kinds), { minLength: 3 }),
    })
    .map(({ drawn, enabled }) => {
      const faults = drawn.filter(({ kind }) => enabled.includes(kind)).flatMap((one) => one.faults);
      return (counts) => faults.map((fault) => inPlace(fault, counts));
    });
}

/** A fault of a process that there is, or of a place that another may join. */
function inPlace(fault: Fault, { processes, partitions }: Counts): Fault {
  if ('partition' in fault) return { ...fault, partition: fault.partition % partitions };
  if (!('process' in fault)) return fault;
  if ('point' in fault && fault.point === 'journal.fileRequest') return { ...fault, process: OPERATOR };
  const places = 'atMs' in fault ? Math.min(PLACES, processes + 1) : processes;
  return { ...fault, process: fault.process % places };
}

/** Whether processes pass the point with a store of this kind: a fault there would never take place. */
function isReachable(point: Failpoint, store: StoreKind): boolean {
  return point !== (store === 'oss-hdfs' ? 'store.finish' : 'store.recover');
}

/** What is drawn at once: a fault, or several that make one story. */
interface Drawn {
  readonly kind: string;
  readonly faults: readonly Fault[];
}

interface Kind {
  readonly weight: number;
  readonly arbitrary: fc.Arbitrary<Drawn>;
}

function faultKinds(store: StoreKind): Readonly<Record<Fault['type'] | 'zombie', Kind>> {
  const reachable = FAILPOINTS.filter((point) => isReachable(point, store));
  const points = [...reachable, ...reachable.filter((point) => RECOVERY_POINTS.includes(point))];
  const storePoints = points.filter((point) => point.startsWith('store.'));
  const nth = {
    process: fc.nat(PLACES - 1),
    life: fc.constantFrom(0, 0, 0, 0, 1, 1, 2),
    nth: fc.constantFrom(1, 1, 1, 2, 2, 3, 4, 6),
  };
  const point = { ...nth, point: fc.constantFrom(...points), side };
  const time = { process: fc.nat(PLACES - 1), atMs: fc.nat(STRIKES_UNTIL_MS) };
  const pauseMs = fc.constantFrom(...PAUSES_MS);
  return {
    crash: kind(12, 'crash', point),
    pause: kind(10, 'pause', { ...point, forMs: pauseMs }),
    kill: kind(2, 'kill', time),
    freeze: kind(3, 'freeze', { ...time, forMs: pauseMs }),
    journal: kind(6, 'journal', { ...nth, fault: journalFault }),
    store: kind(10, 'store', {
      ...nth,
      point: fc.constantFrom(...storePoints),
      fault: fc.constantFrom(...storeFaults(store)),
    }),
    offsetCommit: kind(1, 'offsetCommit', { ...nth, fault: fc.constantFrom('lostRequest', 'lostReply') }),
    join: kind(1, 'join', time),
    leave: kind(1, 'leave', time),
    roll: kind(1, 'roll', { partition: fc.nat(PARTITIONS_MAX - 1), atMs: time.atMs }),
    rebalance: kind(2, 'rebalance', { atMs: time.atMs }),
    away: kind(2, 'away', {
      service: fc.constantFrom('journal', 'kafka', 'store'),
      atMs: time.atMs,
      forMs: fc.constantFrom(...AWAY_MS),
    }),
    powerCut: kind(1, 'powerCut', { atMs: time.atMs }),
    zombie: { weight: 6, arbitrary: zombie(store) },
  };
}

/** An owner falls asleep in the middle of its work; whoever takes over is struck, too, and may still be at it when the sleeper wakes. */
function zombie(store: StoreKind): fc.Arbitrary<Drawn> {
  const strike = (all: readonly Failpoint[]): fc.Arbitrary<Struck> => {
    const points = all.filter((point) => isReachable(point, store));
    const nth = fc.constantFrom(1, 1, 2, 3);
    const between = points.filter((point) => point.startsWith('store.'));
    return fc.oneof(
      { weight: 2, arbitrary: fc.record({ ...pausing, nth, point: fc.constantFrom(...points) }) },
      fc.record({
        type: fc.constant('store'),
        nth,
        point: fc.constantFrom(...between),
        fault: fc.constant('asleep'),
      }),
    );
  };
  const crash = fc.record({
    ...crashing,
    nth: fc.constantFrom(1, 1, 2),
    point: fc.constantFrom(...TAKEOVER_POINTS),
  });
  return fc
    .record({
      process: fc.nat(PLACES - 1),
      sleeper: strike(ZOMBIE_POINTS),
      heir: fc.oneof(crash, strike(TAKEOVER_POINTS)),
    })
    .map(({ process, sleeper, heir }) => {
      const faults: readonly Fault[] = [
        { process, life: 0, ...sleeper },
        { process: process + 1, life: 0, ...heir },
      ];
      return { kind: 'zombie', faults };
    });
}

type WithoutPlace<T> = T extends Fault ? Omit<T, 'process' | 'life'> : never;
type Struck = WithoutPlace<Extract<Fault, { readonly type: 'crash' | 'pause' | 'store' }>>;

const side: fc.Arbitrary<FailpointSide> = fc.constantFrom('before', 'after');
const crashing = { type: fc.constant('crash'), side } as const;
const pausing = { type: fc.constant('pause'), side, forMs: fc.constantFrom(2_500, 4_000, 5_000) } as const;

type Fields<T> = { readonly [K in keyof Omit<T, 'type'>]: fc.Arbitrary<T[K & keyof T]> };

function kind<T extends Fault['type']>(
  weight: number,
  type: T,
  fields: Fields<Fault & { readonly type: T }>,
): Kind {
  const own: object = fields;
  const arbitrary = fc.record(own as Record<string, fc.Arbitrary<unknown>>);
  return {
    weight,
    arbitrary: arbitrary.map((rest) => ({ kind: type, faults: [{ type, ...rest } as unknown as Fault] })),
  };
}

const journalFault: fc.Arbitrary<JournalFault> = fc.oneof(
  fc.record({ type: fc.constantFrom('lostReply', 'lostRequest', 'late', 'refused') }),
  fc.record({ type: fc.constantFrom('staleRead', 'brokenRead'), entries: fc.nat(3) }),
  fc.record({ type: fc.constantFrom('lostSnapshot', 'staleSnapshot', 'damagedSnapshot') }),
);

const ANY_STORE_FAULTS = ['lostReply', 'lostRequest', 'late', 'slow', 'refused', 'asleep'] as const;

/** Only a disk of one's own loses with the power what it was not told to keep. */
function storeFaults(store: StoreKind): readonly StoreFault[] {
  return [
    ...ANY_STORE_FAULTS,
    ...(store === 'file' ? (['powerCut', 'powerCut', 'powerCut'] as const) : ['powerCut' as const]),
  ];
}
