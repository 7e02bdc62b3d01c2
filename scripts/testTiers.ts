/**
 * Tiers of the tests, by file name. `npm test` runs `*.test.ts`. `npm run check`, which CI runs, adds
 * `*.check.test.ts`. `npm run check:full` adds `*.full.test.ts`. A file named on the command line runs in any
 * case.
 */
export const TIERS = ['test', 'check', 'full'] as const;
export type Tier = (typeof TIERS)[number];

/** The variable in which `scripts/check.ts` passes the tier to vitest's configuration. */
export const TIER_VARIABLE = 'TIDEMARK_TEST_TIER';

/** Globs of the test files that a tier leaves out. `args` are the arguments of vitest's command line. */
export function leftOut(tier: string | undefined, args: readonly string[]): readonly string[] {
  const wanted = TIERS.indexOf((tier ?? 'test') as Tier);
  if (wanted === -1) throw new Error(`${TIER_VARIABLE} is "${tier ?? ''}": expected ${TIERS.join(', ')}`);
  const isNamed = (name: string): boolean =>
    args.some((arg) => arg.includes(`.${name}.`) || arg.endsWith(`.${name}`));
  return TIERS.slice(Math.max(1, wanted + 1))
    .filter((name) => !isNamed(name))
    .map((name) => `test/**/*.${name}.test.ts`);
}
