/** Stories of a second topic: removed from the job, added place by place, deleted while it is read. */
import { pointsOf } from '../faults/drawing.ts';
import type { DrawContext } from '../faults/kind.ts';
import type { Fault } from '../schedule.ts';
import type { Story } from './stories.ts';

function deploys({ random, processes }: DrawContext, atMs: number, second: boolean): Fault[] {
  const gapMs = random.pick([0, 20, 200, 900]);
  return Array.from({ length: processes }, (_, process): Fault => {
    return { type: 'deploy', process, atMs: atMs + process * gapMs, second };
  });
}

/** Processes that take over partitions of a topic that is no longer named are struck, too. */
function crashes({ random, store, processes }: DrawContext): Fault[] {
  return Array.from({ length: random.below(4) }, (): Fault => {
    const point = random.pick(pointsOf(store));
    const side = random.pick(['before', 'after'] as const);
    const [process, life] = [random.below(processes), 1 + random.below(2)];
    return { type: 'crash', process, life, nth: 1 + random.below(3), point, side };
  });
}

const soon = ({ random }: DrawContext, atMs: number, withinMs: number): number =>
  atMs + random.below(withinMs + 1);

export const TOPIC_STORIES: readonly Story[] = [
  {
    // Removed from the job between two lives, and perhaps named again.
    name: 'topic dropped',
    weight: 2,
    tell(context, atMs) {
      const { random, processes } = context;
      const killed = Array.from({ length: processes }, (_, process): Fault => {
        return { type: 'kill', process, atMs: soon(context, atMs, 30) };
      });
      return {
        faults: [
          ...deploys(context, atMs, false),
          ...(random.percent(50) ? killed : []),
          ...crashes(context),
          ...(random.percent(40) ? deploys(context, atMs + 1_000 + random.below(2_000), true) : []),
        ],
        config: { restartMs: random.pick([10, 100]) },
        second: 1,
      };
    },
  },
  {
    // Some coordinators name it already, some not yet; the group changes hands meanwhile.
    name: 'rolling deploy that adds a topic',
    weight: 2,
    tell(context, atMs) {
      const { random, processes } = context;
      return {
        faults: [
          ...deploys(context, 0, false),
          ...deploys(context, atMs, true),
          { type: 'rebalance', atMs: soon(context, atMs, 1_000) },
          { type: 'kill', process: random.below(processes), atMs: soon(context, atMs, 1_500) },
          ...crashes(context),
        ],
        config: { restartMs: random.pick([10, 100]) },
        second: 1,
      };
    },
  },
  {
    // Deleted during reading; its reader may be asleep, or its replies lost.
    name: 'topic deleted',
    weight: 2,
    isHarm: true,
    tell(context, atMs) {
      const { random, processes } = context;
      const others: readonly Fault[] = [
        { type: 'mute', atMs: soon(context, atMs, 100), forMs: 500 },
        { type: 'rebalance', atMs: soon(context, atMs, 800) },
        { type: 'freeze', process: random.below(processes), atMs: soon(context, atMs, 200), forMs: 2_500 },
        { type: 'kill', process: random.below(processes), atMs: soon(context, atMs, 2_000) },
      ];
      return {
        faults: [
          { type: 'deleteTopic', atMs: 200 + atMs },
          ...others.filter(() => random.percent(50)),
          ...crashes(context),
        ],
        second: 1,
      };
    },
  },
];
