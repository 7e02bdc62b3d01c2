import { describe, expect, test } from 'vitest';
import { addCounts, closingLine, countTests, slowestTests } from '../../scripts/checkSummary.ts';
import { leftOut } from '../../scripts/testTiers.ts';

type File = { status: string; assertionResults: { status: string }[] };

function report(passed: number, failed: number, skipped: number, testResults: File[] = []): string {
  return JSON.stringify({
    ...{ numPassedTests: passed, numFailedTests: failed, numPendingTests: skipped, numTodoTests: 0 },
    testResults,
  });
}

describe('the closing line of npm run check', () => {
  test('counts passed, failed and, only where there are some, skipped', () => {
    const failing = { status: 'failed', assertionResults: [{ status: 'failed' }, { status: 'passed' }] };
    expect(countTests(report(5, 1, 2, [failing]), 1)).toEqual({ passed: 5, failed: 1, skipped: 2 });
    expect(closingLine({ passed: 5, failed: 1, skipped: 2 })).toBe('5 passed, 1 failed, 2 skipped');
    expect(closingLine({ passed: 5, failed: 0, skipped: 0 })).toBe('5 passed, 0 failed');
  });

  test('counts a test file that could not be loaded as a failure', () => {
    const broken = { status: 'failed', assertionResults: [] };
    expect(countTests(report(5, 0, 0, [broken]), 1).failed).toBe(1);
  });

  test.each([
    { why: 'vitest failed though every test passed', json: report(5, 0, 0), exitCode: 1 },
    { why: 'there is no report', json: undefined, exitCode: 0 },
    { why: 'no test ran', json: report(0, 0, 0), exitCode: 0 },
    { why: 'every test was skipped', json: report(0, 0, 7), exitCode: 0 },
  ])('counts one failure when $why', ({ json, exitCode }) => {
    expect(countTests(json, exitCode).failed).toBe(1);
  });

  test('adds up the steps', () => {
    const step = { passed: 1, failed: 0, skipped: 0 };
    expect(addCounts([step, step, { passed: 0, failed: 1, skipped: 3 }])).toEqual({
      passed: 2,
      failed: 1,
      skipped: 3,
    });
  });
});

test('the slowest tests are named with their file and seconds', () => {
  const testResults = [
    {
      ...{ name: '/x/test/unit/a.test.ts', status: 'passed' },
      assertionResults: [
        { status: 'passed', fullName: 'a is quick', duration: 10 },
        { status: 'passed', fullName: 'a is slow', duration: 61_000 },
        { status: 'skipped', fullName: 'a did not run' },
      ],
    },
  ];
  expect(slowestTests(JSON.stringify({ testResults }), 1)).toEqual([
    '    61.0 s  test/unit/a.test.ts: a is slow',
  ]);
  expect(slowestTests(undefined, 3)).toEqual([]);
});

describe('tiers of the tests', () => {
  const [check, full] = ['test/**/*.check.test.ts', 'test/**/*.full.test.ts'];

  test.each([
    { tier: undefined, args: [], out: [check, full] },
    { tier: 'check', args: [], out: [full] },
    { tier: 'full', args: [], out: [] },
    { tier: undefined, args: ['test/mutation/mutation.full.test.ts'], out: [check] },
    { tier: undefined, args: ['test/mutation/mutation.check'], out: [full] },
  ])('$tier with $args leaves out $out', ({ tier, args, out }) => {
    expect(leftOut(tier, args)).toEqual(out);
  });

  test('an unknown one is an error', () => {
    expect(() => leftOut('fast', [])).toThrow(/"fast"/);
  });
});
