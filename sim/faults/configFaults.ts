/**
 * The job file of a place is edited between two lives of its process, while others may run with the old one.
 */
import { bucketsSchema, bucketWords, drawBuckets } from '../job/buckets.ts';
import { contentFor, contentSchema, contentWords, PLAIN_CONTENT } from '../job/content.ts';
import { z } from 'zod';
import { INTERVALS_MS, MEMORY_BYTES, OPEN_FILES_MAX } from '../draw/config.ts';
import { isRefused, type JobChange } from '../job/change.ts';
import type { SeededRandom } from '../random.ts';
import { drawRoll, rollSchema, rollWords, withRecordLimit } from '../job/roll.ts';
import { many } from '../wholeNumber.ts';
import { counted, drawPlace, drawTimeMs, placed } from './drawing.ts';
import type { KindsOf } from './kind.ts';

const HOWS = ['drained', 'killed', 'edited'] as const;
const SINKS = ['another', 'entropy'] as const;
/** In percent: of changes that contradict the journal. */
const REFUSED_SHARE = 12;
const SETTINGS_MAX = 3;
/** A process that has drained starts again, and is refused. Nobody fixes its job file before this time. */
const REFUSED_MS = 3_000;

const changeSchema: z.ZodType<JobChange> = z.strictObject({
  checkpointIntervalMs: many.optional(),
  roll: rollSchema.optional(),
  buckets: bucketsSchema.optional(),
  content: contentSchema.optional(),
  openFilesMax: many.nullable().optional(),
  memoryBytes: many.nullable().optional(),
  prefix: z.string().min(1).max(32).optional(),
  suffix: z.string().max(32).optional(),
  entropyLength: z.number().int().min(1).max(16).optional(),
  sink: z.enum(SINKS).optional(),
});

/** One setting of those that a process accepts. */
const SETTINGS: readonly ((random: SeededRandom) => JobChange)[] = [
  drawNames,
  drawNames,
  (random) => ({ checkpointIntervalMs: random.pick(INTERVALS_MS) }),
  (random) => ({ roll: drawRoll(random) }),
  (random) => ({ buckets: drawBuckets(random) }),
  (random) => ({ openFilesMax: random.pick(OPEN_FILES_MAX) }),
  (random) => ({ memoryBytes: random.pick(MEMORY_BYTES) }),
  (random) => ({ entropyLength: random.pick([2, 6] as const) }),
];

function drawNames(random: SeededRandom): JobChange {
  const prefix = random.pick(['data', 'part-2', 'numbers'] as const);
  const suffix = random.pick(['.txt', '.ndjson'] as const);
  return random.pick([{ prefix }, { suffix }, { prefix, suffix }]);
}

/** A change of the job file that every process accepts. */
export function drawAllowedChange(random: SeededRandom): JobChange {
  const settings = Array.from({ length: 1 + random.below(SETTINGS_MAX) }, () =>
    random.pick(SETTINGS)(random),
  );
  const change = Object.assign({}, ...settings) as JobChange;
  const content = contentFor(change);
  return withRecordLimit(content === PLAIN_CONTENT ? change : { ...change, content });
}

export function drawRefusedChange(random: SeededRandom): JobChange {
  return { sink: random.pick(SINKS) };
}

function drawChange(random: SeededRandom): JobChange {
  return random.percent(REFUSED_SHARE) ? drawRefusedChange(random) : drawAllowedChange(random);
}

export const CONFIG_FAULTS: KindsOf<'reconfigure'> = {
  reconfigure: {
    weight: 3,
    schema: z.strictObject({
      ...{ type: z.literal('reconfigure'), process: placed, atMs: counted },
      ...{ how: z.enum(HOWS), change: changeSchema },
    }),
    draw: (context) => ({
      ...{ type: 'reconfigure', process: drawPlace(context), atMs: drawTimeMs(context) },
      ...{ how: context.random.pick(HOWS), change: drawChange(context.random) },
    }),
    words: ({ process, atMs, how, change }) =>
      `at ${atMs} ms the job file of place ${process} is edited (${changeWords(change)}); ${HOW_WORDS[how]}`,
    strike({ process, how, change }, world) {
      world.configure(process, change);
      if (isRefused(change)) world.lasts(world.nowMs + REFUSED_MS);
      if (how === 'edited') return;
      if (how === 'killed') world.processAt(process)?.kill();
      world.restart(process);
    },
  },
};

const HOW_WORDS: Readonly<Record<(typeof HOWS)[number], string>> = {
  drained: 'its process drains, and starts again',
  killed: 'its process is killed, and starts again',
  edited: 'the next process goes by it',
};

function changeWords(change: JobChange): string {
  const { checkpointIntervalMs, roll, buckets, content, openFilesMax, memoryBytes } = change;
  const { prefix, suffix, entropyLength, sink } = change;
  const words = [
    ...(sink === 'another' ? ['another sink: to be refused'] : []),
    ...(sink === 'entropy' ? ['entropy on or off: another sink, to be refused'] : []),
    ...(checkpointIntervalMs === undefined ? [] : [`checkpoint every ${checkpointIntervalMs} ms`]),
    ...(roll === undefined ? [] : [rollWords(roll)]),
    ...(buckets === undefined ? [] : [bucketWords(buckets)]),
    ...(content === undefined ? [] : [contentWords(content)]),
    ...(openFilesMax === undefined ? [] : [`${openFilesMax ?? 'any number of'} open files`]),
    ...(memoryBytes === undefined
      ? []
      : [`memory ${memoryBytes === null ? 'without limit' : `${memoryBytes} B`}`]),
    ...(prefix === undefined ? [] : [`prefix "${prefix}"`]),
    ...(suffix === undefined ? [] : [`suffix "${suffix}"`]),
    ...(entropyLength === undefined ? [] : [`${entropyLength} letters of entropy, where there is any`]),
  ];
  return words.length === 0 ? 'as it was at the begin' : words.join(', ');
}
