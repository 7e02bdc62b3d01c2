/** How many checks passed, failed or were skipped. A static step, such as the types, counts as one. */
export type Counts = { readonly passed: number; readonly failed: number; readonly skipped: number };

/** The fields that are read from vitest's JSON report. */
type Report = {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly status: string;
    readonly name?: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName?: string;
      /** Milliseconds; absent if the test did not run. */
      readonly duration?: number | null;
    }[];
  }[];
};

/**
 * Counts the tests of a vitest run. Anything else that vitest reports as failed (a file that cannot be
 * loaded, an unhandled rejection, a missing report, no test at all) counts as one failure.
 */
export function countTests(reportJson: string | undefined, exitCode: number): Counts {
  if (reportJson === undefined) return { passed: 0, failed: 1, skipped: 0 };
  const report = JSON.parse(reportJson) as Report;
  const brokenFiles = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  );
  const passed = report.numPassedTests;
  const skipped = report.numPendingTests + report.numTodoTests;
  const failed = report.numFailedTests + brokenFiles.length;
  const failedOtherwise = failed === 0 && (exitCode !== 0 || passed === 0);
  return { passed, failed: failedOtherwise ? 1 : failed, skipped };
}

export function addCounts(all: readonly Counts[]): Counts {
  return all.reduce(
    (sum, one) => ({
      passed: sum.passed + one.passed,
      failed: sum.failed + one.failed,
      skipped: sum.skipped + one.skipped,
    }),
    { passed: 0, failed: 0, skipped: 0 },
  );
}

/** The closing line that every CI can read. */
export function closingLine({ passed, failed, skipped }: Counts): string {
  const line = `${String(passed)} passed, ${String(failed)} failed`;
  return skipped > 0 ? `${line}, ${String(skipped)} skipped` : line;
}

/** One line for each of the slowest tests, slowest first. The set-up of a file is not included. */
export function slowestTests(reportJson: string | undefined, count: number): readonly string[] {
  if (reportJson === undefined) return [];
  const { testResults } = JSON.parse(reportJson) as Report;
  return testResults
    .flatMap(({ name = '', assertionResults }) =>
      assertionResults.map(({ fullName = '', duration }) => ({ name, fullName, ms: duration ?? 0 })),
    )
    .sort((a, b) => b.ms - a.ms)
    .slice(0, count)
    .map(({ name, fullName, ms }) => {
      const file = name.slice(Math.max(0, name.indexOf('/test/') + 1));
      return `${(ms / 1000).toFixed(1).padStart(8)} s  ${file}: ${fullName}`;
    });
}
