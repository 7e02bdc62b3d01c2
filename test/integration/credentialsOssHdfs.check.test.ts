/**
 * A run whose keys live three seconds, from each provider, through OSS-HDFS: files outlive their keys, every
 * record is there once, and nobody learns a key from what the run leaves.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Secret } from '../../kernels/schema/secret.ts';
import { fetchJindosdk } from '../../scripts/jindosdk/fetch.ts';
import { logToStderr } from '../../scripts/services/common.ts';
import type { OssServerProcess } from '../../servers/oss/process.ts';
import { jindoSettings } from '../../src/stores/ossHdfs/settings.ts';
import { JindoReader } from '../conformance/store/jindoReader.ts';
import { inTier } from '../../scripts/testTiers.ts';
import { describeJudge, find } from '../judges/judge.ts';
import { KeyServer, PROVIDER_ARN, ROLE_ARN } from '../servers/keys/keyServer.ts';
import { rerouted } from '../servers/keys/reroute.ts';
import { ownFolder, ownOssServerProcess } from '../servers/oss/fixture.ts';
import { describeIntegration, services } from '../services/integration.ts';
import { createTopic, expectExactlyOnce, NumberProducer } from './numbers.ts';
import { expectCode, TestJob, uniqueName } from './testJob.ts';
import { TidemarkProcess } from './tidemarkProcess.ts';

const LIFE_MS = 3_000;
const OIDC_TOKEN = 'oidc-token-that-nobody-sees';
const STS = 'sts.aliyuncs.com';

const found = await find(() => fetchJindosdk(logToStderr));

interface Scene {
  readonly job: TestJob;
  readonly keys: KeyServer;
  readonly oss: OssServerProcess;
  readonly producer: NumberProducer;
  readonly topic: string;
  start(...args: string[]): TidemarkProcess;
}

type Provider = (keys: KeyServer, folder: string) => Readonly<Record<string, string>>;

async function sceneOf(library: string, provider: Provider): Promise<Scene> {
  const folder = await ownFolder();
  const oss = await ownOssServerProcess(path.join(folder, 'oss'));
  const keys = await KeyServer.start({ lifeMs: LIFE_MS, accept: (issued) => oss.addCredential(issued) });
  onTestFinished(() => keys.stop());
  const { brokers } = services();
  const topic = uniqueName('credentials');
  await createTopic(brokers, topic);
  const producer = new NumberProducer(brokers, topic, { pauseMs: 20 });
  const sink = {
    path: `oss://lake.cn-test.oss-dls.aliyuncs.com/${topic}`,
    endpoint: `http://${oss.address}`,
    credentials: provider(keys, folder),
    jindosdk: { library },
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
  return { job, keys, oss, producer, topic, start };
}

/** What readers see, as files of a folder. */
async function mirrored({ oss, topic }: Scene, library: string): Promise<string> {
  const folder = await ownFolder();
  const [host = '', port] = oss.address.split(':');
  const permanent = { accessKeyId: new Secret('test-id'), accessKeySecret: new Secret('test-secret') };
  const address = {
    ...{ ossBucket: 'lake', region: 'cn-test', logFolder: path.join(folder, 'log') },
    address: { host, port: Number(port), https: false, pathStyle: true },
    credentials: { ...permanent, securityToken: null },
  };
  const reader = await JindoReader.open(library, 'oss://lake/', jindoSettings(address, folder));
  const lake = path.join(folder, 'lake');
  try {
    const uri = `oss://lake/${topic}`;
    for (const { path: name, length } of await reader.list(uri)) {
      mkdirSync(path.dirname(path.join(lake, name)), { recursive: true });
      writeFileSync(path.join(lake, name), await reader.read(`${uri}/${name}`, length));
    }
  } finally {
    await reader.close();
  }
  return lake;
}

/** Nothing that a run wrote holds any of the keys; the job file names what it was given. */
function expectNoSecret({ job, keys }: Scene, ...texts: readonly string[]): void {
  const files = readdirSync(job.folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'job.yaml')
    .map((entry) => path.join(entry.parentPath, entry.name));
  const secrets = keys.issued.flatMap(({ accessKeySecret, securityToken }) => [
    accessKeySecret,
    securityToken,
  ]);
  for (const text of [...texts, ...files.map((file) => readFileSync(file, 'latin1'))])
    for (const secret of [OIDC_TOKEN, ...secrets]) expect(text).not.toContain(secret);
  const uid = process.getuid?.() ?? -1;
  expect(keyFolders(uid), 'files of keys are removed').toEqual([]);
}

function keyFolders(uid: number): string[] {
  try {
    return readdirSync(`/dev/shm/tidemark-${uid}`, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.includes('/keys-'),
    );
  } catch {
    return [];
  }
}

const oidc: Provider = (_keys, folder) => {
  const oidcTokenFile = path.join(folder, 'token');
  writeFileSync(oidcTokenFile, OIDC_TOKEN);
  return { provider: 'oidc', roleArn: ROLE_ARN, oidcProviderArn: PROVIDER_ARN, oidcTokenFile };
};

const OTHERS: readonly [string, Provider][] = [
  ['ecs-ram-role', () => ({ provider: 'ecs-ram-role' })],
  ['uri', (keys) => ({ provider: 'uri', uri: `http://${keys.address}/keys` })],
];
const PROVIDERS: readonly (readonly [string, Provider])[] = [
  ['oidc', oidc],
  ...inTier({ test: [], check: [], full: OTHERS }),
];

describeJudge('keys that live three seconds, through OSS-HDFS', found, ({ library }) => {
  describeIntegration('a run', () => {
    test.each(PROVIDERS)(
      'with the provider %s writes files across several lives, each record once',
      async (_name, provider) => {
        const scene = await sceneOf(library, provider);
        const { producer, keys, job } = scene;
        await producer.start();
        const run = scene.start();
        await keys.gave(6);
        await producer.stop();
        run.kill('SIGTERM');
        const end = await run.ended;
        expectCode(end, 0);
        const status = await job.status();
        expect(
          status.partitions.map(({ epoch }) => epoch),
          'nothing had to be settled anew',
        ).toEqual([1, 1, 1, 1]);
        const rest = await scene.start('--until-end').ended;
        expectCode(rest, 0);
        expectExactlyOnce(await mirrored(scene, library), producer.sent);
        expectNoSecret(scene, end.stdout, end.stderr, rest.stderr, JSON.stringify(status));
      },
    );

    test('waits while there are no keys, says so, and goes on, each record once', async () => {
      const scene = await sceneOf(library, oidc);
      const { producer, keys, job } = scene;
      await producer.start();
      const run = scene.start();
      await keys.gave(3);
      const message = `no more keys for now, said about ${keys.issued[0]?.accessKeyId ?? ''}`;
      keys.refusal = { status: 503, body: JSON.stringify({ Code: 'ServiceUnavailable', Message: message }) };
      await run.said('The keys last until');
      await run.said('The keys have ended: uploads wait.');
      // The pauses are 4 s, 8 s by now: longer than JindoSDK would try by itself.
      await keys.wasAsked(keys.asked.length + 2);
      const status = await job.status();
      const [coordinator] = status.coordinators;
      expect(coordinator?.conditions).toContainEqual(
        expect.objectContaining({ kind: 'waiting', about: 'sink.credentials' }),
      );
      expect(status.partitions.map(({ stop }) => stop)).toEqual([null, null, null, null]);
      keys.refusal = null;
      await run.said('the destination has keys again');
      const given = keys.issued.length;
      await keys.gave(given + 3);
      await producer.stop();
      run.kill('SIGTERM');
      const end = await run.ended;
      expectCode(end, 0);
      const rest = await scene.start('--until-end').ended;
      expectCode(rest, 0);
      expectExactlyOnce(await mirrored(scene, library), producer.sent);
      expectNoSecret(scene, end.stdout, end.stderr, rest.stderr, JSON.stringify(status));
    });

    test('a role that does not exist ends it with 2, and its first message says which', async () => {
      const scene = await sceneOf(library, (keys, folder) => ({
        ...oidc(keys, folder),
        roleArn: 'acs:ram::1234567890:role/nobody',
      }));
      const end = await scene.start('--until-end').ended;
      expectCode(end, 2);
      expect(end.stderr).toContain('STS says EntityNotExist.Role (The role not exists: acs:ram::');
      expectNoSecret(scene, end.stdout, end.stderr);
    });
  });
});
