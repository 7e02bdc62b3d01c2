/**
 * Named points before and after every effect (store call, journal append, offset commit), so that crash points can be driven
 * from outside. A test derives its cases from this list; one that is never hit fails it.
 */
export const FAILPOINTS = [
  'journal.append',
  'journal.claim',
  'journal.jobStarted',
  'journal.jobStopped',
  'journal.fileRequest',
  'source.commitOffset',
  'store.claimMarker',
  'store.create',
  'store.write',
  'store.persist',
  'store.closeForCommit',
  'store.recover',
  'store.finish',
  'store.commit',
  'store.commitAfterRecovery',
  'store.discard',
] as const;

export type Failpoint = (typeof FAILPOINTS)[number];
export type FailpointSide = 'before' | 'after';

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
