/**
 * A call of the file system that never returns, as on a network disk whose server is gone: the process ends
 * all the same.
 */
import { execFileSync } from 'node:child_process';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { scratchFolder } from './testJob.ts';
import { tidemark, TidemarkProcess, type ProcessEnd } from './tidemarkProcess.ts';

/**
 * Opening a FIFO that nobody writes to holds a thread of the pool for ever, as the call of a dead server
 * does.
 */
const PRELOAD = `
  import fs from 'node:fs/promises';
  import { syncBuiltinESMExports } from 'node:module';
  const hang = () => {
    process.stderr.write('{"level":"info","msg":"hanging"}\\n');
    return fs.open(process.env.HANGING_FIFO, 'r');
  };
  const handle = await fs.open(process.execPath);
  if (process.env.HANGING_CALL === 'datasync') Object.getPrototypeOf(handle).datasync = hang;
  else fs[process.env.HANGING_CALL] = hang;
  await handle.close();
  syncBuiltinESMExports();
`;

interface Fixture {
  readonly folder: string;
  readonly file: string;
  start(call: 'datasync' | 'link' | 'mkdir'): TidemarkProcess;
}

function fixture(): Fixture {
  const folder = scratchFolder();
  const file = path.join(folder, 'job.yaml');
  const [fifo, preload] = [path.join(folder, 'fifo'), path.join(folder, 'preload.mjs')];
  execFileSync('mkfifo', [fifo]);
  writeFileSync(preload, PRELOAD);
  writeFileSync(path.join(folder, 'a.ndjson'), '1\n2\n');
  const keys = [
    'job: a',
    'source: { file: { path: "*.ndjson" } }',
    'sink: { path: lake }',
    'bucket: { by: none }',
    'roll: { maxBytes: 1B }',
    'checkpoint: { interval: 100ms }',
    'shutdown: { timeout: 2s }',
  ];
  writeFileSync(file, `${keys.join('\n')}\n`);
  return {
    folder,
    file,
    start(call) {
      const env = { HANGING_CALL: call, HANGING_FIFO: fifo, NODE_OPTIONS: `--import ${preload}` };
      const process = new TidemarkProcess(['run', file, '--log-level', 'debug'], env);
      onTestFinished(async () => {
        await process.killed();
      });
      return process;
    },
  };
}

async function expectEachOnce({ folder, file }: Fixture): Promise<void> {
  const end = await tidemark(['run', file, '--until-end']);
  expect(end.code, end.stderr).toBe(0);
  const names = globSync('lake/part-*', { cwd: folder });
  const lines = names.flatMap((name) => readFileSync(path.join(folder, name), 'utf8').trim().split('\n'));
  expect(lines.toSorted()).toEqual(['1', '2']);
}

const told = ({ stderr }: ProcessEnd): string | undefined =>
  stderr.split('\n').find((line) => line.includes('did not return'));

describe('with a call that never returns', { timeout: 60_000 }, () => {
  test('of the last checkpoint: names the partition, reports exit code 1, kills itself', async () => {
    const world = fixture();
    const process = world.start('datasync');
    await process.said('hanging');
    process.kill('SIGTERM');
    const end = await process.ended;
    expect(end, end.stderr).toMatchObject({ code: null, signal: 'SIGKILL' });
    expect(end.stderr).toContain('STOP_INCOMPLETE: Stopped without a last checkpoint of a.ndjson/0');
    expect(told(end)).toContain('the exit code is 1');
    await expectEachOnce(world);
  });

  test('of a publication: the last checkpoint is journaled, so that the exit code would be 0', async () => {
    const world = fixture();
    const process = world.start('link');
    await process.said('hanging');
    process.kill('SIGTERM');
    const end = await process.ended;
    expect(end, end.stderr).toMatchObject({ code: null, signal: 'SIGKILL' });
    expect(told(end)).toContain('the exit code is 0');
    await expectEachOnce(world);
  });

  test('while it begins: nothing was begun, so that the exit code would be 0', async () => {
    const process = fixture().start('mkdir');
    await process.said('hanging');
    process.kill('SIGTERM');
    const end = await process.ended;
    expect(end, end.stderr).toMatchObject({ code: null, signal: 'SIGKILL' });
    expect(told(end)).toContain('the exit code is 0');
  });

  test.each([
    ['SIGHUP', 129],
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('a second signal, %s, ends it at once with %d', async (signal, code) => {
    const world = fixture();
    const process = world.start('datasync');
    await process.said('hanging');
    process.kill('SIGTERM');
    await process.said('stopping after a last checkpoint');
    process.kill(signal);
    expect(await process.ended).toMatchObject({ code, signal: null });
    await expectEachOnce(world);
  });
});
