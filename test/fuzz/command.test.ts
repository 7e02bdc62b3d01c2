import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { FuzzReport } from '../../src/fuzz/report.ts';
import { fakeCli } from '../unit/cli/fakeCli.ts';

const parse = (stdout: string): FuzzReport => JSON.parse(stdout) as FuzzReport;

describe('tidemark fuzz', () => {
  it('runs schedules and says that the promise was kept: exit 0', async () => {
    const { code, stdout, stderr } = await fakeCli().run('fuzz', '--runs', '20', '--seed', '3');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^held: the promise was kept in 20 schedules, seed 3, store file\n/);
    expect(stdout).toContain('FAILPOINT');
    expect(stdout).toContain('never passed: store.recover:before, store.recover:after');
    expect(stdout).toContain('schedules/s');
  });

  it('--json is one document, the same for the same seed but for its timing', async () => {
    const cli = fakeCli();
    const answers = [
      await cli.run('fuzz', '--runs', '20', '--seed', '3', '--json'),
      await cli.run('fuzz', '--runs', '20', '--seed', '3', '--json'),
    ].map(({ stdout }) => stdout);
    const [one, other] = answers.map((stdout) => ({ ...parse(stdout), timing: null }));
    expect(JSON.stringify(other)).toBe(JSON.stringify(one));
    expect(one).toMatchObject({ verdict: 'held', isComplete: true, seed: 3, schedules: 20, failure: null });
    expect(Object.keys(parse(answers[0] ?? ''))).toContain('timing');
  });

  it('draws a seed where none is given, and names it', async () => {
    const cli = fakeCli();
    const seeds = [
      parse((await cli.run('fuzz', '--runs', '1', '--json')).stdout).seed,
      parse((await cli.run('fuzz', '--runs', '1', '--json')).stdout).seed,
    ];
    expect(seeds[0]).not.toBe(seeds[1]);
  });

  it('replays one schedule by seed and path, also an exhausted one', async () => {
    const cli = fakeCli();
    const drawn = await cli.run('fuzz', '--seed', '3', '--path', '17', '--json');
    expect(parse(drawn.stdout)).toMatchObject({ schedules: 1, mode: { type: 'replay', path: '17' } });
    const strike = 'crash:p0.0:store.write:after';
    const struck = await cli.run('fuzz', '--exhaustive', '--seed', '1', '--path', strike, '--json');
    const { faults } = parse(struck.stdout);
    expect(faults.find(({ type }) => type === 'crash')).toEqual({ type: 'crash', planned: 2, hit: 1 });
  });

  it('takes rolling, buckets and checkpoints from a job file, and says how they were scaled', async () => {
    const cli = fakeCli();
    const { stdout } = await cli.run('fuzz', '--runs', '5', '--seed', '1', '--job', 'job.yaml', '--json');
    const { job } = parse(stdout);
    expect(job?.name).toBe('clicks');
    expect(job?.settings).toContain('checkpoint every 10000 ms, here 100 ms');
    writeFileSync(path.join(cli.dir, 'bad.yaml'), 'job: a\n');
    expect((await cli.run('fuzz', '--job', 'bad.yaml')).code).toBe(2);
  });

  it('shows on a terminal how far it is, and removes the line in the end', async () => {
    const { stderr } = await fakeCli({}, { isTerminal: true }).run('fuzz', '--runs', '3', '--seed', '1');
    expect(stderr).toContain('1 of 3 schedules');
    expect(stderr.endsWith('\r\u001b[2K')).toBe(true);
  });

  it('Ctrl-C prints what was found so far; the second one does not wait', async () => {
    const cli = fakeCli();
    const running = cli.run('fuzz', '--runs', '50', '--seed', '1');
    await expect.poll(() => cli.isListening).toBe(true);
    cli.signal('SIGINT');
    cli.signal('SIGINT');
    const { code, stdout } = await running;
    expect(code).toBe(0);
    expect(stdout).toContain('interrupted, 50 were to be run');
    expect(cli.exits).toEqual([130]);
    expect(cli.isListening).toBe(false);
  });

  it.each([
    [['--runs', '0'], '--runs 0: expected a whole number from 1'],
    [['--runs', 'many'], '--runs many: expected a whole number'],
    [['--for', '60'], '--for 60: "60" has no unit'],
    [['--for', '60s', '--runs', '5'], 'choose one'],
    [['--exhaustive', '--for', '60s'], 'choose one'],
    [['--path', '1:2'], '--path: needs the --seed'],
    [['--path', 'x', '--seed', '1'], '--path x: is no path'],
    [['--path', '1:999999', '--seed', '1'], '--path 1:999999: leads to no schedule of seed 1'],
    [['--path', '1:2', '--seed', '1', '--exhaustive'], 'leads to no schedule'],
    [['--seed', '-1'], '--seed -1: expected a whole number'],
    [['--store', 's3'], "argument 's3' is invalid"],
    [['job.yaml'], 'too many arguments'],
  ])('%j is a wrong command line: exit 2', async (args, message) => {
    const { code, stdout, stderr } = await fakeCli().run('fuzz', ...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
  });
});
