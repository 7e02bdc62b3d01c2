/**
 * Tiers of the tests, by file name. `npm test` runs `*.test.ts`. `npm run check`, which CI runs, adds
 * `*.check.test.ts`. `npm run check:full` adds `*.full.test.ts`. A file named on the command line runs in any
 * case.
 */
export const TIERS = ['test', 'check', 'full'] as const;
export type Tier = (typeof TIERS)[number];

/** The variable in which `scripts/check.ts` passes the tier to vitest's configuration. */
export const TIER_VARIABLE = 'TIDEMARK_TEST_TIER';

/** Tier of this run. Error if the variable names none. */
export function tierOf(name: string | undefined): Tier {
  const tier = TIERS.find((one) => one === (name ?? 'test'));
  if (tier === undefined)
    throw new Error(`${TIER_VARIABLE} is "${name ?? ''}": expected ${TIERS.join(', ')}`);
  return tier;
}

/** What a test takes in the tier of this run, where its number of rounds or cases depends on that. */
export function inTier<T>(values: Readonly<Record<Tier, T>>): T {
  return values[tierOf(process.env[TIER_VARIABLE])];
}

/** Globs of the test files that a tier leaves out. `args` are the arguments of vitest's command line. */
export function leftOut(tier: string | undefined, args: readonly string[]): readonly string[] {
  const wanted = TIERS.indexOf(tierOf(tier));
  const isNamed = (name: string): boolean =>
    args.some((arg) => arg.includes(`.${name}.`) || arg.endsWith(`.${name}`));
  return TIERS.slice(Math.max(1, wanted + 1))
    .filter((name) => !isNamed(name))
    .map((name) => `test/**/*.${name}.test.ts`);
}
