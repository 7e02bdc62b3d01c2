/** Converts zod's issues to problems: one per wrong key, each with its path and one sentence. */
import type { z } from 'zod';

export type KeyPath = readonly (string | number)[];

export interface Problem {
  readonly path: KeyPath;
  /** The key itself is wrong (unknown), not its value. */
  readonly isKey: boolean;
  /** "What is wrong; what is expected", without the place. */
  readonly message: string;
}

type Issue = z.core.$ZodIssue;

/** Every problem, in the order of zod's issues. `knownKeys` lists the keys that are allowed at a path. */
export function problemsOf(
  issues: readonly Issue[],
  knownKeys: (path: KeyPath) => readonly string[],
): Problem[] {
  return issues.flatMap((issue) => problemsOfIssue(issue, [], knownKeys));
}

function problemsOfIssue(
  issue: Issue,
  parent: KeyPath,
  knownKeys: (path: KeyPath) => readonly string[],
): Problem[] {
  const path = [...parent, ...issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step))];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: [...path, key],
      isKey: true,
      message: unknownKey(key, knownKeys(path)),
    }));
  }
  if (issue.code === 'invalid_union') {
    const meant = issue.errors.find(
      (branch) => !branch.some((inner) => inner.code === 'invalid_type' && inner.path.length === 0),
    );
    if (meant !== undefined) return meant.flatMap((inner) => problemsOfIssue(inner, path, knownKeys));
  }
  return [{ path, isKey: false, message: issue.message }];
}

function unknownKey(key: string, known: readonly string[]): string {
  const near = nearest(key, known);
  const expected = known.length === 0 ? 'expected no keys here' : `expected ${known.join(', ')}`;
  return near === null
    ? `is an unknown key; ${expected}`
    : `is an unknown key, did you mean "${near}"?; ${expected}`;
}

/** The known key that was probably meant, or null. */
function nearest(key: string, known: readonly string[]): string | null {
  const wanted = key.toLowerCase();
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(wanted, candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  if (best === undefined) return null;
  const isNear = best.distance <= Math.max(1, Math.floor(best.candidate.length / 3));
  return isNear ? best.candidate : null;
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  const at = (row: number, column: number): number => rows[row]?.[column] ?? 0;
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    rows.push(current);
    for (let column = 1; column <= b.length; column += 1) {
      const isSame = a[row - 1] === b[column - 1];
      let distance = Math.min(
        at(row - 1, column) + 1,
        at(row, column - 1) + 1,
        at(row - 1, column - 1) + (isSame ? 0 : 1),
      );
      const isSwap = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (isSwap) distance = Math.min(distance, at(row - 2, column - 2) + 1);
      current.push(distance);
    }
  }
  return at(a.length, b.length);
}

/** `source.kafka.topics[0]`. */
export function pathText(path: KeyPath): string {
  return path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`))
    .join('');
}
