import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { checkoutDir } from '../../scripts/services/common.ts';
import type { ServiceStatus } from '../../scripts/services/manage.ts';
import { processIdentity } from '../../scripts/services/processes.ts';
import { readRecord, type ServiceRecord, writeRecord } from '../../scripts/services/state.ts';
import { describeIntegration, services } from './integration.ts';

type Result = { readonly code: number | null; readonly stdout: string; readonly stderr: string };
type Environment = Record<string, string | undefined>;

let dir: string;
let stateDir: string;

beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'tidemark-services-'));
  stateDir = path.join(dir, 'run');
  await mkdir(path.join(dir, 'bin'));
  await putDocker('exit 1');
});

afterEach(async () => {
  await run(['stop']);
  await rm(dir, { recursive: true, force: true });
});

/** Puts a `docker` on the command's PATH, so that no test meets an engine that runs on this machine. */
async function putDocker(script: string): Promise<void> {
  await writeFile(path.join(dir, 'bin', 'docker'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

/** The command itself, with a state folder of its own and no services named by variables. */
function start(args: readonly string[], env: Environment = {}) {
  const script = path.join(checkoutDir, 'scripts', 'services.ts');
  const child = spawn(process.execPath, [script, ...args, '--state-dir', stateDir], {
    env: {
      ...process.env,
      PATH: `${path.join(dir, 'bin')}${path.delimiter}${process.env['PATH'] ?? ''}`,
      ...{ KAFKA_BROKERS: undefined, NATS_URL: undefined },
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const result = { code: null as number | null, stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (result.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (result.stderr += chunk.toString()));
  const ended = once(child, 'close').then(([code]): Result => ({ ...result, code: code as number | null }));
  return { child, ended };
}

function run(args: readonly string[], env: Environment = {}): Promise<Result> {
  return start(args, env).ended;
}

async function status(env: Environment = {}): Promise<ServiceStatus[]> {
  const { stdout } = await run(['status', '--json'], env);
  return (JSON.parse(stdout) as { services: ServiceStatus[] }).services;
}

function localRecord(service: 'kafka' | 'nats'): Extract<ServiceRecord, { how: 'local' }> {
  const record = readRecord(stateDir, service);
  if (record?.how !== 'local') throw new Error(`no local ${service} is recorded`);
  return record;
}

/** A `docker` that answers like an engine with the shared services in it; resolves with what it was asked. */
async function putDockerEngine(up: string): Promise<() => Promise<string>> {
  const callsFile = path.join(dir, 'docker-calls');
  const { brokers, natsUrl } = services();
  await putDocker(`echo "$*" >> '${callsFile}'
case "$*" in
  *' up '*) ${up} ;;
  *' port kafka '*) echo '${brokers[0] ?? ''}' ;;
  *' port nats '*) echo '${natsUrl.replace('nats://', '')}' ;;
esac`);
  return () => readFile(callsFile, 'utf8');
}

describe('the services command', () => {
  test.each([
    { args: [], says: 'say what to do' },
    { args: ['restart'], says: "unknown command 'restart'" },
    { args: ['start', '--force'], says: '--force' },
    { args: ['start', 'stop'], says: 'one command at a time' },
    { args: ['start', '--json'], says: '--json belongs to status' },
  ])('refuses wrong usage with exit code 2 and says what is right: $args', async ({ args, says }) => {
    const result = await run(args);
    expect(result).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr).toContain(says);
    expect(result.stderr).toContain('Usage: npm run services');
  });

  test('names the variable whose service does not answer', async () => {
    const result = await run(['start'], { KAFKA_BROKERS: '127.0.0.1:1', NATS_URL: 'nats://127.0.0.1:1' });
    expect(result).toMatchObject({ code: 1, stdout: '' });
    expect(result.stderr).toMatch(/(KAFKA_BROKERS=127.0.0.1:1|NATS_URL=nats:\/\/127.0.0.1:1) names a/);
  });

  test('has a status when nothing runs, as one JSON document', async () => {
    const nothing = { running: false, address: null, startedAs: null, version: null, problem: null };
    expect(await status()).toEqual([
      { service: 'kafka', ...nothing },
      { service: 'nats', ...nothing },
    ]);
  });

  test('leaves a process alone that has got the pid of a dead server', async () => {
    const bystander = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    await once(bystander, 'spawn');
    const identity = 'the boot and start time of a server that is gone';
    const address = 'nats://127.0.0.1:1';
    writeRecord(stateDir, 'nats', { how: 'local', address, version: '2', pid: bystander.pid ?? 0, identity });

    const [, nats] = await status();
    expect(nats).toMatchObject({
      running: false,
      problem: expect.stringContaining('no longer runs') as string,
    });
    expect(await run(['stop'])).toMatchObject({ code: 0 });
    expect(processIdentity(bystander.pid ?? 0)).toBeDefined();
    bystander.kill();
  });
});

describeIntegration('the services command, with services named by variables', () => {
  const named = (): Environment => ({
    KAFKA_BROKERS: services().brokers.join(','),
    NATS_URL: services().natsUrl,
  });

  test('takes them as they are, prints exactly two lines, and does not stop them', async () => {
    const { brokers, natsUrl } = services();
    const result = await run(['start'], named());
    expect(result).toMatchObject({
      code: 0,
      stdout: `KAFKA_BROKERS=${brokers.join(',')}\nNATS_URL=${natsUrl}\n`,
    });
    expect((await run(['stop'], named())).stderr).toContain('nothing was started here');
    expect(await status(named())).toMatchObject([
      { service: 'kafka', running: true, startedAs: 'env' },
      { service: 'nats', running: true, startedAs: 'env', version: expect.stringMatching(/^2\./) as string },
    ]);
  });

  test('uses containers if an engine and its compose plugin answer, and removes them on stop', async () => {
    const dockerCalls = await putDockerEngine('exit 0');
    const { brokers, natsUrl } = services();
    const result = await run(['start']);
    expect(result).toMatchObject({
      code: 0,
      stdout: `KAFKA_BROKERS=${brokers[0] ?? ''}\nNATS_URL=${natsUrl}\n`,
    });
    expect(await status()).toMatchObject([{ startedAs: 'container' }, { startedAs: 'container' }]);
    await run(['stop']);
    expect(await dockerCalls()).toMatch(/ up --detach .* kafka\n[^]* down --volumes\n/);
  });

  test('runs a server itself when its container cannot be started', async () => {
    await putDockerEngine('echo no such image >&2; exit 1');
    const result = await run(['start'], { ...named(), NATS_URL: undefined });
    expect(result.code).toBe(0);
    expect(result.stderr).toContain('no such image');
    expect((await status())[1]).toMatchObject({ running: true, startedAs: 'local' });
  });
});

describeIntegration(
  'the services command, with servers of its own',
  () => {
    test('starts them once, replaces only a dead one, and stop leaves nothing', async () => {
      const first = await run(['start']);
      expect(first.stdout).toMatch(/^KAFKA_BROKERS=127\.0\.0\.1:\d+\nNATS_URL=nats:\/\/127\.0\.0\.1:\d+\n$/);
      expect(await run(['start'])).toMatchObject({ code: 0, stdout: first.stdout });

      const kafka = localRecord('kafka');
      const nats = localRecord('nats');
      process.kill(nats.pid, 'SIGKILL');
      await vi.waitFor(() => expect(processIdentity(nats.pid)).toBeUndefined());
      expect((await status())[1]).toMatchObject({ running: false, startedAs: 'local' });

      const again = await run(['start']);
      expect(again.stderr).toContain(`process ${String(nats.pid)} is gone`);
      expect(localRecord('kafka')).toEqual(kafka);
      expect(localRecord('nats').pid).not.toBe(nats.pid);
      const version = { kafka: '4.1.1', nats: '2.15.2' };
      expect(await status()).toMatchObject([
        { running: true, startedAs: 'local', address: kafka.address, version: version.kafka },
        { running: true, startedAs: 'local', version: version.nats },
      ]);

      const running = [kafka.pid, localRecord('nats').pid];
      expect(await run(['stop'])).toMatchObject({ code: 0 });
      expect(running.map(processIdentity)).toEqual([undefined, undefined]);
      expect(readRecord(stateDir, 'kafka')).toBeUndefined();
    });

    test('kills what it has half started when it is interrupted', async () => {
      const { child, ended } = start(['start']);
      const kafka = await vi.waitFor(() => localRecord('kafka'), { timeout: 30_000 });
      child.kill('SIGINT');
      expect(await ended).toMatchObject({ code: 130, stdout: '' });
      expect(processIdentity(kafka.pid)).toBeUndefined();
      expect([readRecord(stateDir, 'kafka'), readRecord(stateDir, 'nats')]).toEqual([undefined, undefined]);
    });
  },
  { ownServers: true },
);
