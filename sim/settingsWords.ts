/** Settings in words: of a whole schedule, and of one change of a job file. */
import { formatNoun } from '../src/telemetry/format.ts';
import type { WorldConfig } from './schedule.ts';

export function rollWords(roll: WorldConfig['roll']): string {
  const { maxBytes, maxRecords, maxAgeMs, maxIdleMs, atCheckpoint } = roll;
  const records = maxRecords === undefined ? '' : `, with ${formatNoun(maxRecords, 'record')}`;
  const words = `roll at ${maxBytes} B${records}, after ${maxAgeMs} ms, when idle for ${maxIdleMs} ms`;
  return atCheckpoint ? `${words}, and at every checkpoint` : words;
}

export function bucketWords(buckets: WorldConfig['buckets']): string {
  return buckets.by === 'none'
    ? 'no buckets'
    : `buckets by ${buckets.by} ${buckets.pattern} ${buckets.timezone}`;
}
