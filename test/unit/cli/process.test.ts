/** The real process: what only a process can show. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { expect, test } from 'vitest';
import { collect } from './collect.ts';

const BIN = path.resolve(import.meta.dirname, '../../../bin/tidemark.js');

test('help comes without the clients, the journal or the YAML parser being loaded', async () => {
  const trace =
    'data:text/javascript,import{registerHooks}from"node:module";registerHooks({load(u,c,n){console.error(u);return n(u,c)}})';
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

test('an older Node is refused with one clear line', async () => {
  const old =
    'data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"22.1.0"}})';
  const { code, stderr } = await collect(spawn(process.execPath, ['--import', old, BIN, '--help']));
  expect(code).toBe(2);
  expect(stderr).toBe(`tidemark needs Node.js 24 or newer; this is 22.1.0 (${process.execPath}).\n`);
});
