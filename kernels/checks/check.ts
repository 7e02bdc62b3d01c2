/**
 * What `tidemark doctor` asks of a kind: checks in a fixed order, each with an id of its own.
 * docs/doctor.md lists them all; a test compares the two.
 */

/**
 * - `pass`: as the job needs it.
 * - `warn`: the job runs, and something may go wrong later.
 * - `fail`: the job cannot run, or cannot keep its promise.
 * - `notDone`: nothing is known, since something that is needed does not answer.
 */
export type Outcome = 'pass' | 'warn' | 'fail' | 'notDone';

export interface Finding {
  readonly outcome: Outcome;
  /** What was found, for people: numbers have units, and there is never a secret. */
  readonly found: string;
  /** What to do; empty if there is nothing to do. */
  readonly howToMend: string;
}

export interface Check {
  /** Stable, in kebab-case, beginning with what is checked. */
  readonly id: string;
  /** Ids of earlier checks that have to pass, or to warn, before this one can be done. */
  readonly needs: readonly string[];
  /** How long it may take if it is not the usual time. */
  readonly limitMs?: number;
  /** Rejects as what it calls does: `Probe.isAway` says what that means. */
  run(signal: AbortSignal): Promise<Finding>;
}

/**
 * The checks of one dependency. Nothing is opened before the first of them runs, and that one makes nothing:
 * it may look what is there.
 */
export interface Probe {
  readonly checks: readonly Check[];
  /** Whether a check that rejected found nobody who answers. Otherwise its error is the finding. */
  isAway(error: unknown): boolean;
  /** Removes what the checks have made, and closes what they have opened. Idempotent. */
  close(): Promise<void>;
}

export function check(
  id: string,
  needs: readonly string[],
  run: Check['run'],
  options: { readonly limitMs?: number } = {},
): Check {
  return { id, needs, run, ...options };
}

export const pass = (found: string): Finding => ({ outcome: 'pass', found, howToMend: '' });

export const warn = (found: string, howToMend: string): Finding => ({ outcome: 'warn', found, howToMend });

export const fail = (found: string, howToMend: string): Finding => ({ outcome: 'fail', found, howToMend });

export const notDone = (found: string, howToMend: string): Finding => ({
  outcome: 'notDone',
  found,
  howToMend,
});

const GRAVITY: readonly Outcome[] = ['pass', 'warn', 'notDone', 'fail'];

/** One finding of several: the gravest outcome, and what the findings that are not `pass` say. */
export function gravest(findings: readonly Finding[]): Finding {
  const sorted = findings.toSorted(
    (one, other) => GRAVITY.indexOf(other.outcome) - GRAVITY.indexOf(one.outcome),
  );
  const outcome = sorted[0]?.outcome ?? 'pass';
  const told = outcome === 'pass' ? sorted : sorted.filter((finding) => finding.outcome !== 'pass');
  const words = (key: 'found' | 'howToMend', by: string): string =>
    [...new Set(told.map((finding) => finding[key]).filter((text) => text !== ''))].join(by);
  return { outcome, found: words('found', '; '), howToMend: words('howToMend', ' ') };
}

const NAMED_MAX = 5;

/** `a, b and c`; of many only the first, and how many more there are. */
export function someOf(names: readonly string[]): string {
  const more = names.length - NAMED_MAX;
  return `${names.slice(0, NAMED_MAX).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
