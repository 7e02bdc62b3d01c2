/** The real process: what only a process can show. */
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, globSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Linter } from 'eslint';
import { describe, expect, test } from 'vitest';
import { scratchFolder } from '../../integration/testJob.ts';
import { collect } from './collect.ts';

const BIN = path.resolve(import.meta.dirname, '../../../bin/tidemark.js');
const inline = (script: string): string => `data:text/javascript,${encodeURIComponent(script)}`;

/** A job of files, in a folder of its own. */
function fileJob(): { readonly folder: string; readonly file: string } {
  const folder = scratchFolder();
  const file = path.join(folder, 'job.yaml');
  writeFileSync(path.join(folder, 'a.ndjson'), '1\n2\n');
  writeFileSync(
    file,
    'job: a\nsource: { file: { path: "*.ndjson" } }\nsink: { path: lake }\nbucket: { by: none }\n',
  );
  return { folder, file };
}

test('help comes without the clients, the journal or the YAML parser being loaded', async () => {
  const trace =
    'data:text/javascript,import{registerHooks}from"node:module";' +
    'registerHooks({load(u,c,n){console.error(u);return n(u,c)}})';
  const { code, stderr } = await collect(spawn(process.execPath, ['--import', trace, BIN, '--help']));
  expect(code).toBe(0);
  expect(stderr).toContain('commander');
  expect(stderr).not.toMatch(/kafkajs|nats|yaml|zod|pino|xstate|compose/);
});

test('a reader that goes away ends nothing: no stack, exit 0', async () => {
  const child = spawn(process.execPath, [BIN, 'schema']);
  child.stdout.destroy();
  expect(await collect(child)).toEqual({ code: 0, stdout: '', stderr: '' });
});

describe('an older Node', () => {
  test('is refused with one clear line', async () => {
    const old = inline(
      'Object.defineProperty(process,"versions",{value:{...process.versions,node:"22.1.0"}})',
    );
    const { code, stderr } = await collect(spawn(process.execPath, ['--import', old, BIN, '--help']));
    expect(code).toBe(2);
    expect(stderr).toBe(`tidemark needs Node.js 24 or newer; this is 22.1.0 (${process.execPath}).\n`);
  });

  test('of long ago understands the file that says so', () => {
    const found = new Linter().verify(readFileSync(BIN, 'utf8'), {
      languageOptions: { ecmaVersion: 2015, sourceType: 'commonjs' },
    });
    expect(found).toEqual([]);
  });

  const others = (process.env['PATH'] ?? '')
    .split(path.delimiter)
    .map((folder) => path.join(folder, 'node'))
    .filter((node) => {
      try {
        return (
          Number(execFileSync(node, ['-p', 'parseInt(process.versions.node)'], { encoding: 'utf8' })) < 24
        );
      } catch {
        return false;
      }
    });

  test.skipIf(others.length === 0)('that this machine has says it, too', async () => {
    const { code, stdout, stderr } = await collect(spawn(others[0] ?? '', [BIN, '--help']));
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^tidemark needs Node\.js 24 or newer; this is [\d.]+ \(.*\)\.\n$/);
  });
});

test(
  'without HOME, and as a user whom /etc/passwd does not name, every command works',
  { timeout: 120_000 },
  async () => {
    const nobody = inline(
      'import os from"node:os";import{syncBuiltinESMExports}from"node:module";' +
        'os.homedir=()=>{throw Object.assign(new Error("uv_os_homedir returned ' +
        'ENOENT"),{code:"ERR_SYSTEM_ERROR"})};' +
        'syncBuiltinESMExports()',
    );
    const { HOME: _home, XDG_CACHE_HOME: _cache, ...env } = process.env;
    const { file } = fileJob();
    for (const args of [['--help'], ['validate', file], ['run', file, '--until-end'], ['status', file]]) {
      const { code, stderr } = await collect(
        spawn(process.execPath, ['--import', nobody, BIN, ...args], { env }),
      );
      expect({ code, stderr: stderr.replaceAll(/^\{.*\}\n/gm, '') }).toEqual({ code: 0, stderr: '' });
    }
  },
);

describe('a signal before the program is loaded', { timeout: 120_000 }, () => {
  /** Sends it as soon as somebody listens: what is loaded afterwards takes its time. */
  const early = (signal: string): string =>
    inline(
      `const on=process.on;process.on=function(name,listener){const r=on.call(this,name,listener);` +
        `if(name===${JSON.stringify(signal)}){process.on=on;process.kill(process.pid,name)}return r}`,
    );

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'])('%s ends run in order: exit 0', async (signal) => {
    const { folder, file } = fileJob();
    const child = spawn(process.execPath, ['--import', early(signal), BIN, 'run', file]);
    const { code, stderr } = await collect(child);
    expect(code, stderr).toBe(0);
    expect(globSync('lake/part-*', { cwd: folder })).toEqual([]);
  });

  test.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ['SIGHUP', 129],
  ])('%s ends a command that only looks and waits: exit %d, as shells count it', async (signal, code) => {
    const { file } = fileJob();
    const away = ['-D', 'journal.nats.servers=["nats://127.0.0.1:1"]'];
    for (const args of [['status'], ['roll']]) {
      const child = spawn(process.execPath, ['--import', early(signal), BIN, ...args, file, ...away]);
      expect(await collect(child)).toMatchObject({ code });
    }
  });

  test('SIGHUP does not end a run that is told to ignore it', async () => {
    const { file } = fileJob();
    const args = ['--import', early('SIGHUP'), BIN, 'run', file, '--until-end', '--ignore-sighup'];
    const { code, stdout } = await collect(spawn(process.execPath, args));
    expect(code).toBe(0);
    expect(stdout).toContain('committed 1 file with 2 records');
  });
});

describe('an output whose disk is full', () => {
  const FULL = '/dev/full';

  test('of the log does not end the run', async () => {
    const { folder, file } = fileJob();
    mkdirSync(path.join(folder, 'lake'));
    const full = openSync(FULL, 'w');
    const child = spawn(process.execPath, [BIN, 'run', file, '--until-end', '--log-level', 'debug'], {
      stdio: ['ignore', 'pipe', full],
    });
    closeSync(full);
    expect(await collect(child)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('committed 1 file with 2 records') as string,
    });
  });

  test('of the answer is a failure that is reported', async () => {
    const full = openSync(FULL, 'w');
    const child = spawn(process.execPath, [BIN, 'schema'], { stdio: ['ignore', full, 'pipe'] });
    closeSync(full);
    expect(await collect(child)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^tidemark: the answer could not be written: .*ENOSPC/) as string,
    });
  });
});
