/** When files of a world are closed: how it is written, drawn and said. */
import { z } from 'zod';
import { formatNoun } from '../../src/telemetry/format.ts';
import { randomFor, type SeededRandom } from '../random.ts';
import { many } from '../wholeNumber.ts';

export interface Roll {
  readonly maxBytes: number;
  /** Absent: any number. */
  readonly maxRecords?: number | undefined;
  readonly maxAgeMs: number;
  readonly maxIdleMs: number;
  /** Closes every file at every checkpoint. */
  readonly atCheckpoint: boolean;
}

export const rollSchema: z.ZodType<Roll> = z.strictObject({
  ...{ maxBytes: many, maxRecords: many.optional() },
  ...{ maxAgeMs: many, maxIdleMs: many, atCheckpoint: z.boolean() },
});

export function rollWords(roll: Roll): string {
  const { maxBytes, maxRecords, maxAgeMs, maxIdleMs, atCheckpoint } = roll;
  const records = maxRecords === undefined ? '' : `, with ${formatNoun(maxRecords, 'record')}`;
  const words = `roll at ${maxBytes} B${records}, after ${maxAgeMs} ms, when idle for ${maxIdleMs} ms`;
  return atCheckpoint ? `${words}, and at every checkpoint` : words;
}

export function drawRoll(random: SeededRandom): Roll {
  return {
    maxBytes: random.pick([1_000, 60, 24, 8]),
    maxAgeMs: random.pick([800, 300, 2_000]),
    maxIdleMs: random.pick([400, 150]),
    atCheckpoint: random.percent(25),
  };
}

/** In percent: of drawn rolls. */
const COUNTED_SHARE = 25;

/** Perhaps with a limit of records; drawn from all else, so that nothing else is drawn otherwise. */
export function withRecordLimit<Config extends { readonly roll?: Roll | undefined }>(config: Config): Config {
  const random = randomFor(`records ${JSON.stringify(config)}`);
  if (config.roll === undefined || !random.percent(COUNTED_SHARE)) return config;
  return { ...config, roll: { ...config.roll, maxRecords: random.pick([1, 2, 3, 5, 12]) } };
}
