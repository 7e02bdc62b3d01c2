/** What an error of the source means for its partition. */
import { hasCode, TidemarkError } from '../../journal/errors.ts';
import { partitionName, type TopicPartition } from '../../journal/ids.ts';
import type { FetchedBatch } from '../sources/port.ts';

/** What was read before these is checkpointed, so that the loss or doubt begins at nextOffset. */
export function isOfSource(error: unknown): error is TidemarkError {
  return hasCode(
    error,
    'SOURCE_RANGE_LOST',
    'SOURCE_BEYOND_END',
    'SOURCE_TRUNCATED',
    'SOURCE_BATCH_CORRUPT',
    'SOURCE_BATCH_TOO_LARGE',
  );
}

/**
 * The error with its offsets from `nextOffset` on. A source counts from a batch, and the offsets before it
 * may be empty; but a loss can only be accepted from nextOffset.
 */
export function fromNextOffset(error: unknown, nextOffset: bigint): unknown {
  if (!hasCode(error, 'SOURCE_BATCH_CORRUPT', 'SOURCE_BATCH_TOO_LARGE')) return error;
  const { code, message, fields, cause } = error;
  if (fields['fromOffset'] === nextOffset) return error;
  return new TidemarkError(code, message, { fields: { ...fields, fromOffset: nextOffset }, cause });
}

/** Throws INTERNAL if the source skipped offsets: a source never does. */
export function checkNoGap(
  partition: TopicPartition,
  nextOffset: bigint,
  { fetchedOffset }: FetchedBatch,
): void {
  if (fetchedOffset <= nextOffset) return;
  const message = `${partitionName(partition)}: the source skipped from ${nextOffset} to ${fetchedOffset}.`;
  throw new TidemarkError('INTERNAL', message);
}
