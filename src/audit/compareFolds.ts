/** Compares what two versions make of one journal, line by line: the first entry at which they differ. */
import type { FoldedState, FoldLine, RefusedEntry } from './foldLines.ts';

export interface FoldDifference {
  readonly subject: string;
  readonly seq: number;
  /** Time and events of the entry; null if neither version could read it. */
  readonly at: string | null;
  readonly events: readonly string[] | null;
  /** Sides of the state that differ; empty if one of the two refuses the entry. */
  readonly sides: readonly (keyof FoldedState)[];
  /** Why this version, and the other one, refuse it; null if they do not. */
  readonly refusedByThis: Refusal | null;
  readonly refusedByOther: Refusal | null;
}

export interface Refusal {
  readonly code: string;
  readonly message: string;
}

/** The other version's lines are not those of the same journal. */
export class NotComparable extends Error {
  override readonly name = 'NotComparable';
}

/**
 * Null if there is none. Rejects with NotComparable if the lines are about other entries. An entry that both
 * refuse is no difference, whatever each says of it.
 */
export async function firstDifference(
  own: AsyncIterable<FoldLine>,
  other: AsyncIterator<FoldLine>,
  onEntry: () => void,
): Promise<FoldDifference | null> {
  for await (const line of own) {
    const answer = await other.next();
    if (answer.done === true) throw new NotComparable('it ends before the journal does');
    const { value: theirs } = answer;
    if (theirs.subject !== line.subject || theirs.seq !== line.seq)
      throw new NotComparable(`it tells of ${place(theirs)} where ${place(line)} is due`);
    const found = differenceOf(line, theirs);
    if (found !== null) return found;
    onEntry();
  }
  if ((await other.next()).done === true) return null;
  throw new NotComparable('it goes on behind the end of the journal');
}

function differenceOf(own: FoldLine, other: FoldLine): FoldDifference | null {
  const refusals = { refusedByThis: refusalOf(own), refusedByOther: refusalOf(other) };
  const { subject, seq } = own;
  const entry = own.type === 'entry' ? own : other.type === 'entry' ? other : null;
  const at = { at: entry?.at ?? null, events: entry?.events ?? null };
  if (own.type !== other.type) return { subject, seq, ...at, sides: [], ...refusals };
  if (own.type !== 'entry' || other.type !== 'entry') return null;
  const sides = (Object.keys(own.state) as (keyof FoldedState)[]).filter(
    (side) => own.state[side] !== other.state[side],
  );
  return sides.length === 0 ? null : { subject, seq, ...at, sides, ...refusals };
}

const place = ({ subject, seq }: FoldLine): string => `entry ${seq} of ${subject}`;

function refusalOf(line: FoldLine): Refusal | null {
  if (line.type === 'entry') return null;
  const { code, message }: RefusedEntry = line;
  return { code, message };
}
