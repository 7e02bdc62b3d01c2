/** A single wrong change to the protocol, as a patch of the sources. */
import type { StoreKind } from '../../sim/schedule.ts';

export interface Patch {
  /** Path from the top of the checkout. */
  readonly file: string;
  /** Stands exactly once in the file: a patch that no longer applies fails its test. */
  readonly find: string;
  readonly replace: string;
}

export interface Mutation {
  /** What goes wrong, in words. */
  readonly name: string;
  /** The world in which it is looked for. */
  readonly store: StoreKind;
  /** Of the drawn schedules, where another finds it sooner than the usual one. */
  readonly seed?: number;
  /** The run in which it was caught when it was written down; absent where that was never noted. */
  readonly foundAt?: number;
  /** A file of test/mutation/schedules: drawn schedules seldom come to what this one shows. */
  readonly schedule?: string;
  /** Several where one change needs a hand in several files. */
  readonly patches: readonly Patch[];
}

export function patch(file: string, find: string, replace: string): Patch {
  return { file, find, replace };
}
