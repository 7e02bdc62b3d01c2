/** What a failure of the source means for its partition. */
import { TidemarkError } from '../../journal/errors.ts';
import { partitionName, type TopicPartition } from '../../journal/ids.ts';
import { journaledProblem, SourceFailure, type SourceProblem } from '../sources/failure.ts';
import type { FetchedBatch } from '../sources/port.ts';

/**
 * - `lost`: the source has lost the offsets; an operator may accept that.
 * - `unreadable`: it has the offsets, but they cannot be read; an operator may give them up.
 * - `wentBack`: it ends before what was read, or holds other records there.
 * - `gone`: what was read does not exist any more.
 * - `away`: it does not answer now.
 * - `other`: it says nothing about offsets.
 */
type Meaning = 'lost' | 'unreadable' | 'wentBack' | 'gone' | 'away' | 'other';

function meaningOf(problem: SourceProblem): Meaning {
  switch (problem) {
    case 'rangeLost':
      return 'lost';
    case 'batchCorrupt':
    case 'batchTooLarge':
    case 'recordBad':
      return 'unreadable';
    case 'beyondEnd':
    case 'truncated':
      return 'wentBack';
    case 'deleted':
      return 'gone';
    case 'unavailable':
      return 'away';
    case 'refused':
    case 'instanceFenced':
    case 'topicMissing':
    case 'startInvalid':
    case 'unreadable':
    case 'replaced':
      return 'other';
  }
}

function means(error: unknown, ...meanings: Meaning[]): error is SourceFailure {
  return error instanceof SourceFailure && meanings.includes(meaningOf(error.problem));
}

/** What was read before these is checkpointed, so that the loss or doubt begins at nextOffset. */
export function isAtNextOffset(error: unknown): error is SourceFailure {
  return means(error, 'lost', 'unreadable', 'wentBack');
}

/** Whether the same question may be answered later. */
export function isSourceAway(error: unknown): error is SourceFailure {
  return means(error, 'away');
}

/** Whether the log no longer holds what was read, or ends before it. */
export function isLogCut(error: unknown): error is SourceFailure {
  return means(error, 'wentBack');
}

/** Whether nothing is left to read: what was counted is published, and the partition is retired. */
export function isSourceGone(error: unknown): error is SourceFailure {
  return means(error, 'gone');
}

/**
 * Whether the journaled code is of a stop whose offsets an operator may give up. No other stop needs that.
 */
export function isCodeOfLoss(code: string): boolean {
  const problem = journaledProblem(code);
  return problem !== null && ['lost', 'unreadable'].includes(meaningOf(problem));
}

/**
 * The error with its offsets from `nextOffset` on. A source counts from a batch, and the offsets before it
 * may be empty; but a loss can only be accepted from nextOffset.
 */
export function fromNextOffset(error: unknown, nextOffset: bigint): unknown {
  if (!means(error, 'unreadable') || error.affected.fromOffset === nextOffset) return error;
  const { problem, message, fields, affected, cause } = error;
  return new SourceFailure(problem, message, {
    ...{ fields, affected: { ...affected, fromOffset: nextOffset }, cause },
  });
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
