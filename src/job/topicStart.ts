/** Where a topic begins that the journal does not know, and when it is left out for now. Pure. */
import { isSourceFailure, type SourceFailure } from '../sources/failure.ts';
import type { StartFrom, TopicFacts } from '../sources/port.ts';

/**
 * After the job's first start, offsets of the job file are for the topics and partitions that it lists. All
 * others begin at their first record, and so does a topic that a pattern finds then: it is new.
 */
export function startOf(
  startFrom: StartFrom,
  { topic, isMatched = false }: TopicFacts,
  isFirst: boolean,
): StartFrom {
  if (isFirst) return startFrom;
  if (startFrom.type !== 'offsets') return isMatched ? { type: 'earliest' } : startFrom;
  const isListed = Object.hasOwn(startFrom.offsets, topic);
  return isListed ? { ...startFrom, unlisted: 'earliest' } : { type: 'earliest' };
}

/**
 * Whether a topic without start offsets is left out, so that the others are read: it was found by a pattern,
 * and is gone or has no leaders; or the job file's offsets do not fit it, after the first start.
 */
export function isLeftOut(
  error: unknown,
  { isMatched = false }: TopicFacts,
  isFirst: boolean,
): error is SourceFailure {
  if (isSourceFailure(error, 'startInvalid')) return !isFirst;
  return isMatched && isSourceFailure(error, 'topicMissing', 'unavailable');
}
