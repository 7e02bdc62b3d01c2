/** What the end of a source's records, by an error, means for its partition. */
import { hasCode, TidemarkError } from '../../journal/errors.ts';
import { partitionName, type TopicPartition } from '../../journal/ids.ts';
import type { FetchedBatch } from '../sources/port.ts';

/** What was read before these is made to count, so that what is lost or in doubt begins at nextOffset. */
export function isOfSource(error: unknown): error is TidemarkError {
  return hasCode(
    error,
    'SOURCE_RANGE_LOST',
    'SOURCE_BEYOND_END',
    'SOURCE_TRUNCATED',
    'KAFKA_BATCH_CORRUPT',
    'KAFKA_BATCH_TOO_LARGE',
  );
}

/**
 * The error with its offsets from `nextOffset` on: a source counts from a batch, before which offsets may be empty, and a loss can only
 * be accepted from nextOffset.
 */
export function fromNextOffset(error: unknown, nextOffset: bigint): unknown {
  if (!hasCode(error, 'KAFKA_BATCH_CORRUPT', 'KAFKA_BATCH_TOO_LARGE')) return error;
  const { code, message, fields, cause } = error;
  if (fields['fromOffset'] === nextOffset) return error;
  return new TidemarkError(code, message, { fields: { ...fields, fromOffset: nextOffset }, cause });
}

/** A source never leaves anything out. */
export function checkNoGap(
  partition: TopicPartition,
  nextOffset: bigint,
  { fetchedOffset }: FetchedBatch,
): void {
  if (fetchedOffset <= nextOffset) return;
  const message = `${partitionName(partition)}: the source skipped from ${nextOffset} to ${fetchedOffset}.`;
  throw new TidemarkError('INTERNAL', message);
}
