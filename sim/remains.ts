/**
 * What a run of the world has left, for those who look at it in the end, as a command that only reads would.
 */
import type { NamingRule } from '../actors/naming.ts';
import type { Ports } from '../src/job/context.ts';
import type { Recorder } from './recorder.ts';
import type { SimKafka } from './simKafka.ts';

/** Longest time that a look takes. */
export const EXAMINED_MS = 600_000;

export interface Remains extends Pick<Ports, 'journal' | 'store' | 'source'> {
  /** Of the configuration that the schedule began with. */
  readonly naming: NamingRule;
  /** What the group has committed, by partition number. */
  readonly committed: (partition: number) => { readonly offset: bigint; readonly metadata: string } | null;
  /** Files that readers or operators have moved away. */
  readonly takenUris: ReadonlySet<string>;
}

export type Examine = (remains: Remains) => Promise<void>;

export interface Examining {
  readonly isDone: boolean;
  /** Rejects as the look did. */
  readonly end: Promise<void>;
}

export function examined(
  examine: Examine,
  { journal, store, source }: Ports,
  left: {
    readonly naming: NamingRule;
    readonly recorder: Recorder;
    readonly group: Pick<SimKafka['group'], 'committed'>;
  },
): Examining {
  const { naming, recorder, group } = left;
  const taken = recorder.visible.filter(({ type }) => type === 'taken' || type === 'putAway');
  const takenUris = new Set(taken.map(({ uri }) => uri));
  const examining = { isDone: false, end: Promise.resolve() };
  examining.end = examine({
    ...{ journal, store, source, naming, takenUris },
    committed: (partition) => group.committed(partition),
  }).finally(() => {
    examining.isDone = true;
  });
  return examining;
}
