/**
 * Stories: a few faults that make rare things meet in one moment, with the settings that they need. Some of a schedule's faults are
 * drawn one by one and meet by chance; a story is what chance would take a million schedules to put together.
 */
import type { DrawContext } from '../faults/kind.ts';
import type { SeededRandom } from '../random.ts';
import type { Fault, Schedule, StoreKind, Workload, WorldConfig } from '../schedule.ts';
import type { DrawOptions } from './config.ts';
import { contextOf } from './schedule.ts';
import { CONFIG_STORIES } from './storiesOfConfigs.ts';
import { HARM_STORIES } from './storiesOfHarm.ts';
import { LOG_STORIES } from './storiesOfLogs.ts';
import { OWNER_STORIES } from './storiesOfOwners.ts';
import { STORE_STORIES } from './storiesOfStores.ts';
import { TOPIC_STORIES } from './storiesOfTopics.ts';

/** The settings of a job file stay as they are. */
export type StorySettings = Partial<
  Omit<WorldConfig, 'store' | 'roll' | 'buckets' | 'checkpointIntervalMs'>
> &
  Partial<Pick<WorldConfig, 'roll' | 'buckets' | 'checkpointIntervalMs'>>;

export interface Told {
  readonly faults: readonly Fault[];
  readonly config?: StorySettings;
  /** So many partitions are to be of a second topic. */
  readonly second?: number;
}

export interface Story {
  readonly name: string;
  readonly weight: number;
  /** Of what only one store has; absent: of all. */
  readonly stores?: readonly StoreKind[];
  readonly isHarm?: true;
  /** Its faults, around this moment. */
  tell(context: DrawContext, atMs: number): Told;
}

export const STORIES: readonly Story[] = [
  ...OWNER_STORIES,
  ...STORE_STORIES,
  ...HARM_STORIES,
  ...LOG_STORIES,
  ...TOPIC_STORIES,
  ...CONFIG_STORIES,
];

const FIRST_SHARE = 50;
const SECOND_SHARE = 25;
const HARM_SHARE = 25;
const AT_MS_MAX = 1_500;

/** Most schedules have none, some one, few two. */
export function drawStories(random: SeededRandom, schedule: Schedule, options: DrawOptions): Schedule {
  if (!random.percent(FIRST_SHARE)) return schedule;
  const one = withStory(random, schedule, options);
  return random.percent(SECOND_SHARE) ? withStory(random, one, options) : one;
}

export function withStory(random: SeededRandom, schedule: Schedule, options: DrawOptions): Schedule {
  const withHarm = random.percent(HARM_SHARE);
  const told = STORIES.filter(
    ({ isHarm = false, stores }) => isHarm === withHarm && (stores?.includes(options.store) ?? true),
  );
  const story = random.weighted(told, ({ weight }) => weight);
  // A story of several processes is told where there are as many.
  const peopled = {
    ...schedule,
    config: { ...schedule.config, processes: Math.max(2, schedule.config.processes) },
  };
  const {
    faults,
    config = {},
    second,
  } = story.tell(contextOf(peopled, random), 50 + random.below(AT_MS_MAX));
  const { roll: _, buckets: _buckets, checkpointIntervalMs: _interval, ...rest } = config;
  const settings = options.job === null ? config : rest;
  return {
    ...peopled,
    config: { ...peopled.config, ...settings },
    workload: second === undefined ? peopled.workload : withSecond(peopled.workload, second),
    faults: [...schedule.faults, ...faults],
  };
}

/** A partition that has the same records, where there is one only. */
function withSecond(workload: Workload, second: number): Workload {
  const { partitions } = workload;
  return {
    ...workload,
    second,
    partitions: partitions.length > 1 ? partitions : [...partitions, ...partitions],
  };
}
