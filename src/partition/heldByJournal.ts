/**
 * Whether the journal still holds what it has acknowledged: asked behind a witness, and before what the witness covers becomes visible. A
 * journal that went back before that has lost the entry; one that goes back later is found by the witness, which stands already.
 */
import { hashEntry } from '../../journal/entry.ts';
import { TidemarkError } from '../../journal/errors.ts';
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
 * Gives the question, to be asked until it resolves. It rejects with JOURNAL_ROLLED_BACK where the entry is gone for good, or another stands
 * in its place; before that, and where nobody answers, with JOURNAL_UNAVAILABLE.
 */
export function heldQuestion(question: HeldQuestion): () => Promise<void> {
  const { clock, tail } = question;
  // A server that has just come up may be behind for a moment, as at appends.
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
  const message = `The journal does not know entry ${seq} of ${subject}, which it had acknowledged; asking again.`;
  return new TidemarkError('JOURNAL_UNAVAILABLE', message, { fields: { subject, seq } });
}

function lost({ subject }: HeldQuestion, { seq }: Tail): TidemarkError {
  const message =
    `The journal no longer holds entry ${seq} of ${subject}, which it had acknowledged: it went back while this process ran. What is ` +
    'pending here is not published. Restore the newest journal, then resume the partition.';
  return new TidemarkError('JOURNAL_ROLLED_BACK', message, { fields: { subject, seq } });
}
