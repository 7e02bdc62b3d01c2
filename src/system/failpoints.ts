/**
 * Named points before and after every effect (store call, journal append, offset commit), so that crashes can
 * be caused from outside. A test derives its cases from this list. A point that is never hit fails it.
 */
import { TidemarkError } from '../../journal/errors.ts';

export const FAILPOINTS = [
  'journal.append',
  'journal.claim',
  'journal.jobStarted',
  'journal.markerMade',
  'journal.jobStopped',
  'journal.fileRequest',
  'source.commitOffset',
  'store.claimMarker',
  'store.writeWitness',
  'store.listWitnesses',
  'store.removeWitnesses',
  'store.create',
  'store.write',
  'store.persist',
  'store.closeForCommit',
  'store.resume',
  'store.finish',
  'store.commit',
  'store.commitAfterRecovery',
  'store.discard',
] as const;

export type Failpoint = (typeof FAILPOINTS)[number];
export type FailpointSide = 'before' | 'after';

export function isFailpoint(text: string): text is Failpoint {
  return FAILPOINTS.some((known) => known === text);
}

export interface Failpoints {
  /** May throw (a fault), never return (a crash), or wait (a pause). */
  hit(point: Failpoint, side: FailpointSide): Promise<void> | void;
}

export const noFailpoints: Failpoints = { hit: () => undefined };

/** Runs an effect between its two failpoints. */
export async function passing<T>(
  failpoints: Failpoints,
  point: Failpoint,
  effect: () => Promise<T>,
): Promise<T> {
  await failpoints.hit(point, 'before');
  const result = await effect();
  await failpoints.hit(point, 'after');
  return result;
}

/**
 * Parses `point:side:n` (the n-th hit, 1 by default), several separated by commas. Calls `crash` at each of
 * them; if it returns, the effect continues. Throws USAGE for a point that is not in the list, since a typo
 * would test nothing.
 */
export function parseFailpoints(text: string, crash: () => void): Failpoints {
  const due = new Map<string, number>();
  for (const item of text.split(',')) {
    const [point = '', side, nth = '1'] = item.trim().split(':');
    if (!isFailpoint(point) || (side !== 'before' && side !== 'after') || !/^[1-9]\d*$/.test(nth)) {
      throw new TidemarkError(
        'USAGE',
        `"${item}" is no failpoint; it is written point:before or point:after, then :n. ` +
          `Points: ${FAILPOINTS.join(', ')}.`,
      );
    }
    due.set(`${point}:${side}`, Number(nth));
  }
  const hits = new Map<string, number>();
  return {
    hit(point, side) {
      const key = `${point}:${side}`;
      const count = (hits.get(key) ?? 0) + 1;
      hits.set(key, count);
      if (due.get(key) === count) crash();
    },
  };
}
