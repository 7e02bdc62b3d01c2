/** The times of a stretch in virtual milliseconds: proportions are kept, long waits are cut. */
import type { Stretch } from './stretch.ts';

/** Longer waits are cut: nothing happens in them except polling. */
const INTERVALS_MAX = 20;

export interface Intervals {
  /** Between two checkpoints: of the job, and of the world. */
  readonly realMs: number;
  readonly virtualMs: number;
}

/** The time of each entry, from 0 on. Clocks of writers may go back; these times never do. */
export function timesInWorld({ entries }: Stretch, { realMs, virtualMs }: Intervals): readonly number[] {
  let [nowMs, beforeMs] = [0, entries[0]?.atMs ?? 0];
  return entries.map(({ atMs }) => {
    const passedMs = Math.max(0, atMs - beforeMs) * (virtualMs / realMs);
    nowMs += Math.min(INTERVALS_MAX * virtualMs, passedMs);
    beforeMs = atMs;
    return Math.round(nowMs);
  });
}
