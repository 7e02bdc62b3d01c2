/** Permanent losses by faults change what is right: which stops, and which records are still to come. */
import type { Harm } from '../faults/kind.ts';
import type { PartitionView } from './journalView.ts';

/** Whether a stop with this code is right after these faults; `partition` null: of any partition. */
export function isRightStop(harms: readonly Harm[], code: string | null, partition: number | null): boolean {
  return harms.some(
    (harm) =>
      harm.codes.some((right) => right === code) &&
      (partition === null || harm.partition === null || harm.partition === partition),
  );
}

/** Whether the record is no longer expected: it is before the job's start, or an operator gave it up. */
export function isGivenUp({ losses }: Pick<PartitionView, 'losses'>, offset: number): boolean {
  return losses.some(({ fromOffset, toOffset }) => fromOffset <= offset && offset < toOffset);
}
