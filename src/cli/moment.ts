/** Moments of a journal on the command line. */
import { TidemarkError } from '../../journal/errors.ts';
import type { Moment } from '../audit/replayJob.ts';

/** A time such as `2026-11-29T12:00:00Z`, or the number of an entry. Throws USAGE. */
export function parseMoment(option: string, text: string): Moment {
  if (/^\d{1,15}$/.test(text)) return { type: 'entry', seq: Number(text) };
  const ms = Date.parse(text);
  if (!Number.isNaN(ms)) return { type: 'time', iso: new Date(ms).toISOString() };
  throw new TidemarkError(
    'USAGE',
    `${option} ${text}: is neither a time such as 2026-11-29T12:00:00Z nor the number of an entry`,
  );
}
