/** A schedule as a line of JSON: a failure prints it, and `--schedule` reads it. */
import { z } from 'zod';
import { TidemarkError } from '../journal/errors.ts';
import { counted } from './faults/drawing.ts';
import { PLACES_MAX } from './faults/kind.ts';
import { faultSchema } from './faults/registry.ts';
import type { LogItem, Schedule, WorldConfig } from './schedule.ts';
import { bucketsSchema } from './job/buckets.ts';
import { contentSchema } from './job/content.ts';
import { recordsSchema } from './job/records.ts';
import { rollSchema } from './job/roll.ts';
import { many } from './wholeNumber.ts';

const PROBLEMS_SHOWN = 5;

const time = z.number().int().min(-8.64e15).max(9.1e15);

const configSchema: z.ZodType<WorldConfig> = z.strictObject({
  store: z.enum(['file', 'oss', 'oss-hdfs']),
  processes: z.number().int().min(1).max(PLACES_MAX),
  checkpointIntervalMs: many,
  roll: rollSchema,
  buckets: bucketsSchema,
  content: contentSchema.optional(),
  records: recordsSchema.optional(),
  entropy: z.boolean(),
  wallStartMs: time,
  latencyMsMax: counted,
  timeoutMs: many,
  sessionMs: many,
  heartbeatMs: many,
  restartMs: counted,
  dismissesDeadMember: z.boolean(),
  entryBytesMax: many,
  readBatchEntries: many,
  snapshotEntries: many,
  fetchBatchesMax: many,
  openFilesMax: many.nullable(),
  memoryBytes: many.nullable(),
  faultsUntilMs: counted,
});

const shape = {
  records: z.number().int().min(1).max(10_000),
  nullEvery: counted,
  timestampMs: time,
  stepMs: z.number().int().min(0).max(1e12),
};

const itemSchema: z.ZodType<LogItem> = z.union([
  z.strictObject({ type: z.literal('records'), atMs: counted, ...shape }),
  z.strictObject({
    ...{ type: z.literal('transaction'), atMs: counted, endsAtMs: counted, committed: z.boolean() },
    ...shape,
  }),
  z.strictObject({ type: z.literal('hole'), atMs: counted, offsets: z.number().int().min(1).max(10_000) }),
]);

const scheduleSchema: z.ZodType<Schedule> = z.strictObject({
  seed: z
    .number()
    .int()
    .min(0)
    .max(2 ** 32),
  config: configSchema,
  workload: z.strictObject({
    topic: z.string().min(1),
    partitions: z.array(z.array(itemSchema)).min(1).max(16),
    second: z.number().int().min(0).max(16).optional(),
  }),
  faults: z.array(faultSchema).max(1_000),
});

export function scheduleText(schedule: Schedule): string {
  return JSON.stringify(schedule);
}

/** Rejects an invalid schedule with USAGE, and names what is wrong with it; `where` is the file's name. */
export function parseSchedule(text: string, where: string): Schedule {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (cause) {
    throw new TidemarkError(
      'USAGE',
      `--schedule ${where}: is no JSON. Give the line that a report printed.`,
      {
        cause,
      },
    );
  }
  const parsed = scheduleSchema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues
    .slice(0, PROBLEMS_SHOWN)
    .map(({ path, message }) => `${path.join('.') || 'it'}: ${message}`);
  throw new TidemarkError(
    'USAGE',
    `--schedule ${where}: is no schedule of this version of Tidemark: ${problems.join('; ')}`,
  );
}
