import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { shortSchedule } from '../../sim/exhaust.ts';
import type { FuzzReport } from '../../sim/report.ts';
import { scheduleText } from '../../sim/scheduleText.ts';
import { fakeCli } from '../unit/cli/fakeCli.ts';

const parse = (stdout: string): FuzzReport => JSON.parse(stdout) as FuzzReport;

describe('tidemark fuzz', () => {
  it('runs schedules and says that the promise was kept: exit 0', async () => {
    const { code, stdout, stderr } = await fakeCli().run('fuzz', '--runs', '20', '--seed', '3');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^held: the promise was kept in 20 schedules, seed 3, store file\n/);
    expect(stdout).toContain('FAILPOINT');
    expect(stdout).toContain('never passed: store.resume:before, store.resume:after');
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

  it('replays the one schedule of a file', async () => {
    const cli = fakeCli();
    const schedule = shortSchedule({ store: 'oss', job: null, seed: 5 });
    writeFileSync(path.join(cli.dir, 'found.json'), `${scheduleText(schedule)}\n`);
    const { code, stdout } = await cli.run('fuzz', '--schedule', 'found.json', '--json');
    expect(code).toBe(0);
    expect(parse(stdout)).toMatchObject({
      schedules: 1,
      store: 'oss',
      seed: 5,
      mode: { type: 'replay', schedule },
    });
    expect(parse(stdout).faults).toContainEqual({ type: 'crash', planned: 1, hit: 1 });
  });

  it('says what is wrong with a schedule that it does not understand', async () => {
    const cli = fakeCli();
    const schedule = shortSchedule({ store: 'oss', job: null, seed: 5 });
    const wrong = { ...schedule, config: { ...schedule.config, processes: 9 } };
    writeFileSync(path.join(cli.dir, 'found.json'), JSON.stringify(wrong));
    const { code, stderr } = await cli.run('fuzz', '--schedule', 'found.json');
    expect(code).toBe(2);
    expect(stderr).toContain('--schedule found.json: is no schedule of this version');
    expect(stderr).toContain('config.processes');
    writeFileSync(path.join(cli.dir, 'found.json'), 'replay it');
    expect((await cli.run('fuzz', '--schedule', 'found.json')).stderr).toContain('is no JSON');
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
    [['--schedule', 'x.json', '--runs', '5'], 'choose one'],
    [['--schedule', 'x.json', '--seed', '1'], '--seed: the --schedule says it all'],
    [['--schedule', 'missing.json'], '--schedule missing.json: cannot be read'],
    [['--seed', '-1'], '--seed -1: expected a whole number'],
    [['--store', 's3'], "argument 's3' is invalid"],
    [['job.yaml'], 'too many arguments'],
  ])('%j is a wrong command line: exit 2', async (args, message) => {
    const { code, stdout, stderr } = await fakeCli().run('fuzz', ...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
  });
});
