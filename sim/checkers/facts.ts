/** The input of all checkers: a run as it was traced, and violations in one shape. */
import type { RunTrace, Violation } from '../schedule.ts';

/** A run as the world traced it, before it was judged. */
export type Facts = Omit<RunTrace, 'violations'>;

/** The world notes this if a process continues that was asked to stop. */
export const DOES_NOT_END = 'a process does not end';

/** The world notes this if a process keeps running whose configuration contradicts the journal. */
export const IS_NOT_REFUSED = 'a process whose sink is not the journaled one is not refused';

const LISTED_MAX = 12;

export function violation(
  invariant: Violation['invariant'],
  message: string,
  concerned: Partial<Pick<Violation, 'partition' | 'offsets' | 'files'>> = {},
): Violation {
  return { partition: null, offsets: [], files: [], ...concerned, invariant, message };
}

/** `1, 2, 3 and 4 more`. */
export function listed(items: readonly string[]): string {
  const shown = items.slice(0, LISTED_MAX).join(', ');
  const rest = items.length - LISTED_MAX;
  return rest > 0 ? `${shown} and ${rest} more` : shown;
}

/** The complete lines of a file; anything after the last newline is torn. */
export function linesOf(content: string): { readonly lines: readonly string[]; readonly torn: string } {
  const lines = content.split('\n');
  const torn = lines.pop() ?? '';
  return { lines, torn };
}

/**
 * The world's values are `partition:offset`, with `~n` between them in a log that was cut n times. Null for
 * anything else.
 */
export function parseValue(line: string): { readonly partition: number; readonly offset: number } | null {
  const [, partition, offset] = /^(\d+)(?:~\d+)?:(\d+)$/.exec(line) ?? [];
  return partition === undefined || offset === undefined
    ? null
    : { partition: Number(partition), offset: Number(offset) };
}

/**
 * Values that were ever published under any name, even if their newline is torn off. Without what an operator
 * has put away, since its records are to be read again.
 */
export function everPublished({ visible }: Pick<Facts, 'visible'>): ReadonlySet<string> {
  const values = new Set<string>();
  const shown = new Map<string, readonly string[]>();
  for (const { uri, type, content } of visible) {
    if (type === 'putAway') for (const line of shown.get(uri) ?? []) values.delete(line);
    if (type !== 'appeared' || content === null) continue;
    const lines = content.split('\n');
    shown.set(uri, lines);
    for (const line of lines) values.add(line);
  }
  return values;
}
