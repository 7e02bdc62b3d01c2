/** Checks a process whose job file contradicts the journal: it ends, says so, and has written nothing. */
import { isRefused } from '../job/change.ts';
import type { Violation } from '../schedule.ts';
import { IS_NOT_REFUSED, violation, type Facts } from './facts.ts';

export function isRefusedLife(lives: Facts['lives'], process: string): boolean {
  return lives.some((life) => life.process === process && isRefused(life.change));
}

export function refusalViolations(trace: Facts): Violation[] {
  return [...takenNonetheless(trace), ...notRefused(trace)];
}

function takenNonetheless({ lives, claimants }: Facts): Violation[] {
  const writers = new Set(Object.values(claimants));
  return lives.flatMap(({ process, change }) => {
    if (!isRefused(change) || !writers.has(process)) return [];
    return [violation('P6', `${process} wrote to the journal, though its sink is not the journaled one`)];
  });
}

function notRefused({ happenings }: Facts): Violation[] {
  return happenings.flatMap(({ process, atMs, what }) =>
    what === IS_NOT_REFUSED
      ? [violation('P6', `${process} still runs at ${atMs} ms, though its sink is not the journaled one`)]
      : [],
  );
}
