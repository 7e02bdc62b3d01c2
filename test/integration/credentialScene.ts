/** A job whose keys live three seconds, and what of them it must not leave behind. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, onTestFinished } from 'vitest';
import type { OssServerProcess } from '../../servers/oss/process.ts';
import { KeyServer, PROVIDER_ARN, ROLE_ARN } from '../servers/keys/keyServer.ts';
import { rerouted } from '../servers/keys/reroute.ts';
import { ownFolder, ownOssServerProcess } from '../servers/oss/fixture.ts';
import { services } from '../services/integration.ts';
import { createTopic, expectExactlyOnce, NumberProducer } from './numbers.ts';
import { expectCode, TestJob, uniqueName } from './testJob.ts';
import { tidemark, TidemarkProcess, type ProcessEnd } from './tidemarkProcess.ts';

const LIFE_MS = 3_000;
const OIDC_TOKEN = 'oidc-token-that-nobody-sees';
const STS = 'sts.aliyuncs.com';

export interface Scene {
  readonly job: TestJob;
  readonly keys: KeyServer;
  readonly oss: OssServerProcess;
  readonly producer: NumberProducer;
  readonly topic: string;
  start(...args: string[]): TidemarkProcess;
  /** `tidemark status --json`, as a process of its own. */
  status(): Promise<ProcessEnd>;
}

export type Provider = (keys: KeyServer, folder: string) => Readonly<Record<string, string>>;

export const oidc: Provider = (_keys, folder) => {
  const oidcTokenFile = path.join(folder, 'token');
  writeFileSync(oidcTokenFile, OIDC_TOKEN);
  return { provider: 'oidc', roleArn: ROLE_ARN, oidcProviderArn: PROVIDER_ARN, oidcTokenFile };
};

/** @param endpoint of the path: names the store. */
export async function sceneOf(endpoint: string, provider: Provider, more: object = {}): Promise<Scene> {
  const folder = await ownFolder();
  const oss = await ownOssServerProcess(path.join(folder, 'oss'));
  const keys = await KeyServer.start({ lifeMs: LIFE_MS, accept: (issued) => oss.addCredential(issued) });
  onTestFinished(() => keys.stop());
  const { brokers } = services();
  const topic = uniqueName('credentials');
  await createTopic(brokers, topic);
  const producer = new NumberProducer(brokers, topic, { pauseMs: 20 });
  const sink = {
    ...{ path: `oss://lake.${endpoint}/${topic}`, endpoint: `http://${oss.address}` },
    ...{ credentials: provider(keys, folder), ...more },
  };
  const job = new TestJob({ brokers, topic, sections: { sink } });
  const env = rerouted({ '100.100.100.200:80': keys.address, [`${STS}:443`]: keys.address });
  const start = (...args: string[]): TidemarkProcess => {
    const run = new TidemarkProcess(['run', job.file, '--log-level', 'debug', ...args], env);
    onTestFinished(async () => {
      await run.killed();
    });
    return run;
  };
  const status = (): Promise<ProcessEnd> => tidemark(['status', job.file, '--json'], env);
  return { job, keys, oss, producer, topic, start, status };
}

/** Stops the run, and publishes what is left. */
export async function finish({ producer, start }: Scene, run: TidemarkProcess): Promise<ProcessEnd[]> {
  await producer.stop();
  run.kill('SIGTERM');
  const end = await run.ended;
  expectCode(end, 0);
  const rest = await start('--until-end').ended;
  expectCode(rest, 0);
  return [end, rest];
}

/**
 * Every record is there once, in the copy that `mirror` makes of what readers see, and nobody learns a key
 * from what the job left, nor from these texts.
 */
export async function expectWholeAndSilent(
  scene: Scene,
  mirror: (scene: Scene) => Promise<string>,
  ends: readonly ProcessEnd[],
): Promise<void> {
  expectExactlyOnce(await mirror(scene), scene.producer.sent);
  expectNoSecret(scene, ends);
}

export function expectNoSecret({ job, keys }: Scene, ends: readonly ProcessEnd[]): void {
  const files = readdirSync(job.folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'job.yaml')
    .map((entry) => path.join(entry.parentPath, entry.name));
  const texts = files.map((file) => readFileSync(file, 'latin1'));
  for (const { stdout, stderr } of ends) texts.push(stdout, stderr);
  const secrets = keys.issued.flatMap((issued) => [issued.accessKeySecret, issued.securityToken]);
  for (const secret of [OIDC_TOKEN, ...secrets])
    for (const text of texts) expect(text.includes(secret), secret).toBe(false);
}

/** Files go on while their keys are replaced, in one epoch. */
export async function acrossLives(scene: Scene): Promise<ProcessEnd[]> {
  const { producer, keys } = scene;
  await producer.start();
  const run = scene.start();
  await keys.gave(6);
  const ends = await finish(scene, run);
  const status = await scene.status();
  const { partitions } = JSON.parse(status.stdout) as { partitions: { epoch: number }[] };
  // Those of the first run and of the second one.
  expect(
    partitions.map(({ epoch }) => epoch),
    'nothing had to be settled anew',
  ).toEqual([2, 2, 2, 2]);
  return [...ends, status];
}

/** For a while there are no keys. */
export async function acrossAnOutage(scene: Scene): Promise<ProcessEnd[]> {
  const { producer, keys } = scene;
  await producer.start();
  const run = scene.start();
  await keys.gave(3);
  const body = JSON.stringify({ Code: 'ServiceUnavailable', Message: 'no more keys for now' });
  keys.refusal = { status: 503, body };
  await run.said('The keys last until');
  await run.said('The keys have ended: uploads wait.');
  // The pauses are 4 s, 8 s by now: longer than a client would try by itself.
  await keys.wasAsked(keys.asked.length + 2);
  const status = await scene.status();
  const { coordinators, partitions } = JSON.parse(status.stdout) as Awaited<ReturnType<TestJob['status']>>;
  expect(coordinators[0]?.conditions).toContainEqual(
    expect.objectContaining({ kind: 'waiting', about: 'sink.credentials' }),
  );
  expect(partitions.map(({ stop }) => stop)).toEqual([null, null, null, null]);
  keys.refusal = null;
  await run.said('the destination has keys again');
  await keys.gave(keys.issued.length + 3);
  return [...(await finish(scene, run)), status];
}
