/** What ends a stop of a partition: an operator's answers. */
import type { JournalEvent } from '../../journal/events.ts';

const ANSWERS: readonly string[] = [
  'resumeRequested',
  'lossAccepted',
  'logTruncationAccepted',
  'witnessAnswered',
  'partitionRewound',
];

export const isAnswer = ({ type }: Pick<JournalEvent, 'type'>): boolean => ANSWERS.includes(type);
