import { expect, it } from 'vitest';
import type { PartitionEvent } from '../../../journal/events.ts';
import { LiveStates } from '../../../src/audit/liveStates.ts';

type Type = PartitionEvent['type'];

/** The events that no owner can have journaled, each as `entry:event`. */
function illegalIn(entries: readonly (readonly Type[])[]): string[] {
  const live = new LiveStates();
  let isStopped = false;
  return entries.flatMap((types, entry) => {
    live.entryBegins();
    return types.flatMap((type) => {
      const isLegal = live.take(type, isStopped);
      isStopped = type === 'partitionStopped' || (isStopped && !ANSWERS.includes(type));
      return isLegal ? [] : [`${entry}:${type}`];
    });
  });
}

const ANSWERS: readonly Type[] = [
  ...(['lossAccepted', 'logTruncationAccepted', 'witnessAnswered', 'partitionRewound'] as const),
];
const STOPPED: readonly (readonly Type[])[] = [['epochClaimed'], ['partitionStopped']];

it.each(ANSWERS)('%s may be journaled with a checkpoint that says where it jumped to', (answer) => {
  expect(illegalIn([...STOPPED, [answer, 'checkpointCompleted'], ['epochClaimed']])).toEqual([]);
});

it.each(ANSWERS)('behind the entry of %s nobody completes a checkpoint without a claim', (answer) => {
  expect(illegalIn([...STOPPED, [answer], ['checkpointCompleted']])).toEqual(['3:checkpointCompleted']);
});

it('only an answer for a journal that went back moves files in its own entry', () => {
  expect(illegalIn([...STOPPED, ['witnessAnswered', 'partMoved', 'checkpointCompleted']])).toEqual([]);
  expect(illegalIn([...STOPPED, ['lossAccepted', 'partMoved']])).toEqual(['2:partMoved']);
});
