/** P4: nothing committed is ever overwritten, shortened or deleted. */
import type { TracedEntry, Violation, VisibleChange } from '../schedule.ts';
import { linesOf, parseValue, violation, type Facts } from './facts.ts';
import { readJournal } from './journalView.ts';

export function checkP4({ visible, journal }: Facts): Violation[] {
  const standing = new Map<string, string>();
  const committedAtMs = commitTimes(journal);
  return visible.flatMap((change) => {
    const { uri, type, content, atMs } = change;
    const before = standing.get(uri);
    if (content === null) standing.delete(uri);
    else standing.set(uri, content);
    if (type === 'taken' || type === 'putAway' || (type === 'appeared' && before === undefined)) return [];
    // A power cut may still undo what the journal does not call committed; it is published again.
    if (type === 'undone' && atMs < (committedAtMs.get(uri) ?? Infinity)) return [];
    return touched(change, before ?? '');
  });
}

function commitTimes(journal: readonly TracedEntry[]): ReadonlyMap<string, number> {
  const times = new Map<string, number>();
  for (const { parts } of readJournal(journal).values()) {
    for (const { finalUri, ended, endedAtMs } of parts.values()) {
      if (ended === 'committed' && endedAtMs !== null) times.set(finalUri, endedAtMs);
    }
  }
  return times;
}

function touched({ uri, type, atMs, content }: VisibleChange, before: string): Violation[] {
  const kept = new Set(linesOf(content ?? '').lines);
  const gone = linesOf(before)
    .lines.filter((line) => !kept.has(line))
    .flatMap((line) => parseValue(line) ?? []);
  const how = content === null ? 'removed' : content.length < before.length ? 'shortened' : 'overwritten';
  const offsets = gone.map(({ offset }) => String(offset));
  return [
    violation(
      'P4',
      `${uri} was committed, and was ${how}${type === 'undone' ? ' by a power cut' : ''} at ${atMs} ms`,
      {
        partition: gone[0]?.partition ?? parseValue(linesOf(before).lines[0] ?? '')?.partition ?? null,
        offsets,
        files: [uri],
      },
    ),
  ];
}
