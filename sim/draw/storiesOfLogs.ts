/**
 * Stories of logs that are cut: while they are read, while no process is up, between two lives; and how
 * operators respond.
 */
import type { DrawContext } from '../faults/kind.ts';
import { pointsOf } from '../faults/drawing.ts';
import type { Fault } from '../schedule.ts';
import type { Story } from './stories.ts';

/** By then stops are logged and requests are applied. */
const ANSWERED_MS = [900, 1_600, 2_600, 4_000] as const;

interface CutOf {
  readonly partition: number;
  readonly atMs: number;
}

function cut({ random }: DrawContext, { partition, atMs }: CutOf): Extract<Fault, { type: 'logTruncated' }> {
  return {
    ...{ type: 'logTruncated', partition, atMs, batches: random.pick([1, 2, 3, 5]) },
    ...{ grown: random.pick([0, 4, 12, 24]), unseen: random.percent(25) },
  };
}

/** Elects another leader a few times, so that the records read are of several leader epochs. */
function elections({ random }: DrawContext, { partition, atMs }: CutOf, most: number): Fault[] {
  return Array.from({ length: random.below(most + 1) }, (): Fault => {
    return { type: 'election', partition, atMs: random.below(atMs + 1) };
  });
}

/** Perhaps wrong at first, and right in the end. */
function answers({ random }: DrawContext, { partition, atMs }: CutOf): Fault[] {
  return ANSWERED_MS.filter((_, index) => index > 0 || random.percent(60)).map((afterMs, index): Fault => {
    const asks =
      index === 0 ? random.pick(['acceptTruncation', 'resume', 'acceptLoss'] as const) : 'acceptTruncation';
    const skew = index === 0 ? random.pick([0, 1, -1]) : 0;
    return { type: 'request', partition, atMs: atMs + afterMs + random.below(300), asks, skew };
  });
}

function crashes({ random, store, processes }: DrawContext, count: number): Fault[] {
  return Array.from({ length: count }, (): Fault => {
    const point = random.pick(pointsOf(store));
    const side = random.pick(['before', 'after'] as const);
    const [process, life] = [random.below(processes), random.below(3)];
    return { type: 'crash', process, life, nth: 1 + random.below(3), point, side };
  });
}

function kills({ random, processes }: DrawContext, atMs: number): Fault[] {
  return Array.from({ length: processes }, (_, process): Fault => {
    return { type: 'kill', process, atMs: atMs + random.below(40) };
  });
}

const later = ({ random }: DrawContext, atMs: number, withinMs: number): number =>
  atMs + random.below(withinMs + 1);

/** A story of one partition's log; the partition is drawn first. */
function storyOfLog(
  name: string,
  weight: number,
  tell: (context: DrawContext, at: CutOf) => ReturnType<Story['tell']>,
): Story {
  const ofPartition: Story['tell'] = (context, atMs) =>
    tell(context, { partition: context.random.below(context.partitions), atMs });
  return { name, weight, isHarm: true, tell: ofPartition };
}

/** Processes that die restart soon. */
const restarting = ({ random }: DrawContext, restartsMs: readonly number[]) => ({
  restartMs: random.pick(restartsMs),
  dismissesDeadMember: true,
});

export const LOG_STORIES: readonly Story[] = [
  // A checkpoint takes effect but its reply is lost; the log is cut, and the partition changes hands.
  storyOfLog('cut at an unheard checkpoint', 4, (context, at) => {
    const { random } = context;
    const { partition, atMs } = at;
    const forMs = random.pick([300, 700]);
    return {
      faults: [
        ...elections(context, at, 2),
        { type: 'mute', atMs, forMs },
        cut(context, { partition, atMs: later(context, atMs, forMs) }),
        { type: 'rebalance', atMs: later(context, atMs, forMs) },
        ...(random.percent(60) ? answers(context, { partition, atMs: atMs + forMs }) : []),
      ],
      config: { checkpointIntervalMs: random.pick([50, 100]) },
    };
  }),
  // The log is cut and grows again while no process is up.
  storyOfLog('cut between two lives', 4, (context, at) => {
    const { random } = context;
    const { partition, atMs } = at;
    return {
      faults: [
        ...elections(context, at, 2),
        ...kills(context, atMs),
        cut(context, { partition, atMs: later(context, atMs + 40, 300) }),
        ...(random.percent(60) ? answers(context, { partition, atMs: atMs + 1_000 }) : []),
      ],
      config: restarting(context, [100, 500]),
    };
  }),
  // Operators answer, rightly and wrongly, and the process that applies the answer dies.
  storyOfLog('answers to a cut, and crashes', 4, (context, at) => {
    const { random } = context;
    const { atMs } = at;
    return {
      faults: [
        cut(context, at),
        ...answers(context, at),
        ...crashes(context, 1 + random.below(4)),
        { type: 'kill', process: random.below(context.processes), atMs: later(context, atMs + 500, 2_000) },
      ],
      config: restarting(context, [10, 100]),
    };
  }),
  // It is cut again: before an answer, while an answer is applied, or after reading has continued.
  storyOfLog('cut again', 3, (context, at) => {
    const { random } = context;
    const { partition, atMs } = at;
    return {
      faults: [
        ...elections(context, at, 3),
        cut(context, at),
        cut(context, { partition, atMs: later(context, atMs, 3_500) }),
        ...answers(context, at),
        ...answers(context, { partition, atMs: atMs + 3_500 }),
        ...(random.percent(40) ? kills(context, later(context, atMs, 3_500)) : []),
      ],
      config: restarting(context, [10, 100]),
    };
  }),
  // Several leaders in a row, then an old one without their records, but with records that nobody has seen.
  storyOfLog('an old leader comes back', 4, (context, at) => {
    const { random } = context;
    const { partition, atMs } = at;
    const leaders = Array.from({ length: 2 + random.below(3) }, (): Fault => {
      return { type: 'election', partition, atMs: Math.max(0, atMs - random.below(500)) };
    });
    // If no process is up, only the journal knows what was read.
    const isUp = random.percent(40);
    return {
      faults: [
        ...leaders,
        ...(isUp ? [] : kills(context, atMs)),
        {
          ...cut(context, { partition, atMs: isUp ? atMs : later(context, atMs + 40, 60) }),
          ...{ batches: random.pick([2, 3, 4, 5]), unseen: true },
        },
        ...answers(context, at),
      ],
      config: { ...restarting(context, [100, 500]), checkpointIntervalMs: random.pick([50, 100]) },
    };
  }),
  // An answer moves reading past what was read; the log is cut, and grows, before more is read.
  storyOfLog('cut after an answer that jumps', 3, (context, at) => {
    const { random } = context;
    const { partition, atMs } = at;
    const expires = random.percent(30);
    const answeredMs = atMs + 1_000;
    return {
      faults: [
        expires
          ? { type: 'expire', partition, atMs, keep: random.below(2) }
          : { type: 'journalBack', atMs, entries: 1 + random.below(8), running: random.percent(20) },
        { type: 'answer', atMs: answeredMs, forMs: 25_000, from: 'witness', acceptLoss: true },
        ...[400, 1_300, 2_400].map((afterMs): Fault => {
          return { type: 'request', partition, atMs: atMs + afterMs, asks: 'acceptLoss', skew: 0 };
        }),
        {
          ...cut(context, { partition, atMs: later(context, answeredMs, 3_000) }),
          ...{ grown: random.pick([12, 24]) },
        },
        ...answers(context, { partition, atMs: answeredMs + 3_000 }),
      ],
      config: { ...restarting(context, [10, 100]), faultsUntilMs: 45_000 },
    };
  }),
];
