/** Settings in words: of a whole schedule, and of one change of a job file. */
import type { WorldConfig } from './schedule.ts';

export function rollWords({ maxBytes, maxAgeMs, maxIdleMs, atCheckpoint }: WorldConfig['roll']): string {
  const words = `roll at ${maxBytes} B, after ${maxAgeMs} ms, when idle for ${maxIdleMs} ms`;
  return atCheckpoint ? `${words}, and at every checkpoint` : words;
}

export function bucketWords(buckets: WorldConfig['buckets']): string {
  return buckets.by === 'none'
    ? 'no buckets'
    : `buckets by ${buckets.by} ${buckets.pattern} ${buckets.timezone}`;
}
