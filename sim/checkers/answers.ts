/** Checks that an operator's answer for a journal that went back does what it says, no more, and once. */
import type { Violation } from '../schedule.ts';
import { violation, type Facts } from './facts.ts';
import { readJournal } from './journalView.ts';

export function answerViolations(trace: Facts): Violation[] {
  return [...unacceptedLosses(trace), ...askedAgain(trace)];
}

/** Offsets are given up if the request says so. */
function unacceptedLosses({ journal }: Facts): Violation[] {
  const requests = new Map(
    journal.flatMap(({ subject, revision, text }) =>
      subject.includes('.request.') ? [[revision, text]] : [],
    ),
  );
  return [...readJournal(journal).values()].flatMap(({ partition, journalAnswers }) =>
    journalAnswers.flatMap(({ atMs, requestId, isLoss }) => {
      const request = requests.get(requestId);
      if (!isLoss || request === undefined || request.includes('"acceptLoss":true')) return [];
      const text =
        `partition ${partition}: offsets were given up at ${atMs} ms, and request ${requestId} ` +
        'does not accept a loss';
      return [violation('P6', text, { partition })];
    }),
  );
}

/**
 * An answer is final until the journal goes back again. A former owner's last witness may arrive later, and a
 * power cut may bring back witnesses that were removed.
 */
function askedAgain({ journal, harms, schedule }: Facts): Violation[] {
  const back = harms.flatMap(({ type, atMs }) => (type === 'journalBack' ? [atMs] : []));
  const cuts = schedule.faults.filter(({ type }) => type === 'powerCut').length;
  return [...readJournal(journal).values()].flatMap(({ partition, journalAnswers }) => {
    const sinceBack = journalAnswers.filter(({ atMs }) => atMs > (back.at(-1) ?? 0));
    if (sinceBack.length <= ANSWERS_MAX + cuts) return [];
    const times = sinceBack.map(({ atMs }) => `${atMs} ms`).join(', ');
    const text =
      `partition ${partition} was answered for again and again, though its journal went back no ` +
      `more: at ${times}`;
    return [violation('P6', text, { partition })];
  });
}

const ANSWERS_MAX = 1;
