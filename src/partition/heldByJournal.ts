/**
 * Checks whether the journal still holds what it acknowledged. The check runs after a witness is written and
 * before anything that the witness covers becomes visible. If the journal was rolled back before the check,
 * the entry is missing. If it is rolled back later, the witness detects it.
 */
import type { TidemarkError } from '../../journal/errors.ts';
import { hashEntry } from '../../journal/entry.ts';
import { JournalFailure } from '../../journal/failure.ts';
import type { Subject } from '../../journal/ids.ts';
import type { Journal } from '../../journal/port.ts';
import type { Tail } from '../../journal/replay.ts';
import { CONFLICT_STABLE_MS } from '../../journal/writer.ts';
import type { Clock } from '../system/clock.ts';

export interface HeldQuestion {
  readonly journal: Journal;
  readonly subject: Subject;
  readonly clock: Clock;
  /** The journal's acknowledged end. */
  readonly tail: () => Tail;
}

/**
 * Returns the check, to be called until it resolves. It rejects with JOURNAL_ROLLED_BACK if the entry is
 * permanently lost or replaced by another one. Before that is certain, or if the journal does not answer, it
 * rejects with JOURNAL_UNAVAILABLE.
 */
export function heldQuestion(question: HeldQuestion): () => Promise<void> {
  const { clock, tail } = question;
  // A server that has just started may lag for a moment, as with appends.
  let missingSinceMs: number | null = null;
  return async () => {
    const expected = tail();
    if (await isHeld(question, expected)) return;
    missingSinceMs ??= clock.nowMs();
    throw clock.nowMs() - missingSinceMs < CONFLICT_STABLE_MS
      ? unsure(question, expected)
      : lost(question, expected);
  };
}

async function isHeld({ journal, subject }: HeldQuestion, { revision, hash }: Tail): Promise<boolean> {
  for await (const [first] of journal.read(subject, revision - 1))
    return first?.revision === revision && hashEntry(first.bytes) === hash;
  return false;
}

function unsure({ subject }: HeldQuestion, { seq }: Tail): TidemarkError {
  const message =
    `The journal does not know entry ${seq} of ${subject}, which it had acknowledged; ` + 'asking again.';
  return new JournalFailure('unavailable', message, { fields: { subject, seq } });
}

function lost({ subject }: HeldQuestion, { seq }: Tail): TidemarkError {
  const message =
    `The journal no longer holds entry ${seq} of ${subject}, which it had acknowledged: it went back ` +
    'while this process ran. What is pending here is not published. Restore the newest journal, then ' +
    'resume the partition.';
  return new JournalFailure('rolledBack', message, { fields: { subject, seq } });
}
