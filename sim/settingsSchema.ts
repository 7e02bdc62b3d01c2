/** Settings as read from a file: of a whole schedule, and of one change of a job file. */
import { z } from 'zod';
import { ALL_LINES, CODECS, type ContentConfig } from './content.ts';
import type { WorldConfig } from './schedule.ts';

export const many = z.number().int().min(1).max(1_000_000_000);

export const rollSchema: z.ZodType<WorldConfig['roll']> = z.strictObject({
  ...{ maxBytes: many, maxRecords: many.optional() },
  ...{ maxAgeMs: many, maxIdleMs: many, atCheckpoint: z.boolean() },
});

export const contentSchema: z.ZodType<ContentConfig> = z.strictObject({
  lines: z.enum(ALL_LINES),
  codec: z.enum(CODECS),
});

export const bucketsSchema: z.ZodType<WorldConfig['buckets']> = z.union([
  z.strictObject({ by: z.literal('none') }),
  z.strictObject({ by: z.enum(['record-time', 'wall-clock']), pattern: z.string(), timezone: z.string() }),
]);
