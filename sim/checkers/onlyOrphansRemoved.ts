/**
 * P8: what an operator's `orphans --delete` removes was needed by nobody; and when everything is committed,
 * one more of it leaves nothing temporary.
 */
import type { Violation } from '../schedule.ts';
import { listed, violation, type Facts } from './facts.ts';

export function checkP8(trace: Facts): Violation[] {
  return [...needed(trace), ...left(trace)];
}

function needed({ sweeps, harms }: Facts): Violation[] {
  return sweeps.swept.flatMap(({ atMs, begunAtMs, uri, part }) => {
    // What it had read of the journal was lost meanwhile.
    const wentBack = harms.some(
      ({ type, atMs: harmedAtMs }) => type === 'journalBack' && begunAtMs <= harmedAtMs && harmedAtMs <= atMs,
    );
    if (wentBack) return [];
    const why = whyNeeded(part);
    if (why === null) return [];
    const { partition = null, finalUri = uri } = part ?? {};
    return [
      violation('P8', `at ${atMs} ms an operator removed ${uri}, ${why}`, { partition, files: [finalUri] }),
    ];
  });
}

function whyNeeded(part: Facts['sweeps']['swept'][number]['part']): string | null {
  if (part === null) return 'which the journal does not hold';
  if (!part.hasEnded) return `which ${part.finalUri} may still need`;
  return part.isStopped ? `whose partition ${part.partition} is stopped` : null;
}

function left({ sweeps: { last }, harms }: Facts): Violation[] {
  if (last === null || harms.length > 0) return [];
  const { problem, left: names } = last;
  if (problem !== null) return [violation('P8', `in the end nobody could look for orphans: ${problem}`)];
  if (names.length === 0) return [];
  return [violation('P8', `an operator has left ${listed(names)}`, { files: names })];
}
