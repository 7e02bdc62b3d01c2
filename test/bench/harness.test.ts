import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { digestFolder, LineDigest } from '../../bench/harness/lineDigest.ts';
import { measureProcess } from '../../bench/harness/measuredProcess.ts';
import { readOptions, usage } from '../../bench/harness/options.ts';
import { rowText } from '../../bench/harness/report.ts';
import { runInTurn, type Contestant, type Run } from '../../bench/harness/rounds.ts';
import { spreadOf } from '../../bench/harness/statistics.ts';
import { isReached } from '../../bench/rows/row.ts';
import { rowNames } from '../../bench/rows/rows.ts';
import { checkoutDir } from '../../scripts/services/common.ts';
import { collect } from '../unit/cli/collect.ts';

function digestOf(...chunks: string[]): string {
  const digest = new LineDigest();
  for (const chunk of chunks) digest.add(Buffer.from(chunk));
  return String(digest);
}

describe('the digest of lines', () => {
  it('does not depend on their order, nor on where chunks end', () => {
    const digest = digestOf('one\ntwo\nthree\n');
    expect(digestOf('three\none\ntwo\n')).toBe(digest);
    expect(digestOf('o', 'ne\ntw', '', 'o\nthree', '\n')).toBe(digest);
    expect(digest).toMatch(/^3 lines /);
  });

  it('changes with a lost, a repeated, an empty and a changed line', () => {
    const lines = ['one\ntwo\n', 'one\n', 'one\ntwo\ntwo\n', 'one\ntwo\n\n', 'one\ntwp\n', 'on\netwo\n'];
    expect(new Set(lines.map((text) => digestOf(text))).size).toBe(lines.length);
  });

  it('counts visible files of all folders, and refuses one that ends inside a line', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'tidemark-bench-'));
    onTestFinished(() => {
      rmSync(folder, { recursive: true });
    });
    mkdirSync(path.join(folder, 'a/_b'), { recursive: true });
    writeFileSync(path.join(folder, 'x'), 'one\n');
    writeFileSync(path.join(folder, 'a/y'), 'two\n');
    writeFileSync(path.join(folder, 'a/.hidden'), 'three');
    writeFileSync(path.join(folder, 'a/_b/z'), 'four\n');
    expect(digestFolder(folder)).toEqual({ digest: digestOf('one\ntwo\n'), records: 2, bytes: 8, files: 2 });
    writeFileSync(path.join(folder, 'torn'), 'five');
    expect(() => digestFolder(folder)).toThrow(/torn ends inside a line/);
  });
});

describe('a measured process', () => {
  it('is told its CPU seconds, all of them, and its peak memory', async () => {
    const burn = 'const end = process.cpuUsage().user + 3e5; while (process.cpuUsage().user < end);';
    const cost = await measureProcess(process.execPath, ['-e', burn], { what: 'a loop' });
    expect(cost.cpuSeconds).toBeGreaterThanOrEqual(0.29);
    expect(cost.peakMemoryMiB).toBeGreaterThan(10);
  });

  it('fails with its last words', async () => {
    const run = measureProcess(process.execPath, ['-e', 'console.error("no disk"); process.exit(3)'], {
      what: 'it',
    });
    await expect(run).rejects.toThrow(/it ended with 3:\nno disk/);
  });

  it('is killed by an abort', async () => {
    const interrupt = new AbortController();
    const run = measureProcess(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
      what: 'it',
      signal: interrupt.signal,
    });
    interrupt.abort(new Error('interrupted'));
    await expect(run).rejects.toThrow('interrupted');
  });
});

describe('rounds', () => {
  const run: Run = {
    ...{ seconds: 2, cpuSeconds: 1, peakMemoryMiB: 100, records: 10, bytes: 1e9, files: 1 },
    digest: '10 lines',
  };
  const order: string[] = [];
  function contestant(name: string, ...seconds: number[]): Contestant {
    return {
      name,
      run: async () => {
        order.push(name);
        return { ...run, seconds: seconds.shift() ?? 1 };
      },
    };
  }
  const options = { name: 'x', rounds: 3, signal: new AbortController().signal, log: () => undefined };

  it('are run in turn, and medians are taken of each side', async () => {
    const { rounds, sides } = await runInTurn([contestant('a', 1, 5, 2), contestant('b', 4, 1, 10)], options);
    expect(order).toEqual(['a', 'b', 'a', 'b', 'a', 'b']);
    expect(rounds).toBe(3);
    expect(sides.map(({ recordsPerSecond }) => recordsPerSecond)).toEqual([
      { median: 5, min: 2, max: 10 },
      { median: 2.5, min: 1, max: 10 },
    ]);
  });

  it('refuse outputs that differ', async () => {
    const other: Contestant = { name: 'b', run: async () => ({ ...run, digest: '9 lines' }) };
    await expect(runInTurn([contestant('a'), other], options)).rejects.toThrow(
      /a and b did not write the same records: 10 lines .*, and 9 lines/,
    );
  });

  it('that were finished before an interruption count', async () => {
    const interrupt = new AbortController();
    let runs = 0;
    const interrupted: Contestant = {
      name: 'b',
      run: async () => {
        if (runs++ < 2) return run;
        interrupt.abort(new Error('interrupted'));
        throw new Error('killed');
      },
    };
    const { rounds, sides } = await runInTurn([contestant('a'), interrupted], {
      ...options,
      signal: interrupt.signal,
    });
    expect(rounds).toBe(2);
    expect(sides.map((side) => side.runs.length)).toEqual([2, 2]);
  });
});

describe('medians', () => {
  it('are the middle, or the mean of the two in the middle', () => {
    expect(spreadOf([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
    expect(spreadOf([4, 1, 2, 3])).toEqual({ median: 2.5, min: 1, max: 4 });
    expect(() => spreadOf([])).toThrow('no runs');
  });
});

describe('the command line', () => {
  const defaults = {
    only: null,
    records: 10_000_000,
    rounds: null,
    isQuick: false,
    isJson: false,
    isKept: false,
    against: null,
  };

  it('has defaults', () => {
    expect(readOptions([])).toEqual(defaults);
    expect(readOptions(['--quick'])).toEqual({ ...defaults, records: 20_000, rounds: 1, isQuick: true });
    expect(readOptions(['--only', 'cpu', '--records', '5', '--rounds', '7', '--json', '--keep'])).toEqual({
      ...{ only: ['cpu'], records: 5, rounds: 7, isQuick: false, isJson: true, isKept: true },
      against: null,
    });
    const against = ['--only', 'throughput', '--against', path.relative(process.cwd(), checkoutDir)];
    expect(readOptions(against)).toEqual({ ...defaults, only: ['throughput'], against: checkoutDir });
  });

  it.each([
    ['--only', 'speed'],
    ['--records', '0'],
    ['--records', '1e6'],
    ['--rounds', '-1'],
    ['--against', checkoutDir],
    ['--only', 'cpu', '--against', checkoutDir],
    ['--only', 'throughput', '--against', tmpdir()],
    ['--fast'],
    ['x'],
  ])('refuses %s %s', (...args) => {
    expect(() => readOptions(args)).toThrow();
  });

  it('explains every row and option', async () => {
    const { code, stdout } = await collect(
      spawn(process.execPath, [path.join(checkoutDir, 'bench/bench.ts'), '--help']),
    );
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${usage}\n` });
    for (const name of rowNames) expect(stdout).toContain(`\n  ${name} `);
  });
});

describe('a row', () => {
  const row = { name: 'cpu', divides: 'ours over theirs', goal: { atMost: 1 / 6 } } as const;

  it('ends with its name and its ratio', () => {
    const measured = { ...row, type: 'measured', isReached: false, ratio: 0.25, experiments: [] } as const;
    const bounds = [{ what: 'peak memory 300 MiB of 256 MiB', isKept: false }];
    expect(rowText({ ...measured, bounds, notes: ['on battery'] }).split('\n')).toEqual([
      'cpu: ours over theirs; goal at most 0.167: NOT reached',
      'cpu: peak memory 300 MiB of 256 MiB: NOT kept',
      'cpu: on battery',
      'cpu ratio 0.250',
    ]);
  });

  it('reaches its goal by its ratio and all its bounds', () => {
    const outcome = { ratio: 6, experiments: [], bounds: [{ what: 'memory', isKept: true }] };
    expect(isReached({ atLeast: 6 }, outcome)).toBe(true);
    expect(isReached({ atMost: 6 }, outcome)).toBe(true);
    expect(isReached({ atLeast: 6.1 }, outcome)).toBe(false);
    expect(isReached({ atMost: 5.9 }, outcome)).toBe(false);
    expect(isReached({ atLeast: 6 }, { ...outcome, bounds: [{ what: 'memory', isKept: false }] })).toBe(
      false,
    );
  });

  it('without a figure says why', () => {
    expect(rowText({ ...row, type: 'missing', reason: 'no java' })).toBe('cpu: not measured: no java');
  });
});
