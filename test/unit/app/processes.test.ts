import { describe, expect, test } from 'vitest';
import { Composition } from '../../../src/app/compose.ts';
import { ceilingOf } from '../../../src/app/jobMemory.ts';
import { checkProcesses, configOfProcess } from '../../../src/app/processes.ts';
import { silentLog } from '../../../src/telemetry/log.ts';
import { loadText, MINIMAL, problemsOfText } from './jobFiles.ts';

const NATS = 'journal={nats: {servers: [nats://127.0.0.1:4222]}}';
const place = { index: 1, processes: 3, token: 'drawn' };
const SERVICE = { untilEnd: false };

describe('one of several processes', () => {
  test('has its own instance id, a port of loopback, and a token', () => {
    const overrides = [NATS, 'source.kafka.instanceId=host-7', 'http={host: 0.0.0.0, port: 9000}'];
    const { source, http, processes } = configOfProcess(loadText(MINIMAL, { overrides }), place);
    expect(source).toMatchObject({ instanceId: 'host-7-1' });
    expect(http).toMatchObject({ host: '127.0.0.1', port: 0, isPrivate: true });
    expect(http?.token?.reveal()).toBe('drawn');
    expect(processes).toBe(3);
  });

  test('has neither where the job has none', () => {
    const { source, http } = configOfProcess(loadText(MINIMAL, { overrides: [NATS, 'http=false'] }), place);
    expect(source).toMatchObject({ instanceId: null });
    expect(http).toBeNull();
  });

  test('has its part of the memory, and all of the default', () => {
    const common = { processes: 3, formatBytes: null, storeBytes: 0 };
    expect(ceilingOf({ ...common, ceilingBytes: 3 * 2 ** 30 }, 0)).toBe(2 ** 30);
    expect(ceilingOf({ ...common, ceilingBytes: null }, 0)).toBe(256 * 2 ** 20);
    const little = loadText(MINIMAL, { overrides: [NATS, 'memory=150MiB'] });
    expect(() => new Composition().memory(configOfProcess(little, place), silentLog)).toThrow(
      /^memory: 50MiB for each of 3 processes is too little: .* expected at least \d+MiB for all of them\.$/,
    );
  });
});

test('several processes need a shared journal, a shared source, and no end', () => {
  const config = loadText(MINIMAL, { overrides: [NATS] });
  expect(() => checkProcesses(config, SERVICE)).not.toThrow();
  expect(() => checkProcesses(config, { untilEnd: true })).toThrow(/--until-end/);
  expect(() => checkProcesses(loadText(MINIMAL), SERVICE)).toThrow(/journal\.sqlite is for one/);
  const files = loadText(MINIMAL, { overrides: [NATS, 'source={file: {path: a}}'] });
  expect(() => checkProcesses(files, SERVICE)).toThrow(/source\.file does not/);
});

test.each(['""', '..', 'a b', 'ä', `"${'x'.repeat(201)}"`])('%s is no instance id', (text) => {
  const lines = problemsOfText(MINIMAL, { overrides: [`source.kafka.instanceId=${text}`] });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('-D source.kafka.instanceId: ');
});
