/**
 * The story of damaged files. It is drawn from what else was drawn of a schedule, so that all others are
 * drawn as ever.
 */
import { drawDamage } from '../faults/damage.ts';
import { isHarm } from '../faults/registry.ts';
import type { DrawContext } from '../faults/kind.ts';
import { randomFor, type SeededRandom } from '../random.ts';
import type { Fault, Schedule, Workload } from '../schedule.ts';
import type { Story } from './stories.ts';

/** In percent: of schedules without any other harm. */
const SHARE = 5;
const AT_MS_MAX = 1_500;
/** In percent: with logs that are not compacted. Others cannot be repaired. */
const WHOLE_SHARE = 85;

/** Files are in progress for long, and hold records of many batches. */
const LONG_ROLL = { maxBytes: 1_000, maxAgeMs: 4_000, maxIdleMs: 4_000, atCheckpoint: false };

export const DAMAGE_STORY: Story = {
  // All processes die, unpublished files are damaged, and an operator has their records read again.
  // Meanwhile processes die, and files are damaged again.
  name: 'damaged files repaired',
  weight: 0,
  isHarm: true,
  tell(context, atMs) {
    const { random, processes } = context;
    const damagedAtMs = 200 + atMs;
    const first = drawDamage(context, damagedAtMs);
    const again = random.percent(30)
      ? [{ ...drawDamage(context, damagedAtMs + 2_000 + random.below(6_000)), partition: first.partition }]
      : [];
    const kills = Array.from({ length: random.below(4) }, (): Fault => {
      return {
        ...{ type: 'kill', process: random.below(processes) },
        atMs: damagedAtMs + 2_500 + random.below(6_000),
      };
    });
    return {
      faults: [first, ...again, ...kills],
      config: {
        ...{ restartMs: random.pick([10, 100]), faultsUntilMs: 45_000 },
        snapshotEntries: random.pick([1_000, 2, 3]),
        ...(random.percent(60) ? { roll: LONG_ROLL } : {}),
      },
    };
  },
};

export function withDamage(
  schedule: Schedule,
  keepsJob: boolean,
  contextOf: (schedule: Schedule, random: SeededRandom) => DrawContext,
): Schedule {
  const random = randomFor(`damage ${JSON.stringify(schedule)}`);
  if (!random.percent(SHARE) || schedule.faults.some(({ type }) => isHarm(type))) return schedule;
  const { faults, config = {} } = DAMAGE_STORY.tell(
    contextOf(schedule, random),
    50 + random.below(AT_MS_MAX),
  );
  const { roll: _, ...rest } = config;
  return {
    ...schedule,
    config: { ...schedule.config, ...(keepsJob ? rest : config) },
    workload: random.percent(WHOLE_SHARE) ? withoutHoles(schedule.workload) : schedule.workload,
    faults: [...schedule.faults, ...faults],
  };
}

function withoutHoles(workload: Workload): Workload {
  return {
    ...workload,
    partitions: workload.partitions.map((items) => items.filter(({ type }) => type !== 'hole')),
  };
}
