/** Stories in which something is lost permanently: a stop is right then, and operators respond to it. */
import type { DrawContext } from '../faults/kind.ts';
import type { Fault } from '../schedule.ts';
import type { Story } from './stories.ts';

/** Snapshots would hide the changed entry. */
const NO_SNAPSHOTS = { snapshotEntries: 100_000 } as const;

function kills({ random, processes }: DrawContext, fromMs: number, count: number): Fault[] {
  return Array.from({ length: count }, (_, index): Fault => {
    return { type: 'kill', process: random.below(processes), atMs: fromMs + index * 700 + random.below(300) };
  });
}

export const HARM_STORIES: readonly Story[] = [
  {
    // An older copy of the journal is restored. All processes start on it, die, and start again, so that it
    // grows again.
    name: 'journal restored',
    weight: 4,
    isHarm: true,
    tell(context, atMs) {
      const { random } = context;
      const entries = 1 + random.below(8);
      return {
        faults: [
          { type: 'journalBack', atMs: 400 + atMs, entries, running: false },
          ...kills(context, atMs + 900, 1 + random.below(5)),
        ],
        config: { restartMs: random.pick([10, 100]), snapshotEntries: random.pick([1_000, 2, 3]) },
      };
    },
  },
  {
    // An older copy is restored, an operator answers, and processes die while they apply the answer.
    name: 'restored journal answered',
    weight: 4,
    isHarm: true,
    stores: ['file', 'oss-hdfs'],
    tell(context, atMs) {
      const { random } = context;
      const backAtMs = 300 + atMs;
      const from = random.pick(['journal', 'journal', 'witness'] as const);
      return {
        faults: [
          { type: 'journalBack', atMs: backAtMs, entries: 1 + random.below(10), running: random.percent(20) },
          { type: 'answer', atMs: backAtMs + 9_000, forMs: 25_000, from, acceptLoss: random.percent(65) },
          ...kills(context, backAtMs + 10_000, random.below(4)),
        ],
        config: {
          restartMs: random.pick([10, 100]),
          snapshotEntries: random.pick([1_000, 2, 3]),
          faultsUntilMs: 45_000,
        },
      };
    },
  },
  {
    // The journal loses its newest entries while owners write to it.
    name: 'journal loses its end',
    weight: 2,
    isHarm: true,
    tell(context, atMs) {
      const entries = 1 + context.random.below(4);
      return { faults: [{ type: 'journalBack', atMs: 300 + atMs, entries, running: true }] };
    },
  },
  {
    // An entry in the middle is changed, and a process must replay it.
    name: 'journal damaged',
    weight: 3,
    isHarm: true,
    tell(context, atMs) {
      const partition = context.random.below(context.partitions);
      return {
        faults: [
          { type: 'journalDamage', partition, atMs: atMs + 200 },
          ...kills(context, atMs + 3_300, 3),
          { type: 'rebalance', atMs: atMs + 5_500 },
        ],
        config: NO_SNAPSHOTS,
      };
    },
  },
  {
    // Another topic takes the name while nobody answers whether it is the same.
    name: 'replaced while nobody answers',
    weight: 4,
    isHarm: true,
    tell(context, atMs) {
      const { random, processes } = context;
      const from = 1 + random.below(3);
      const questions = Array.from({ length: 12 }, (_, index) => from + index);
      const silent = Array.from({ length: processes }, (_, process) =>
        questions.map((nth): Fault => ({ type: 'identity', process, life: 0, nth })),
      ).flat();
      return {
        faults: [{ type: 'replaceTopic', atMs: 300 + atMs, cluster: random.percent(40) }, ...silent],
      };
    },
  },
  {
    // Processes that start from now on reach another cluster.
    name: 'another cluster',
    weight: 2,
    isHarm: true,
    tell(context, atMs) {
      return {
        faults: [
          { type: 'replaceTopic', atMs: 300 + atMs, cluster: true },
          ...Array.from({ length: context.processes }, (_, process): Fault => {
            return { type: 'kill', process, atMs: 302 + atMs };
          }),
        ],
        config: { restartMs: 10 },
      };
    },
  },
  {
    // Retention overtakes a job that was held up. Operators accept the loss, wrongly at first, and others
    // claim meanwhile.
    name: 'loss accepted',
    weight: 5,
    isHarm: true,
    tell(context, atMs) {
      const { random } = context;
      const partition = random.below(context.partitions);
      const heldMs = 500 + random.below(600);
      const skew = random.pick([1, 2, -1]);
      const requests = [
        { asks: 'acceptLoss', skew, afterMs: 700 },
        { asks: random.pick(['resume', 'garbage', 'acceptLoss'] as const), skew: 1, afterMs: 1_900 },
        { asks: 'acceptLoss', skew: 0, afterMs: 4_500 },
        { asks: 'acceptLoss', skew: 0, afterMs: 9_000 },
      ] as const;
      return {
        faults: [
          { type: 'away', service: 'kafka', atMs, forMs: heldMs },
          { type: 'expire', partition, atMs: atMs + heldMs - 10, keep: random.below(3) },
          ...kills(context, atMs + heldMs + 800, random.below(3)),
          ...requests.map(({ afterMs, ...request }): Fault => {
            return { type: 'request', partition, atMs: atMs + heldMs + afterMs, ...request };
          }),
        ],
      };
    },
  },
];
