/** Stories of edited job files: a full or half rolling deploy, a revert, a contradiction to the journal. */
import { drawAllowedChange, drawRefusedChange } from '../faults/configFaults.ts';
import { pointsOf } from '../faults/drawing.ts';
import type { DrawContext } from '../faults/kind.ts';
import { NO_CHANGE, type JobChange } from '../job/change.ts';
import type { Fault } from '../schedule.ts';
import type { Story, StorySettings } from './stories.ts';

/** Place by place; some processes restart gracefully, some are killed. */
function rolledOut({ random, processes }: DrawContext, atMs: number, change: JobChange): Fault[] {
  const gapMs = random.pick([0, 20, 200, 900]);
  return Array.from({ length: processes }, (_, process): Fault => {
    const how = random.pick(['drained', 'killed'] as const);
    return { type: 'reconfigure', process, atMs: atMs + process * gapMs, how, change };
  });
}

/** Partitions change hands between processes with and without the change. */
function handovers({ random, processes }: DrawContext, atMs: number): Fault[] {
  return Array.from({ length: 1 + random.below(4) }, (): Fault => {
    const thenMs = atMs + random.below(2_000);
    return random.percent(50)
      ? { type: 'rebalance', atMs: thenMs }
      : { type: 'kill', process: random.below(processes), atMs: thenMs };
  });
}

/** Processes that take over files of another configuration are struck, too. */
function crashes({ random, store, processes }: DrawContext): Fault[] {
  return Array.from({ length: random.below(3) }, (): Fault => {
    const point = random.pick(pointsOf(store));
    const side = random.pick(['before', 'after'] as const);
    const [process, life] = [random.below(processes), 1 + random.below(2)];
    return { type: 'crash', process, life, nth: 1 + random.below(3), point, side };
  });
}

/** Most workloads end early: before that there are records for the next process to read. */
const early = (atMs: number): number => Math.floor(atMs / 2);

/** Files that are in progress when their process ends, and still young when the next one starts. */
function settings({ random }: DrawContext): StorySettings {
  const restartMs = random.pick([10, 100]);
  if (random.percent(30)) return { restartMs };
  const roll = { maxBytes: random.pick([1_000, 60]), maxAgeMs: 4_000, maxIdleMs: 1_500, atCheckpoint: false };
  return { restartMs, roll, dismissesDeadMember: true };
}

export const CONFIG_STORIES: readonly Story[] = [
  {
    name: 'rolling deploy of another job file',
    weight: 3,
    tell(context, atMs) {
      const { random } = context;
      const change = drawAllowedChange(random);
      const fromMs = early(atMs);
      // While some have files in progress by it.
      const next = random.percent(60) ? NO_CHANGE : drawAllowedChange(random);
      return {
        faults: [
          ...rolledOut(context, fromMs, change),
          ...handovers(context, fromMs),
          ...crashes(context),
          ...(random.percent(40) ? rolledOut(context, fromMs + 200 + random.below(1_000), next) : []),
        ],
        config: settings(context),
      };
    },
  },
  {
    // One place was forgotten: two configurations share the job permanently.
    name: 'half a deploy',
    weight: 2,
    tell(context, atMs) {
      const { random, processes } = context;
      const change = drawAllowedChange(random);
      const process = random.below(processes);
      const fromMs = early(atMs);
      const how = random.pick(['drained', 'killed', 'edited'] as const);
      return {
        faults: [
          { type: 'reconfigure', process, atMs: fromMs, how, change },
          ...handovers(context, fromMs),
          ...handovers(context, fromMs + 1_000),
          ...crashes(context),
        ],
        config: settings(context),
      };
    },
  },
  {
    // A typing error in the sink, in one place or in all, perhaps while a service is away; then it is
    // corrected.
    name: 'wrong sink',
    weight: 2,
    tell(context, atMs) {
      const { random, processes } = context;
      const change = drawRefusedChange(random);
      const service = random.pick(['journal', 'kafka', 'store'] as const);
      const backAtMs = atMs + 500 + random.below(2_000);
      const wrong = rolledOut(context, 200 + atMs, change);
      return {
        faults: [
          ...(random.percent(50) ? wrong : [random.pick(wrong)]),
          ...(random.percent(30) ? [{ type: 'away', service, atMs: 200 + atMs, forMs: 1_000 } as const] : []),
          ...handovers(context, 200 + atMs),
          ...(random.percent(50) ? rolledOut(context, backAtMs, NO_CHANGE) : []),
          { type: 'join', process: random.below(processes), atMs: backAtMs },
        ],
        config: { restartMs: random.pick([10, 100]) },
      };
    },
  },
  {
    // File names have changed since the copy of the journal that is restored; an operator answers.
    name: 'renamed, then restored',
    weight: 3,
    isHarm: true,
    stores: ['file', 'oss-hdfs'],
    tell(context, atMs) {
      const { random } = context;
      const backAtMs = 500 + atMs;
      const change = drawAllowedChange(random);
      const from = random.pick(['journal', 'journal', 'witness'] as const);
      return {
        faults: [
          ...rolledOut(context, backAtMs - 20 - random.below(300), { ...change, prefix: 'data' }),
          { type: 'journalBack', atMs: backAtMs, entries: 4 + random.below(16), running: false },
          { type: 'answer', atMs: backAtMs + 9_000, forMs: 25_000, from, acceptLoss: random.percent(65) },
        ],
        config: {
          restartMs: random.pick([10, 100]),
          snapshotEntries: random.pick([1_000, 2, 3]),
          faultsUntilMs: 45_000,
        },
      };
    },
  },
];
