import { describe, expect, test } from 'vitest';
import { countsOf, type CheckResult, type DoctorReport } from '../../../src/app/doctor/doctorReport.ts';
import { fakeCli } from './fakeCli.ts';

const result = (
  id: string,
  outcome: CheckResult['outcome'],
  more: Partial<CheckResult> = {},
): CheckResult => ({
  ...{ area: 'source', id, outcome, found: 'found', howToMend: '', tookMs: 1 },
  ...more,
});

function reportOf(checks: readonly CheckResult[], leftovers: readonly string[] = []): DoctorReport {
  return { job: 'clicks', checks, counts: countsOf(checks), leftovers };
}

const run = (report: DoctorReport, ...args: string[]) =>
  fakeCli({ examineJob: async () => report }).run('doctor', 'job.yaml', ...args);

describe('tidemark doctor', () => {
  test('prints a block for each area, what to do, and the sum', async () => {
    const { stdout } = await run(
      reportOf([
        result('kafka-brokers', 'pass', { found: '3 brokers' }),
        result('kafka-topics', 'fail', { found: 'there is no topic x', howToMend: 'Create it.' }),
        result('sink-write', 'warn', { area: 'sink', found: 'slow', howToMend: 'Hurry.' }),
        result('sink-publish', 'notDone', { area: 'sink', found: 'it was interrupted' }),
      ]),
    );
    expect(stdout.split('\n')).toEqual([
      'job clicks, job.yaml',
      '',
      'source',
      '  ✓ kafka-brokers  3 brokers',
      '  ✗ kafka-topics   there is no topic x',
      '                   what to do: Create it.',
      '',
      'sink',
      '  ! sink-write     slow',
      '                   what to do: Hurry.',
      '  - sink-publish   not done: it was interrupted',
      '',
      '1 passed, 1 warning, 1 failed, 1 not done',
      '',
    ]);
  });

  test.each([
    [['pass', 'warn'], [], 0],
    [['pass', 'notDone'], [], 3],
    [['notDone', 'fail'], [], 1],
    [['pass'], ['A stream may be left.'], 1],
  ] as const)('%s, left %s: exit code %i', async (outcomes, leftovers, code) => {
    const checks = outcomes.map((outcome) => result(outcome, outcome));
    const answer = await run(reportOf(checks, leftovers));
    expect(answer.code).toBe(code);
    for (const sentence of leftovers) expect(answer.stdout).toContain(`✗ ${sentence}`);
  });

  test('--json prints the report', async () => {
    const report = reportOf([result('kafka-brokers', 'pass')]);
    expect(JSON.parse((await run(report, '--json')).stdout)).toEqual(report);
  });

  test('a signal ends the checks, prints what is known, and the code says so', async () => {
    const cli = fakeCli(
      {
        examineJob: async (_config, { signal, onProgress }) => {
          onProgress({ done: 1, total: 2, running: ['sink-write'] });
          cli.signal('SIGINT');
          return reportOf([result('sink-write', signal.aborted ? 'notDone' : 'pass')]);
        },
      },
      { isTerminal: true },
    );
    const { code, stdout, stderr } = await cli.run('doctor', 'job.yaml');
    expect(code).toBe(130);
    expect(stdout).toContain('1 not done');
    expect(stderr).toContain('checking: 1 of 2 done, now sink-write');
    expect(cli.ends.map(({ limitMs, code: ending }) => [limitMs, ending()])).toEqual([[20_000, 130]]);
    expect(cli.isListening).toBe(false);
  });
});
