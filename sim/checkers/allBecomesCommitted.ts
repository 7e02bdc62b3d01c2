/**
 * P5: after faults end, every record read becomes committed within its roll, one checkpoint interval and the
 * time of a commit.
 */
import { livenessBoundMs } from '../job/settings.ts';
import type { Violation, Workload } from '../schedule.ts';
import { DOES_NOT_END, everPublished, listed, violation, type Facts } from './facts.ts';

export function checkP5(trace: Facts): Violation[] {
  return [...lateness(trace), ...leftBehind(trace), ...endlessness(trace)];
}

function lateness(trace: Facts): Violation[] {
  const { schedule, healedAtMs, completeAtMs, leftovers, expected, endedAtMs, harms } = trace;
  const boundMs = livenessBoundMs(schedule, harms);
  const calmFromMs = Math.max(healedAtMs, lastRecordMs(schedule.workload));
  if (completeAtMs !== null && completeAtMs - calmFromMs <= boundMs) return [];
  const until =
    completeAtMs === null
      ? `by ${endedAtMs} ms not everything was committed and cleared away`
      : `only at ${completeAtMs} ms everything was committed`;
  const message =
    `the faults and the workload were over at ${calmFromMs} ms, ` + `${boundMs} ms may pass then; ${until}`;
  const published = everPublished(trace);
  const missing = expected.flatMap((records, partition) => {
    const offsets = records.filter(({ value }) => !published.has(value)).map(({ offset }) => offset);
    if (offsets.length === 0) return [];
    const what = `${message}: partition ${partition} lacks ${listed(offsets)}`;
    return [violation('P5', what, { partition, offsets, files: leftovers })];
  });
  return missing.length > 0 ? missing : [violation('P5', message, { files: leftovers })];
}

/** When the last record becomes visible. */
function lastRecordMs({ partitions }: Workload): number {
  return partitions.flat().reduce((last, item) => {
    return Math.max(last, item.atMs, item.type === 'transaction' ? item.endsAtMs : 0);
  }, 0);
}

/** Temporary files that arrived unnoticed: nobody will look for them again. */
function leftBehind({ completeAtMs, leftovers, harms }: Facts): Violation[] {
  if (completeAtMs === null || leftovers.length === 0 || harms.some(({ isMendable }) => isMendable !== true))
    return [];
  const message = `in the end temporary files lie at the destination: ${listed(leftovers)}`;
  return [violation('P5', message, { files: leftovers })];
}

function endlessness({ happenings }: Facts): Violation[] {
  const endless = happenings.find(({ what }) => what === DOES_NOT_END);
  if (endless === undefined) return [];
  return [violation('P5', `a process that was asked to stop had not ended by ${endless.atMs} ms`)];
}
