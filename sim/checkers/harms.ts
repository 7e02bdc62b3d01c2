/** What faults took away for good changes what is right: which stops, and which records are still to come. */
import type { Harm } from '../faults/kind.ts';
import type { PartitionView } from './journalView.ts';

/** Whether a stop with this code is right after what happened; `partition` null: whichever it is of. */
export function isRightStop(harms: readonly Harm[], code: string | null, partition: number | null): boolean {
  return harms.some(
    (harm) =>
      harm.codes.some((right) => right === code) &&
      (partition === null || harm.partition === null || harm.partition === partition),
  );
}

/** Whether nobody waits for the record any more: before the job's start, or given up by an operator. */
export function isGivenUp({ losses }: Pick<PartitionView, 'losses'>, offset: number): boolean {
  return losses.some(({ fromOffset, toOffset }) => fromOffset <= offset && offset < toOffset);
}
