/**
 * What becomes of records without a value, and of bad ones. The same for as long as a world lives, so that
 * which of its records have to be in files follows from the record alone.
 */
import { z } from 'zod';
import type { Tombstones } from '../../src/formats/format.ts';
import { randomFor } from '../random.ts';

export interface RecordsRule {
  /** Records without a value. */
  readonly tombstones: Tombstones;
  /** Bad records go to a file of their own, or to none. */
  readonly bad: (typeof BAD)[number];
}

const TOMBSTONES = ['skip', 'keep', 'bad'] as const satisfies readonly Tombstones[];
const BAD = ['file', 'skip'] as const;

export const PLAIN_RECORDS: RecordsRule = { tombstones: 'skip', bad: 'file' };

export const recordsSchema: z.ZodType<RecordsRule> = z.strictObject({
  tombstones: z.enum(TOMBSTONES),
  bad: z.enum(BAD),
});

/** In percent. */
const PLAIN_SHARE = 85;

/** Drawn from what else was drawn, so that nothing else is drawn otherwise for it. */
export function recordsFor(drawn: unknown): RecordsRule {
  const random = randomFor(`records ${JSON.stringify(drawn)}`);
  if (random.percent(PLAIN_SHARE)) return PLAIN_RECORDS;
  return { tombstones: random.pick(TOMBSTONES), bad: random.pick(BAD) };
}

export function recordsWords({ tombstones, bad }: RecordsRule): string {
  const without = { skip: 'left out', keep: 'kept', bad: 'bad' }[tombstones];
  return (
    `records without a value are ${without}, bad ones ` +
    (bad === 'skip' ? 'skipped' : 'in files of their own')
  );
}

const BAD_EVERY = 4;

/** Offsets of records that are bad where a format has bad ones. */
export const isBadOffset = (offset: number): boolean => offset % BAD_EVERY === 1;

/** Whether a complete run has the record in a file. Where bad ones are skipped, every format has bad ones. */
export function isInFiles({ tombstones, bad }: RecordsRule, offset: number, hasValue: boolean): boolean {
  if (!hasValue && tombstones !== 'keep') return tombstones === 'bad' && bad === 'file';
  return bad === 'file' || !isBadOffset(offset);
}
