/**
 * Stories: a few faults that make rare events coincide, with the settings that they need. Faults that are
 * drawn one by one meet by chance; a story combines what chance would need a million schedules for.
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
import { DAMAGE_STORY, withDamage } from './storyOfDamage.ts';

/** The settings of a job file stay unchanged. */
export type StorySettings = Partial<
  Omit<WorldConfig, 'store' | 'roll' | 'buckets' | 'checkpointIntervalMs'>
> &
  Partial<Pick<WorldConfig, 'roll' | 'buckets' | 'checkpointIntervalMs'>>;

export interface Told {
  readonly faults: readonly Fault[];
  readonly config?: StorySettings;
  /** That many partitions must be of a second topic. */
  readonly second?: number;
}

export interface Story {
  readonly name: string;
  readonly weight: number;
  /** Only with these stores; absent: with all. */
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
  DAMAGE_STORY,
];

const FIRST_SHARE = 50;
const SECOND_SHARE = 25;
const HARM_SHARE = 25;
const AT_MS_MAX = 1_500;

/** Most schedules have none, some one, few two. */
export function drawStories(random: SeededRandom, schedule: Schedule, options: DrawOptions): Schedule {
  return withDamage(drawOthers(random, schedule, options), options.job !== null, contextOf);
}

function drawOthers(random: SeededRandom, schedule: Schedule, options: DrawOptions): Schedule {
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
  // A story of several processes needs that many.
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

/** Adds a partition with the same records if there is only one. */
function withSecond(workload: Workload, second: number): Workload {
  const { partitions } = workload;
  return {
    ...workload,
    second,
    partitions: partitions.length > 1 ? partitions : [...partitions, ...partitions],
  };
}
