/** Stories of owners that come and go: nothing is lost permanently, everything must become committed. */
import type { Failpoint } from '../../src/system/failpoints.ts';
import { isReachable, RECOVERY_POINTS, SIDES } from '../faults/drawing.ts';
import type { DrawContext } from '../faults/kind.ts';
import type { Fault } from '../schedule.ts';
import type { Story } from './stories.ts';

/** Where an owner falls asleep to become a zombie: before it would change files or the journal. */
const ZOMBIE_POINTS: readonly Failpoint[] = [
  ...(['store.create', 'store.write', 'store.persist', 'store.closeForCommit'] as const),
  ...(['store.commit', 'journal.append', 'store.finish', 'store.resume'] as const),
];
/** What an owner passes that takes over from it. */
const TAKEOVER_POINTS: readonly Failpoint[] = [...RECOVERY_POINTS, 'journal.claim', 'journal.append'];
const SLEEPS_MS = [2_500, 4_000, 5_000] as const;

function pointFor({ random, store }: DrawContext, points: readonly Failpoint[]): Failpoint {
  return random.pick(points.filter((point) => isReachable(point, store)));
}

/** A sleep at one of the points: of the process itself, or between the parts of a call. */
function sleep(context: DrawContext, points: readonly Failpoint[], process: number): Fault {
  const { random } = context;
  const where = { process, life: 0, nth: random.pick([1, 1, 2, 3]) };
  if (random.percent(33)) {
    const point = pointFor(
      context,
      points.filter((one) => one.startsWith('store.')),
    );
    return { type: 'store', ...where, point, fault: 'asleep' };
  }
  const point = pointFor(context, points);
  return { type: 'pause', ...where, point, side: random.pick(SIDES), forMs: random.pick(SLEEPS_MS) };
}

function crashAt(context: DrawContext, points: readonly Failpoint[], process: number, life = 0): Fault {
  const { random } = context;
  const point = pointFor(context, points);
  return { type: 'crash', process, life, nth: random.pick([1, 1, 2]), point, side: random.pick(SIDES) };
}

const twoOf = ({ random, processes }: DrawContext): readonly [number, number] => {
  const first = random.below(processes);
  return [first, (first + 1) % processes];
};

/** Some milliseconds later. */
const soon = ({ random }: DrawContext, atMs: number, withinMs: number): number =>
  atMs + random.below(withinMs + 1);

export const OWNER_STORIES: readonly Story[] = [
  {
    // An owner falls asleep in the middle of its work. Its successor is struck, too, and may still be taking
    // over when it wakes.
    name: 'zombie',
    weight: 5,
    tell(context) {
      const [one, other] = twoOf(context);
      const heir = context.random.percent(33)
        ? crashAt(context, TAKEOVER_POINTS, other)
        : sleep(context, TAKEOVER_POINTS, other);
      return { faults: [sleep(context, ZOMBIE_POINTS, one), heir] };
    },
  },
  {
    // A checkpoint takes effect but its reply is lost; at that moment the partition moves to another owner.
    name: 'unheard checkpoint',
    weight: 5,
    tell(context, atMs) {
      const { random } = context;
      const forMs = random.pick([400, 800, 1_500]);
      const rebalances = [20, 60, 200].map((withinMs): Fault => {
        return { type: 'rebalance', atMs: soon(context, atMs + 40, forMs - withinMs) };
      });
      const faults: Fault[] = [{ type: 'mute', atMs, forMs }, ...rebalances.slice(random.below(3))];
      const isAwayToo = random.percent(40);
      if (isAwayToo) faults.push({ type: 'away', service: 'journal', atMs: atMs + forMs - 1, forMs: 1_000 });
      return { faults, config: { checkpointIntervalMs: random.pick([50, 100]) } };
    },
  },
  {
    // The group rebalances repeatedly while an owner is still releasing.
    name: 'to and fro',
    weight: 4,
    tell(context, atMs) {
      const { random } = context;
      const gapMs = random.pick([10, 40, 120, 700]);
      const times = Array.from({ length: 3 + random.below(4) }, (_, index) => atMs + index * gapMs);
      const slow: Fault[] = [0, 1].map((process) => ({
        ...{ type: 'store', process, life: 0, nth: 1 + random.below(3) },
        point: random.pick(['store.persist', 'store.write', 'store.commit'] as const),
        fault: random.pick(['slow', 'lostReply', 'refused'] as const),
      }));
      return { faults: [...times.map((time): Fault => ({ type: 'rebalance', atMs: time })), ...slow] };
    },
  },
  {
    // Several claim at once, with reads that miss the newest entries, while the state that they take over
    // changes.
    name: 'race for a claim',
    weight: 3,
    tell(context, atMs) {
      const { random } = context;
      const [one, other] = twoOf(context);
      const reads = [one, other].map((process): Fault => {
        const nth = 2 + random.below(6);
        return {
          type: 'journal',
          process,
          life: 0,
          nth,
          fault: { type: 'staleRead', entries: 1 + random.below(3) },
        };
      });
      return {
        faults: [
          ...{ [Symbol.iterator]: () => reads[Symbol.iterator]() },
          { type: 'freeze', process: one, atMs, forMs: random.pick([1_700, 2_500]) },
          { type: 'rebalance', atMs: soon(context, atMs + 1_500, 900) },
          crashAt(context, TAKEOVER_POINTS, other),
        ],
      };
    },
  },
  {
    // The power fails at the moment of a publication, and an owner that was asleep does not know.
    name: 'power cut at a publication',
    weight: 3,
    tell(context) {
      const { random } = context;
      const [one, other] = twoOf(context);
      const point = random.pick(['store.commit', 'store.commitAfterRecovery', 'store.discard'] as const);
      const cut: Fault = {
        ...{ type: 'store', process: one, life: random.below(2), nth: 1 + random.below(4) },
        ...{ point, fault: 'powerCut' },
      };
      return {
        faults: [cut, sleep(context, ZOMBIE_POINTS, other), crashAt(context, TAKEOVER_POINTS, one, 1)],
      };
    },
  },
  {
    // Services are away one after the other, for longer than anything is retried.
    name: 'away, then away',
    weight: 2,
    tell(context, atMs) {
      const { random } = context;
      const order = random.pick([
        ['store', 'kafka', 'journal'],
        ['kafka', 'journal', 'store'],
        ['journal', 'store', 'kafka'],
      ] as const);
      const forMs = random.pick([400, 1_000, 2_500]);
      const faults = order.map((service, index): Fault => {
        return { type: 'away', service, atMs: atMs + Math.floor((index * forMs * 3) / 4), forMs };
      });
      return { faults };
    },
  },
  {
    // Operators file requests while the partition has no owner, is being taken over, or is being released.
    name: 'requests during a takeover',
    weight: 2,
    tell(context, atMs) {
      const { random } = context;
      const partition = random.below(context.partitions);
      const asked = Array.from({ length: 2 + random.below(3) }, (): Fault => {
        const when = soon(context, atMs, 1_500);
        if (random.percent(50)) return { type: 'roll', partition, atMs: when };
        const asks = random.pick(['resume', 'acceptLoss', 'garbage'] as const);
        return { type: 'request', partition, atMs: when, asks, skew: random.below(2) };
      });
      const [one] = twoOf(context);
      return { faults: [{ type: 'kill', process: one, atMs: soon(context, atMs, 300) }, ...asked] };
    },
  },
  {
    // The recovering process dies again, at every step of its recovery.
    name: 'recovery of a recovery',
    weight: 3,
    tell(context, atMs) {
      const [one, other] = twoOf(context);
      const deaths = [1, 2, 3].map((life) => crashAt(context, TAKEOVER_POINTS, one, life));
      return {
        faults: [{ type: 'kill', process: one, atMs }, ...deaths, crashAt(context, RECOVERY_POINTS, other)],
        config: { restartMs: 10, dismissesDeadMember: true },
      };
    },
  },
  {
    // A call of the store is given up, and arrives after the same process has claimed the partition again.
    name: 'late calls of one process',
    weight: 3,
    tell(context) {
      const { random } = context;
      const process = random.below(context.processes);
      const late = Array.from({ length: 3 }, (): Fault => {
        const point = random.pick([
          'store.write',
          'store.persist',
          'store.closeForCommit',
          'store.commit',
        ] as const);
        return { type: 'store', process, life: 0, nth: 1 + random.below(5), point, fault: 'late' };
      });
      return { faults: late, config: { timeoutMs: 300, latencyMsMax: 20 } };
    },
  },
  {
    // An fsync fails, and soon the power fails: what the system dropped is lost, whatever later calls
    // returned.
    name: 'failed fsync, then no power',
    weight: 3,
    stores: ['file'],
    tell(context, atMs) {
      const { random } = context;
      const failed = [0, 1].map((process): Fault => {
        const nth = 1 + random.below(4);
        return { type: 'store', process, life: 0, nth, point: 'store.persist', fault: 'lostRequest' };
      });
      return { faults: [...failed, { type: 'powerCut', atMs: soon(context, atMs, 600) }] };
    },
  },
];
